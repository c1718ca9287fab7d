"""The descriptions of what lines made: each in full where there are few, and of shapes alone each once."""

from __future__ import annotations

from time import perf_counter
from typing import Any
from weakref import ref

from torch import Tensor

from ...records import Value
from ...value_text import first_tensor
from ..values.summarize import Summarizer
from .contents import HOLDS_NOTHING, form_of, may_hold_tensor, read_content
from .in_place import Writes

FULL, MEASURED = 300, 3_000
"""Values of the chosen frames with a histogram and elements, and with statistics; those that follow have less."""
SECONDS = 0.3
"""In which values of other frames are measured, without histograms, until there are as many as `MEASURED`."""
_MOST_CONTENTS = 1_000

Known = tuple[Value, bool, list[object]]
"""What is said of a value, whether there is a tensor in it, and what must keep its id for that."""


class Describer:
    """Describes values, of which those in the chosen frames have room of their own.

    Args:
        writes: Counts what is written to tensors that have no version.
        measures: Whether values are measured, or shapes alone.
    """

    def __init__(self, writes: Writes, measures: bool) -> None:
        self._writes = writes
        self.measures = measures
        self._count = {True: 0, False: 0}
        self._seconds = 0.0  # for those in other frames
        self._full, self._measured, self._bare = Summarizer(values=True), Summarizer(), Summarizer(statistics=False)
        self._known: dict[int, tuple[object, int, Value]] = {}  # described in this line, by the id of the tensor
        self._contents: dict[tuple[Any, ...], Known] = {}
        self._holders: set[int] = set()  # types of which one held a tensor, and the next is looked at at once

    @property
    def is_spent(self) -> bool:
        """Whether there is no more room or time for values in other frames."""
        return self.measures and (self._count[False] >= MEASURED or self._seconds >= SECONDS)

    def describe(self, value: object, is_chosen: bool) -> Value:
        """What was described in the same line, and did not change since, is not measured again."""
        if not self.measures:
            return self._describe_shapes(value)
        if not isinstance(value, Tensor):
            return self._measure(value, is_chosen)
        sign = ref(value), self._writes.version_of(value)
        known = self._known.get(id(value))
        if known is not None and known[0] is sign[0] and known[1] == sign[1]:
            return known[2]
        self._count[is_chosen] += 1
        described = self._measure(value, is_chosen)
        self._known[id(value)] = *sign, described
        return described

    def _measure(self, value: object, is_chosen: bool) -> Value:
        count = self._count[is_chosen]
        if is_chosen:
            summarizer = self._full if count <= FULL else self._measured if count <= MEASURED else self._bare
            return summarizer.describe(value)
        if self.is_spent:
            return self._bare.describe(value)
        began = perf_counter()
        described = self._measured.describe(value)
        self._seconds += perf_counter() - began
        return described

    def describe_holder(self, value: object) -> Value | None:
        """The shapes in a container, or an object. None where there is no tensor in it."""
        kind = type(value)
        form = form_of(kind)
        if form is HOLDS_NOTHING or (form is object and id(kind) not in self._holders and not may_hold_tensor(value)):
            return None
        known = self._find_by_content(value)
        if known is not None:
            if known[1]:
                self._holders.add(id(kind))
            return known[0] if known[1] else None
        described = self._bare.describe(value) if may_hold_tensor(value) else None
        return described if first_tensor(described) is not None else None

    def _describe_shapes(self, value: object) -> Value:
        """Of a container, or an object."""
        known = self._find_by_content(value)
        return self._bare.describe(value) if known is None else known[0]

    def _find_by_content(self, value: object) -> Known | None:
        """What holds the same as one before has its description. None where it is too much to look at."""
        content: list[Any] = []
        named: list[object] = []
        try:
            if not read_content(value, content, named):
                return None
        except RuntimeError:  # a nested tensor has no shape
            return None
        key = tuple(content)
        known = self._contents.get(key)
        if known is None:
            if len(self._contents) >= _MOST_CONTENTS:
                self._contents.clear()
            described = self._bare.describe(value)
            known = self._contents[key] = described, first_tensor(described) is not None, named
        return known

    def forget(self) -> None:
        """Another line runs."""
        self._known.clear()

    def resolve(self) -> list[str]:
        """Complete what is still on its device. Gives what is to be said of it."""
        self._known.clear()
        self._contents.clear()
        return [doubt for each in (self._full, self._measured, self._bare) for doubt in each.resolve()]
