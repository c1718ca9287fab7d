"""The lines that were recorded of the last pass, module by module."""

from __future__ import annotations

from collections.abc import Callable

from ..hooks.steps import StepCounter
from ..recording.call import Call, Place
from ..recording.recorder import Recorder
from ..source.running import forward_of
from .forwards import AllForwards, Forwards, OneForward, python_of
from .line_recording import LineRecording
from .visits import FrameLines

_MODULES = 8
"""Of which lines are kept at the same time, beside those of the pass in which all were looked at."""
_FRAMES = 100_000
"""Numbers of frames for each recording: who has seen one of them may ask for it when there is another recording."""
_MOST_MODULES = 5_000
"""Of a model of which all are looked at at once."""


class LineStore:
    """Of one pass; those of the pass before are forgotten once there are others.

    The first time that lines are asked for, those of all modules are recorded, as far as there is room and time: who
    looks at one looks at the next. Those of the one that is asked for have histograms; the others get theirs, or what
    there was no room for, by a pass each.

    Args:
        steps: Counts the steps of passes.
    """

    def __init__(self, steps: StepCounter) -> None:
        self._steps = steps
        self._pass = 0
        self._count = 0  # of recordings
        self._asked: set[Place] = set()
        self._whole: LineRecording | None = None
        self._recordings: dict[int, LineRecording] = {}

    def lacks(self, number: int, call: Place) -> bool:
        """Whether there is more to know of the lines of this call, in the pass of this number."""
        if number != self._pass:
            return True
        found = self.find(call)
        return call not in self._asked and (found is None or found.roots[call].is_brief)

    def record(self, number: int, recorder: Recorder, call: Place | None, statistics: bool) -> LineRecording | None:
        """A recording of the forward that `call` is one of, and of all others where nobody has looked at this pass yet.
        None for no call, and where no Python of somebody's runs."""
        if call is None:
            return None
        tree = recorder.tree
        module = python_of(tree.nodes[call[0]].module)
        function = forward_of(module).function
        if function is None:
            return None

        def innermost() -> Call | None:
            return recorder.innermost

        is_whole = self._whole is None or number != self._pass
        forwards: Forwards = OneForward(module, function, innermost)
        if is_whole and module is tree.nodes[call[0]].module and len(tree.nodes) <= _MOST_MODULES:
            forwards = AllForwards(tree, call[0], innermost, self._steps)
        self._count += 1
        return LineRecording(forwards, call, statistics, self._count * _FRAMES)

    def take(self, number: int, call: Place, recording: LineRecording | None, count: Callable[[int], int]) -> None:
        """What the same pass gave again; None for a forward that has no lines.

        Args:
            number: Of the pass.
            call: That was asked for.
            recording: From `record`.
            count: How many calls of a node there were in the pass.
        """
        if number != self._pass:
            self._pass, self._asked, self._whole, self._recordings = number, set(), None, {}
        self._asked.add(call)
        if recording is not None and isinstance(recording.forwards, AllForwards):
            counted = recording.forwards.counts
            recording.roots = {
                place: lines
                for place, lines in recording.roots.items()
                if place[0] == call[0] or counted[place[0]] == count(place[0])  # else hooks are called and no forward
            }
            self._whole = recording
        elif recording is not None:
            self._recordings.pop(call[0], None)
            self._recordings[call[0]] = recording
        while len(self._recordings) > _MODULES:
            oldest = next(iter(self._recordings))
            del self._recordings[oldest]
            self._asked = {place for place in self._asked if place[0] != oldest}

    def find(self, call: Place) -> LineRecording | None:
        """The recording that knows most of this call."""
        return next((each for each in self._list(call) if call in each.roots), None)

    def find_frame(self, call: Place, number: int) -> FrameLines | None:
        """A function that was called in this call."""
        for each in self._list(call):
            if number in each.frames:
                return each.frames[number]
        return None

    def _list(self, call: Place) -> list[LineRecording]:
        return [each for each in (self._recordings.get(call[0]), self._whole) if each is not None]
