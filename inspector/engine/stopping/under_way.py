"""Which calls of modules are under way, on each thread, and how often each module was called."""

from __future__ import annotations

import sys
import threading
from typing import NamedTuple

from ...records import StopOn
from ..frames.stack import OpenCall
from ..hooks.graphs import in_backward
from ..hooks.steps import StepCounter
from ..hooks.turns import Turn


class Open(NamedTuple):
    """A call under way."""

    node: int
    turn: Turn
    before: BaseException | None  # that was being handled at entry


class Place(NamedTuple):
    """Where a thread is."""

    on: StopOn
    node: int
    turn: Turn


class UnderWay:
    """Made anew for each pass.

    Args:
        steps: Knows the running one.
    """

    def __init__(self, steps: StepCounter) -> None:
        self._steps = steps
        self._here = threading.local()
        self._counts: dict[int, Turn] = {}  # node -> its last call

    @property
    def calls(self) -> list[Open]:
        """Of the calling thread, the outermost first."""
        try:
            calls: list[Open] = self._here.calls
        except AttributeError:
            calls = self._here.calls = []
        return calls

    def enter(self, index: int) -> Turn:
        """A module is called: which of its calls that is."""
        turn = self._count(index)
        self.calls.append(Open(index, turn, sys.exc_info()[1]))
        return turn

    def leave(self, index: int) -> Open:
        """The entry that this exit belongs to; whatever was entered inside it and not left is over too."""
        calls = self.calls
        while calls:
            call = calls.pop()
            if call.node == index:
                return call
        return Open(index, self._counts.get(index, Turn(0, 0)), None)

    def last_of(self, index: int) -> Turn:
        """The module's last call."""
        return self._counts.get(index, Turn(self._steps.number, 0))

    def list_open(self, place: Place) -> list[OpenCall]:
        """The calls that frames at this place are in, the outermost first; one that has just returned or failed is the
        last."""
        calls = [OpenCall(call.node, *call.turn) for call in self.calls]
        here = OpenCall(place.node, *place.turn)
        return calls if here in calls or place.on == "gradient" else [*calls, here]

    def _count(self, index: int) -> Turn:
        """Which call of the module it is; one that checkpointing makes again counts as the last one."""
        step, last = self._steps.number, self._counts.get(index)
        if last is not None and in_backward():
            return last
        turn = Turn(step, last.call + 1 if last is not None and last.step == step else 0)
        self._counts[index] = turn
        return turn
