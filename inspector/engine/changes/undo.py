"""Changes in the order in which they were made, each with how it is taken back and made again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...app_keys import app_key
from ...errors import UsageError
from ...records import Change
from ...text import encodable


@dataclass
class _Done:
    label: str
    undo: Callable[[], None]
    redo: Callable[[], None]
    undone: bool = False


class UndoStack:
    """What was undone comes last; something new takes its place."""

    def __init__(self) -> None:
        self._done: list[_Done] = []

    def push(self, label: str, undo: Callable[[], None], redo: Callable[[], None]) -> None:
        """Something was done, which `label` says in words."""
        self._done = [done for done in self._done if not done.undone]
        self._done.append(_Done(label, undo, redo))

    def undo(self) -> None:
        """Raises `UsageError` where nothing is left."""
        last = next((done for done in reversed(self._done) if not done.undone), None)
        if last is None:
            raise UsageError("nothing to undo", hint=self._hint("redo", "redoes what was undone"))
        last.undo()
        last.undone = True

    def redo(self) -> None:
        """Raises `UsageError` where nothing was undone."""
        first = next((done for done in self._done if done.undone), None)
        if first is None:
            raise UsageError("nothing to redo", hint=self._hint("undo", "undoes what was done last"))
        first.redo()
        first.undone = False

    def _hint(self, other: str, does: str) -> str:
        """The key that goes the `other` way, where there is a way to go, else those that make a change."""
        if self._done:
            return f"{app_key(other)} {does}"
        return f"{app_key('add-hook')} adds a hook, {app_key('edit-parameters')} edits parameters"

    def changes(self) -> tuple[Change, ...]:
        """All of them, for the app."""
        return tuple(Change(encodable(done.label, 200), done.undone) for done in self._done)

    def clear(self) -> None:
        """Forget them, without taking anything back."""
        self._done.clear()
