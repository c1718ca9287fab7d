"""Look inside a PyTorch model in the terminal, and change what it does while it runs.

Importing this package imports neither torch nor Textual; the public names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api.breakpoint import breakpoint as breakpoint
    from .api.capture import Capture as Capture
    from .api.capture import capture as capture
    from .api.captured import CapturedCall as CapturedCall
    from .api.hooks import Hooks as Hooks
    from .api.hooks import hooks as hooks
    from .api.hooks import python as python
    from .api.inspect import inspect as inspect
    from .api.post_mortem import post_mortem as post_mortem
    from .api.summary import summary as summary
    from .api.sweep import sweep as sweep
    from .engine.hooks.kinds import *  # noqa: F403  # also the names of built-in functions, which `__all__` leaves out
    from .engine.hooks.recording import Recording as Recording
    from .engine.hooks.recording import load as load
    from .errors import HookError as HookError
    from .errors import HookWarning as HookWarning
    from .errors import InspectorError as InspectorError
    from .errors import UsageError as UsageError
    from .report.sweeps.result import SweepResult as SweepResult

__version__ = "0.1.0"

_HOME = {
    "inspect": "inspector.api.inspect",
    "breakpoint": "inspector.api.breakpoint",
    "capture": "inspector.api.capture",
    "Capture": "inspector.api.capture",
    "CapturedCall": "inspector.api.captured",
    "post_mortem": "inspector.api.post_mortem",
    "summary": "inspector.api.summary",
    "hooks": "inspector.api.hooks",
    "Hooks": "inspector.api.hooks",
    "python": "inspector.api.hooks",
    "Recording": "inspector.engine.hooks.recording",
    "load": "inspector.engine.hooks.recording",
    "HookError": "inspector.errors",
    "HookWarning": "inspector.errors",
    "InspectorError": "inspector.errors",
    "UsageError": "inspector.errors",
    "sweep": "inspector.api.sweep",
    "SweepResult": "inspector.report.sweeps.result",
}

__all__ = [
    "Capture", "CapturedCall", "HookError", "HookWarning", "Hooks", "InspectorError", "Recording", "SweepResult",
    "UsageError", "__version__", "capture", "hooks", "inspect", "load", "post_mortem", "python", "summary", "sweep",
]  # fmt: skip


_KINDS = "inspector.engine.hooks.kinds"
"""The room of the kinds of hooks, each a file of its name; nothing of it is imported to know the names."""


def _kinds() -> list[str]:
    from pathlib import Path  # neither is needed for a first frame, or for what starts an engine
    from pkgutil import iter_modules

    return [found.name for found in iter_modules([str(Path(__file__).with_name("engine") / "hooks" / "kinds")])]


if not TYPE_CHECKING:  # a type checker knows every name from above, and says which there is not

    def __getattr__(name: str) -> Any:
        home = _HOME.get(name) or (_KINDS if not name.startswith("_") and name in _kinds() else None)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_kinds()})
