"""The frames that run while their lines are recorded, thread by thread."""

from __future__ import annotations

import threading
from types import CodeType, FrameType
from typing import Protocol

from .in_place import Writes
from .lines import CodePlace
from .local_values import Locals, Take
from .statements import NO_EFFECT, Effect, read_instructions
from .visits import FrameLines

_CODES = 1_000  # of which is remembered what was read
_GENERATOR = 0x20 | 0x200  # of functions that yield, async ones too


class AboutCode:
    """What is read from code once."""

    def __init__(self, code: CodeType) -> None:
        self.code = code  # so that nobody else gets its id
        self.effects, self.attributes, self.asks = read_instructions(code)
        self.yields = bool(code.co_flags & _GENERATOR)


_about: dict[int, AboutCode] = {}


def read_about(code: CodeType) -> AboutCode:
    """What was read before is not read again."""
    known = _about.get(id(code))
    if known is None:
        if len(_about) >= _CODES:
            _about.clear()
        known = _about[id(code)] = AboutCode(code)
    return known


class ListensToOps(Protocol):
    """Hears of each operation on a thread."""

    def listen(self) -> None: ...
    def leave(self) -> bool: ...


class Running(Locals):
    """A frame that runs. `root` has the lines of the forward that it is or was called by, which `is_chosen` where it is
    of the module that is asked for; a function was called at a `place` in the frame that ran before. `ops` are to end
    with it. While it `asks` whether anybody hears of operations, for whom it would do others, nobody of ours does."""

    __slots__ = ("about", "asks", "effect", "frame", "is_chosen", "lines", "log", "ops", "place", "root")

    def __init__(
        self,
        frame: FrameType,
        lines: FrameLines,
        root: FrameLines | None,
        is_chosen: bool,
        place: CodePlace | None,
        writes: Writes,
        take: Take,
    ) -> None:
        self.frame = frame
        self.lines = lines
        self.log = lines.log
        self.root = root if root is not None else lines
        self.is_chosen = is_chosen
        self.place = place
        self.about = _about.get(id(frame.f_code)) or read_about(frame.f_code)
        Locals.__init__(self, self.about.attributes, writes, take)
        self.effect: Effect | None = NO_EFFECT  # that the line that runs may have
        self.ops: ListensToOps | None = None
        self.asks = False


class ThreadFrames(threading.local):
    """Every thread finds its own in it: those that run, the innermost last; whether we look at values just now; what
    tells of operations."""

    def __init__(self) -> None:
        self.running: list[Running] = []
        self.busy = False
        self.ops: ListensToOps | None = None

    def find(self, frame: FrameType) -> Running | None:
        """What is known of a frame that runs; those above it that never said that they ended are gone."""
        running = self.running
        if running and running[-1].frame is frame:
            return running[-1]
        if not any(each.frame is frame for each in running):
            return None
        while running[-1].frame is not frame:
            running.pop()
        return running[-1]
