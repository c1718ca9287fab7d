"""What is told of the code that is stepped through."""

from __future__ import annotations

from types import CodeType, FrameType
from typing import Protocol


class LineObserver(Protocol):
    """Is told on the thread that runs the code, which goes on when it returns: it may wait as long as it likes. Nothing
    that runs meanwhile on that thread is told of.

    What it raises, the frame raises at that line. Whoever only looks raises nothing.
    """

    def entered(self, frame: FrameType) -> bool:
        """A function was called; a generator was called or goes on. Gives whether there is to be told of this frame: if
        not, a backend may tell all the same."""

    def line(self, frame: FrameType, number: int) -> None:
        """Line `number` runs next: what the line before it made is there now."""

    def left(self, frame: FrameType, value: object) -> None:
        """`value` is returned, or yielded by a generator that may go on later."""

    def raised(self, frame: FrameType, error: BaseException | None) -> None:
        """`error` leaves the frame; None where the interpreter did not say which."""


class Backend(Protocol):
    """One way to hear of the lines of some code objects, in all threads."""

    notes: tuple[str, ...]
    """What other tools see meanwhile, or do not."""

    def start(self) -> None:
        """Take a place beside other tools."""

    def add(self, *codes: CodeType) -> None:
        """Tell of these as well, also of frames that run already, from their next line on."""

    def remove(self, code: CodeType) -> None:
        """Tell of it no more."""

    def follow_thread(self) -> None:
        """Hear of the calling thread too, which may have run before `start`."""

    def stop(self) -> None:
        """Put back what was there."""
