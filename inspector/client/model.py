"""What the app knows of the model under inspection: the module list, the last pass and the hook marks, indexed.

Plain data made from records; no widgets. Widgets read it and never write it: the app applies events to it and tells
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..records import CallColumns, CallRow, Changes, HookMarks, ModelInfo, ModuleRow, PassSummary, Path
from .call_table import CallTable
from .call_tree import CallTree
from .costs import KnownCosts, State, state_of
from .module_table import ModuleTable, Paths
from .own_times import OwnTimes

OBSERVED, REFUSED = 1, 2


class Model:
    """Empty until the first `Opened`, so that everything can be painted before an engine is there.

    `rows` and `paths` go together by index; row 0 is the root.

    Args:
        info: The engine's word on it, None before that.
        generation: Which of the models that the engine has opened.
        awaited: Its rows are on their way.
    """

    def __init__(self, info: ModelInfo | None = None, generation: int = 0, *, awaited: bool = False) -> None:
        self.info = info
        self.generation = generation
        self.awaited = awaited
        self.rows = ModuleTable()
        self.paths = Paths(self.rows)
        self.calls = CallTable()  # of one step of pass `trace`
        self.orders_due = False  # whoever takes calls in makes what orders of them wait for, and is not done
        self.trace = 0
        self.step = 0
        self.summary: PassSummary | None = None
        self.marks: HookMarks = HookMarks(generation, b"")
        self.changes = Changes(generation)
        self.costs: KnownCosts | None = None  # where they were measured
        self._call_tree = CallTree(self.calls)
        self._own_times = OwnTimes(self.calls)
        self._above_calls: set[int] | None = None  # rows that hold a module that was called
        self._chosen: tuple[int, int] | None = None  # module and number in the step of the call that is looked at
        self._found: tuple[CallTable, int, int | None] | None = None  # where that is in so many calls

    @property
    def complete(self) -> bool:
        """Every row announced has arrived."""
        return self.info is not None and len(self.rows) == self.info.rows

    @property
    def is_model(self) -> bool:
        """False for weights without a model."""
        return self.info is None or self.info.is_model

    def add_rows(self, rows: Sequence[ModuleRow]) -> None:
        self.rows.extend(rows)

    def start_trace(self, number: int, step: int = 0) -> None:
        """The calls are those of this step of pass `number` from now on. A pass in which no call was seen has none."""
        if (number, step) == (self.trace, self.step):
            return
        self.trace, self.step = number, step
        self.calls = CallTable()
        self.orders_due = False
        self._above_calls = None

    def add_calls(self, calls: CallColumns) -> None:
        """An engine that died may have left calls of modules that it had not told of yet: those are left out."""
        if max(calls.unpacked.whole["module"], default=0) >= len(self.rows):
            calls = CallColumns.of(row for row in calls if row.module < len(self.rows))
        self.calls.extend(calls)
        self._above_calls = None

    def look_at(self, call: CallRow | None) -> None:
        """Look at this call from now on, in other steps and passes at the same one of its module; None for none."""
        self._found = None
        self._chosen = None if call is None else (call.module, call.in_step)

    @property
    def looked_at(self) -> int | None:
        """Where the call that is looked at is in `calls`; None where there is none."""
        if self._chosen is None:
            return None
        known = self._found
        if known is None or known[0] is not self.calls or known[1] != len(self.calls):
            module, number = self._chosen
            places = self.calls.places(module)
            place = next((place for place in places[number:] or places if self.calls[place].in_step == number), None)
            self._found = known = self.calls, len(self.calls), place
        return known[2]

    @property
    def call_tree(self) -> CallTree:
        """The calls below those that made them; made when it is asked for."""
        self._renew()
        self._call_tree.extend()
        return self._call_tree

    @property
    def own_times(self) -> Mapping[int, float]:
        """Milliseconds in each module and in none below it, over all its calls; likewise."""
        self._renew()
        self._own_times.extend()
        return self._own_times.by_module

    def prepare(self, most: int) -> bool:
        """Take so many calls more into these two; whether there are others yet."""
        self._renew()
        if not self._own_times.is_complete:
            self._own_times.extend(most)
            return True
        return self._call_tree.prepare(most)

    def _renew(self) -> None:
        if self._call_tree.calls is not self.calls:
            self._call_tree, self._own_times = CallTree(self.calls), OwnTimes(self.calls)

    def call_of(self, index: int) -> CallRow | None:
        """The call of this module that is looked at; None where it is one of another, or none."""
        place = self.looked_at
        return self.calls[place] if place is not None and self.calls.modules[place] == self.object_of(index) else None

    @property
    def steps(self) -> int:
        """How many there were in the last pass."""
        return self.summary.steps if self.summary is not None else 1

    @property
    def step_words(self) -> str:
        """`step #3 of 16 · decode`; "" where there is one step only."""
        if self.summary is None or self.summary.steps == 1 or self.summary.number != self.trace:
            return ""
        phase = (" · prefill" if self.step == 0 else " · decode") if self.summary.prefill else ""
        return f"step #{self.step} of {self.summary.steps}{phase}"

    @property
    def state(self) -> State:
        """What costs that are measured now would be of."""
        return state_of(self.changes, self.info.input if self.info is not None else "")

    @property
    def costs_are_old(self) -> bool:
        """Something was changed after they were measured."""
        return self.costs is not None and self.costs.state != self.state

    def __contains__(self, path: object) -> bool:
        return isinstance(path, tuple) and self.index_of(path) is not None

    def index_of(self, path: Path) -> int | None:
        return self.rows.index_of(path)

    def object_of(self, index: int) -> int:
        """The row that stands for the module object itself: an alias leads to the row it is an alias of."""
        return self.rows.object_of(index)

    def calls_of(self, index: int) -> Sequence[CallRow]:
        """The calls of this module in the last pass, in order of their end."""
        return self.calls.of(self.object_of(index))

    def count_calls(self, index: int) -> int:
        """How many of these there are."""
        return self.calls.count(self.object_of(index))

    def last_call(self, index: int) -> CallRow | None:
        """The last of these."""
        return self.calls.last(self.object_of(index))

    def distance_of(self, index: int) -> float | None:
        """How far these are from the baseline, at most; None where that is not known."""
        return self.calls.distance(self.object_of(index))

    def flags_of(self, index: int) -> int:
        """`RAISED`, `ALTERED`, `ODD` and `BAD`, where any of these calls is so."""
        return self.calls.flags(self.object_of(index))

    def ran_unseen(self, index: int) -> bool:
        """Whether this module ran in the last pass without a call of its own: one below it was called, or its forward
        was seen to run."""
        if self._above_calls is None:
            self._above_calls = set()
            for called in self.calls.called():
                for above in self.ancestors(called):
                    if above in self._above_calls:
                        break
                    self._above_calls.add(above)
        index = self.object_of(index)
        return index in self._above_calls or (self.summary is not None and index in self.summary.direct)

    def ancestors(self, index: int) -> Iterator[int]:
        """From the parent up to the root."""
        parents = self.rows.parents
        parent = parents[index]
        while parent >= 0:
            yield parent
            parent = parents[parent]

    def mark_of(self, index: int) -> int:
        """`OBSERVED`, `REFUSED` or 0 for this module."""
        index = self.object_of(index)
        return self.marks.observed[index] if index < len(self.marks.observed) else 0

    def list_unobserved(self) -> Iterator[Path]:
        """The modules that could be observed and are not."""
        if self.is_model:
            for index, mark in enumerate(self.marks.observed[: len(self.paths)]):
                if mark not in (OBSERVED, REFUSED):
                    yield self.paths[index]
