"""The descriptions of what lines made: each in full where there are few, and of shapes alone each once."""

from __future__ import annotations

from time import perf_counter
from typing import Any
from weakref import ref

from torch import Tensor

from ...records import Value
from ..values.summarize import Summarizer
from .contents import look, read_content
from .in_place import Writes

FULL, MEASURED = 300, 3_000
"""Values of the chosen frames with a histogram and elements, and with statistics; those that follow have less."""
SECONDS = 0.3
"""In which values of other frames are measured, without histograms, until there are as many as `MEASURED`."""
_MOST_CONTENTS = 1_000


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
        self.shapes: dict[
            tuple[object, ...], Value
        ] = {}  # of tensors of torch's own class; empty where all are measured
        self._contents: dict[tuple[Any, ...], tuple[Value, list[object]]] = {}  # with what must keep its id

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

    def describe_shape(self, tensor: Tensor) -> Value:
        """Of one of torch's own class. There are few, and each is described once."""
        try:
            looks = look(tensor)
        except RuntimeError:  # a nested one has no shape
            return self._bare.describe(tensor)
        known = self.shapes.get(looks)
        if known is None:
            known = self.shapes[looks] = self._bare.describe(tensor)
        return known

    def _describe_shapes(self, value: object) -> Value:
        """Of a container, or an object. What holds the same as one before has its description."""
        content: list[Any] = []
        named: list[object] = []
        try:
            is_known = read_content(value, content, named)
        except RuntimeError:  # as above
            is_known = False
        if not is_known:
            return self._bare.describe(value)
        key = tuple(content)
        known = self._contents.get(key)
        if known is None:
            if len(self._contents) >= _MOST_CONTENTS:
                self._contents.clear()
            known = self._contents[key] = self._bare.describe(value), named
        return known[0]

    def forget(self) -> None:
        """Another line runs."""
        self._known.clear()

    def resolve(self) -> list[str]:
        """Complete what is still on its device. Gives what is to be said of it."""
        self._known.clear()
        return [doubt for each in (self._full, self._measured, self._bare) for doubt in each.resolve()]
