"""The last pass as it is asked about: its calls, what the pass before gave, and what was fetched since."""

from __future__ import annotations

from collections.abc import Sequence

from ...records import CallDetail, CallRow, TensorValue, Value
from ..modules.tree import ModuleTree
from ..recording.call import Call
from ..torch_hooks.outputs import OutputHooks

_Key = tuple[int, int]  # node, number of the call


class LastPass:
    """Empty until a pass was taken. `repeatable`: a pass now would be like it. `gradients` are those that its backward
    pass left on parameters, by their full names."""

    def __init__(self, tree: ModuleTree) -> None:
        self.calls: list[Call] = []
        self.number = 0
        self.repeatable = False
        self.gradients: dict[str, TensorValue] = {}
        self.output_hooks = OutputHooks()
        self._tree = tree
        self._previous: dict[_Key, Value | None] = {}
        self._full: dict[_Key, Call] = {}  # calls with histograms and previews

    def take(self, calls: list[Call], watched: int | None = None, output_hooks: OutputHooks | None = None) -> None:
        """A newer pass, recorded with histograms and previews of the node `watched`."""
        self.output_hooks = output_hooks if output_hooks is not None else OutputHooks()
        self.gradients = {}
        self._previous = {_key(call): call.output for call in self.calls}
        self._full = {_key(call): call for call in calls if call.index == watched}
        self.calls = calls
        self.number += 1
        self.repeatable = True

    def add_values(self, calls: Sequence[Call]) -> None:
        """The same calls, seen again with histograms and previews. They keep the times and order of the pass."""
        known = {_key(call): call for call in self.calls}
        for call in calls:
            original = known.get(_key(call))
            if original is not None and original.status == call.status:
                for name in ("start", "end", "depth", "ms", "file", "line"):
                    setattr(call, name, getattr(original, name))
                self._full[_key(call)] = call

    def rows(self) -> list[CallRow]:
        return [call.row() for call in self.calls]

    def of(self, index: int) -> list[Call]:
        """The calls of one node, as they were recorded first."""
        return [call for call in self.calls if call.index == index]

    def lacks_values(self, index: int) -> bool:
        return all(_key(call) not in self._full for call in self.of(index))

    def details(self, calls: Sequence[Call]) -> tuple[CallDetail, ...]:
        """These calls with all that is known of them, and what they returned in the pass before."""
        return tuple(
            self._full.get(_key(call), call).detail(self._tree, self._previous.get(_key(call))) for call in calls
        )


def _key(call: Call) -> _Key:
    return call.index, call.number
