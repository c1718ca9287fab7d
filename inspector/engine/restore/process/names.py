"""The names that all Python code here takes for granted."""

from __future__ import annotations

import builtins
from typing import Any


class Builtins:
    """Put back before anything else is done, and without any of them: a model may have put something else in their
    place."""

    def __init__(self, names: dict[str, Any] = builtins.__dict__) -> None:
        self._names = names
        self._then = names.copy()

    def restore(self) -> bool:
        """Whether something had changed."""
        changed = False
        for name, value in self._then.items():
            if name != "_" and self._names.get(name) is not value:
                self._names[name] = value
                changed = True
        return changed
