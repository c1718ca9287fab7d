"""The last pass as it is asked about: its calls, what the pass before gave, and what was fetched since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import overload

from ...errors import UsageError
from ...packed_column import PAGE
from ...records import CORNER, CallDetail, CallRows, TensorValue, Value, Window
from ..modules.tree import ModuleTree
from ..recording.call import Call, Place
from ..recording.call_store import CallStore
from ..torch_hooks.outputs import OutputHooks
from ..values.kernels import cpu_statistics
from ..values.kernels.rounding import forgive_rounding
from ..values.watch import Watch

KEPT = 1 << 29
"""Bytes of copies that all modules looked at may have together."""


class NodeCalls(Sequence[Call]):
    """Calls of one node in one step. Each is made when it is asked for: there may be a million.

    Args:
        calls: Those of the pass.
        places: Where these are among them.
        asked: The node, and the step.
    """

    def __init__(self, calls: CallStore, places: Sequence[int], asked: tuple[int, int]) -> None:
        self.calls = calls
        self.asked = asked
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> Call: ...

    @overload
    def __getitem__(self, place: slice) -> list[Call]: ...

    def __getitem__(self, place: int | slice) -> Call | list[Call]:
        found = self._places[place]
        return self.calls[found] if isinstance(found, int) else [self.calls[each] for each in found]

    def find(self, in_step: int) -> Call | None:
        """The one before which there were so many; None where it is not kept."""
        likely = self._places[in_step : in_step + 1]  # no other one, unless one was made within another
        found = (place for place in chain(likely, self._places) if self.calls.name(place)[2] == in_step)
        return next(map(self.calls.__getitem__, found), None)


class LastPass:
    """Empty until a pass was taken. `repeatable`: a pass now would be like it. `gradients` are those that its backward
    pass left on parameters, by their full names.

    Of several steps, one is looked at: `step`. It stays the same from pass to pass where it can, and the last one stays
    the last one.
    """

    def __init__(self, tree: ModuleTree) -> None:
        self.calls = CallStore()
        self.step = 0
        self._shown: Sequence[int] = ()  # the places of those of that step
        self._counts: Counter[int] = Counter()  # by node, of every step
        self.number = 0
        self.repeatable = False
        self.gradients: dict[str, TensorValue] = {}
        self.output_hooks = OutputHooks()
        self._tree = tree
        self._calls_before = CallStore()  # of the pass before
        self._previous: dict[int, dict[Place, int]] = {}  # where those of nodes that were asked for are in it
        self._asked: NodeCalls | None = None  # those that were asked for last
        self._kernel = self._previous_kernel = False  # whether there was one for statistics on the CPU
        self._full: dict[Place, Call] = {}  # calls with histograms and previews
        self._watches: dict[int, Watch] = {}  # their modules, with copies of what these took and gave

    def take(self, calls: Sequence[Call], watch: Watch | None = None, output_hooks: OutputHooks | None = None) -> None:
        """A newer pass, recorded with histograms and previews of the node that is watched."""
        self.output_hooks = output_hooks if output_hooks is not None else OutputHooks()
        self.gradients = {}
        calls = calls if isinstance(calls, CallStore) else CallStore(calls)
        calls.pack()
        self._calls_before, self._previous = self.calls, {}
        self._previous_kernel, self._kernel = self._kernel, cpu_statistics.is_in_use()
        self._watches = {watch.index: watch} if watch is not None else {}
        self._full = {call.place: call for index in self._watches for call in calls.of(index)}
        was_last = self.step == self.last_step
        self.calls = calls
        self._counts = Counter(calls.nodes())
        self.show(self.last_step if was_last or not self.has(self.step) else self.step)
        self.number += 1
        self.repeatable = True

    def add_values(self, calls: Sequence[Call], watch: Watch) -> None:
        """The same calls, seen again with histograms and previews. They keep the times and order of the pass."""
        self._watches[watch.index] = watch
        self._make_room()
        known = {call.place: call for call in self.calls.of(watch.index)}
        for call in calls:
            original = known.get(call.place)
            if original is not None and original.status == call.status:
                for name in ("start", "end", "caller", "depth", "ms", "site"):
                    setattr(call, name, getattr(original, name))
                self._full[call.place] = call

    def _make_room(self) -> None:
        """Forget the values of those that were looked at first."""
        while len(self._watches) > 1 and sum(watch.nbytes for watch in self._watches.values()) > KEPT:
            oldest = next(iter(self._watches))
            del self._watches[oldest]
            self._full = {place: call for place, call in self._full.items() if call.index != oldest}

    @property
    def first_step(self) -> int:
        """The first of which calls were kept."""
        return self.calls[0].step if self.calls else 0

    @property
    def last_step(self) -> int:
        return self.calls[-1].step if self.calls else 0

    def has(self, step: int) -> bool:
        """Whether there may be calls of this step."""
        return self.first_step <= step <= self.last_step

    def check_step(self, step: int) -> None:
        """Raises `UsageError` where nothing is kept of this step."""
        if not self.has(step):
            kept = f"{self.first_step} to {self.last_step}" if self.last_step else "0 alone"
            raise UsageError(f"there is no step {step}", hint=f"of the last pass there is {kept}, counted from 0")

    def show(self, step: int) -> None:
        """From now on this step is looked at."""
        self.step = step
        self._shown = self.calls.places_in(step)

    def list_calls(self, generation: int) -> Iterator[CallRows]:
        """Those of the step that is looked at, in one message at least. Each is made when it is due: there may be a
        million."""
        total = len(self._shown)
        for first in range(0, max(total, 1), PAGE):
            rows = self.calls.columns(self._shown[first : first + PAGE])
            yield CallRows(generation, self.number, rows, total, self.step)

    def of(self, index: int) -> NodeCalls:
        """The calls of one node in the step that is looked at, as they were recorded first."""
        calls, step, known = self.calls, self.step, self._asked  # threads read them
        if known is None or known.calls is not calls or known.asked != (index, step):
            places = calls.places_of(index)
            if not isinstance(self._shown, range):
                places = [place for place in places if calls.name(place)[1] == step]
            known = self._asked = NodeCalls(calls, places, (index, step))
        return known

    def count(self, index: int) -> int:
        """How many calls of one node were kept, whatever the step."""
        return self._counts[index]

    def lacks_values(self, index: int) -> bool:
        """Whether it was called, and there is no histogram and no preview of any call."""
        looked_at = index, self.step
        return bool(self.of(index)) and all(place[:2] != looked_at for place in self._full)

    def details(self, calls: Sequence[Call], window: Window = CORNER) -> tuple[CallDetail, ...]:
        """These calls with all that is known of them, and what they returned in the pass before."""
        return tuple(self._detail(call, window) for call in calls)

    def _find_previous(self, call: Call) -> Value | None:
        """What this call returned in the pass before."""
        before, found = self._calls_before, self._previous.get(call.index)
        if found is None:
            found = {before.name(place): place for place in before.places_of(call.index)}
            self._previous[call.index] = found
        place = found.get(call.place)
        return None if place is None else before.output(place)

    def _detail(self, call: Call, window: Window) -> CallDetail:
        full, previous = self._full.get(call.place, call), self._find_previous(call)
        if self._kernel != self._previous_kernel:
            previous = forgive_rounding(previous, full.output)
        detail = full.detail(self._tree, previous)
        watch = self._watches.get(call.index)
        return detail if watch is None else watch.move(detail, window)
