"""Lines of Python as they are told of in errors: which of them a person wants to see first."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Sequence
from typing import NamedTuple

_OURS = os.path.dirname(os.path.dirname(__file__)) + os.sep
_LIBRARIES = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})
_PACKAGES = f"-packages{os.sep}"  # site-packages, dist-packages
_TORCH = f"{_PACKAGES}torch{os.sep}"
_CALLS = os.path.join("torch", "nn", "modules", "module.py")


class Frame(NamedTuple):
    """A line that Python was at."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


def find_users_line(frames: Sequence[Frame]) -> int:
    """Which of these, innermost first, is the innermost that is neither torch's nor the standard library's; 0 where
    none is."""
    return next((number for number, frame in enumerate(frames) if not is_library(frame.file)), 0)


def is_library(file: str) -> bool:
    """Code that a person did not come to look at: ours, torch's, the standard library's."""
    standard = file.startswith(_LIBRARIES) and _PACKAGES not in file
    return standard or _TORCH in file or file.startswith((_OURS, "<frozen"))


def is_plumbing(file: str) -> bool:
    """What lies between the model's own lines in every traceback: our code, and torch's calling of modules."""
    return file.startswith(_OURS) or file == "<string>" or file.endswith(_CALLS)
