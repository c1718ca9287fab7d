"""Every message that is not a widget's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from textual.message import Message

from ..records import AnyEvent, HookRow, Problem

Deed = Literal["toggle", "source", "change", "delete"]


class EngineSaid(Message):
    """An event that answers no request: progress, rows of a listing, a note."""

    def __init__(self, event: AnyEvent) -> None:
        self.event = event
        super().__init__()


class EngineOutput(Message):
    """Something the engine process wrote to its standard output or error; raw, hostile text."""

    def __init__(self, stream: str, text: str) -> None:
        self.stream = stream
        self.text = text
        super().__init__()


class EngineGone(Message):
    """The engine ended without being asked to."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__()


class HookAsked(Message):
    """A key was pressed on a hook in a list."""

    def __init__(self, deed: Deed, row: HookRow) -> None:
        self.deed = deed
        self.row = row
        super().__init__()


class TerminalTrouble(Message):
    """The terminal sent something that could not be taken as it is."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__()


class KeyEnd(Message):
    """Goes the way that a key went, behind it: from the app to what has the focus, and up again through all around it.
    A box that is done says so to what holds it, and that to the screen: after three `laps` what the key did is done."""

    def __init__(self, done: Callable[[], None], laps: int = 3) -> None:
        self.done = done
        self.laps = laps
        super().__init__()
