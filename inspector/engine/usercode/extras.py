"""Packages that are optional: `pip install "torch-inspector[timm]"` and the like."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

from ...errors import UsageError
from ...text import encodable
from .running import reported


def optional(package: str, extra: str, shown: str) -> ModuleType:
    """The package, imported.

    Args:
        package: Its import name.
        extra: The extra of ours that installs it.
        shown: The target that needs it.

    Raises:
        UsageError: It is not installed.
        TargetError: It is, and importing it raised.
    """
    if importlib.util.find_spec(package) is None:
        raise UsageError(
            encodable(f"{shown} needs {package}, which is not installed", 300),
            where=encodable(f"for {sys.executable}", 300),
            hint=f'pip install "torch-inspector[{extra}]"',
        )
    with reported(f"{package} could not be imported:"):
        return importlib.import_module(package)
