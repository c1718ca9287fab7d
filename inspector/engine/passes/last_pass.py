"""The last pass as it is asked about: its calls, what the pass before gave, and what was fetched since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

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
        self._previous: dict[int, dict[Place, Value | None]] = {}  # what they returned, of nodes that were asked for
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

    def of(self, index: int) -> list[Call]:
        """The calls of one node in the step that is looked at, as they were recorded first."""
        return [call for call in self.calls.of(index) if call.step == self.step]

    def count(self, index: int) -> int:
        """How many calls of one node were kept, whatever the step."""
        return self._counts[index]

    def lacks_values(self, index: int) -> bool:
        """Whether it was called, and there is no histogram and no preview of any call."""
        calls = self.of(index)
        return bool(calls) and all(call.place not in self._full for call in calls)

    def details(self, calls: Sequence[Call], window: Window = CORNER) -> tuple[CallDetail, ...]:
        """These calls with all that is known of them, and what they returned in the pass before."""
        return tuple(self._detail(call, window) for call in calls)

    def _find_previous(self, call: Call) -> Value | None:
        """What this call returned in the pass before."""
        found = self._previous.get(call.index)
        if found is None:
            found = {before.place: before.output for before in self._calls_before.of(call.index)}
            self._previous[call.index] = found
        return found.get(call.place)

    def _detail(self, call: Call, window: Window) -> CallDetail:
        full, previous = self._full.get(call.place, call), self._find_previous(call)
        if self._kernel != self._previous_kernel:
            previous = forgive_rounding(previous, full.output)
        detail = full.detail(self._tree, previous)
        watch = self._watches.get(call.index)
        return detail if watch is None else watch.move(detail, window)
