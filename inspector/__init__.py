"""Look inside a PyTorch model in the terminal, and change what it does while it runs.

Importing this package imports neither torch nor Textual; the public names are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api.capture import Capture as Capture
    from .api.capture import capture as capture
    from .api.hooks import hooks as hooks
    from .api.hooks import python as python
    from .api.inspect import inspect as inspect
    from .api.summary import summary as summary

__version__ = "0.1.0"

_HOME = {
    "inspect": "inspector.api.inspect",
    "capture": "inspector.api.capture",
    "Capture": "inspector.api.capture",
    "summary": "inspector.api.summary",
    "hooks": "inspector.api.hooks",
    "python": "inspector.api.hooks",
}

KINDS = (
    "observe", "print", "record", "scale", "add", "zero", "noise", "clamp", "dropout", "round", "mean", "permute",
    "replace", "patch", "prune", "assign", "clip", "rename", "filter",
)  # fmt: skip
"""The kinds of hooks, each a function of its name; some have names of built-in functions, so `*` leaves them."""
_HOME.update(dict.fromkeys(KINDS, "inspector.api.hooks"))

__all__ = ["Capture", "__version__", "capture", "hooks", "inspect", "python", "summary"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *KINDS})
