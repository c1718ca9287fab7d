"""The lines that were recorded of the last pass, module by module."""

from __future__ import annotations

from ..modules.tree import ModuleTree
from ..recording.call import Place
from ..recording.recorder import Recorder
from ..source.running import forward_of
from .forwards import OneForward, python_of
from .line_recording import LineRecording

_MODULES = 8
"""Of which lines are kept at the same time."""


class LineStore:
    """Of one pass; those of the pass before are forgotten once there are others."""

    def __init__(self) -> None:
        self._pass = 0
        self._asked: set[Place] = set()
        self._recordings: dict[int, LineRecording] = {}

    def lacks(self, number: int, call: Place) -> bool:
        """Whether nobody looked yet at the lines of this call, in the pass of this number."""
        return number != self._pass or (call not in self._asked and self.find(call) is None)

    def take(self, number: int, call: Place, recording: LineRecording | None) -> None:
        """What the same pass gave again; None for a forward that has no lines."""
        if number != self._pass:
            self._pass, self._asked, self._recordings = number, set(), {}
        self._asked.add(call)
        if recording is not None:
            self._recordings.pop(call[0], None)
            self._recordings[call[0]] = recording
        while len(self._recordings) > _MODULES:
            oldest = next(iter(self._recordings))
            del self._recordings[oldest]
            self._asked = {place for place in self._asked if place[0] != oldest}

    def find(self, call: Place) -> LineRecording | None:
        """The recording that has this call."""
        found = self._recordings.get(call[0])
        return found if found is not None and call in found.roots else None


def record_lines(tree: ModuleTree, recorder: Recorder, call: Place | None, statistics: bool) -> LineRecording | None:
    """A recording of the forward that `call` is one of; None for no call, and where no Python of somebody's runs."""
    if call is None:
        return None
    module = python_of(tree.nodes[call[0]].module)
    function = forward_of(module).function
    if function is None:
        return None
    return LineRecording(OneForward(module, function, lambda: recorder.innermost), call, statistics)
