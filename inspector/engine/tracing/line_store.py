"""The lines that were recorded of the last pass, module by module."""

from __future__ import annotations

from collections.abc import Callable

from ..hooks.steps import StepCounter
from ..modules.tree import ModuleTree
from ..recording.call import Call, Place
from ..recording.recorder import Recorder
from ..source.running import forward_of
from .forwards import AllForwards, Forwards, OneForward, python_of
from .line_recording import LineRecording

_MODULES = 8
"""Of which lines are kept at the same time, beside those of the pass in which all were looked at."""
_MOST_MODULES = 5_000
"""Of a model of which all are looked at at once."""


class LineStore:
    """Of one pass; those of the pass before are forgotten once there are others.

    The first time that lines are asked for, those of all modules are recorded, as far as there is room and time: who
    looks at one looks at the next. Others are fetched by themselves.
    """

    def __init__(self) -> None:
        self._pass = 0
        self._asked: set[Place] = set()
        self._whole: LineRecording | None = None
        self._recordings: dict[int, LineRecording] = {}

    def lacks(self, number: int, call: Place) -> bool:
        """Whether nobody looked yet at the lines of this call, in the pass of this number."""
        return number != self._pass or (call not in self._asked and self.find(call) is None)

    def record(
        self,
        number: int,
        tree: ModuleTree,
        recorder: Recorder,
        call: Place | None,
        steps: StepCounter,
        shapes_only: bool,
    ) -> LineRecording | None:
        """A recording of the forward that `call` is one of, and of all others where nobody has looked at this pass yet.
        None for no call, and where no Python of somebody's runs."""
        if call is None:
            return None
        module = python_of(tree.nodes[call[0]].module)
        function = forward_of(module).function
        if function is None:
            return None

        def innermost() -> Call | None:
            return recorder.innermost

        is_whole = self._whole is None or number != self._pass
        forwards: Forwards = OneForward(module, function, innermost)
        if is_whole and module is tree.nodes[call[0]].module and len(tree.nodes) <= _MOST_MODULES:
            forwards = AllForwards(tree, call[0], innermost, steps)
        return LineRecording(forwards, call, not shapes_only)

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
        """The recording that has this call."""
        for found in (self._recordings.get(call[0]), self._whole):
            if found is not None and call in found.roots:
                return found
        return None
