"""Any value a module takes or returns, in plain words and numbers.

A pass makes thousands of them, and none can be part of a cycle: the collector does not know them.
"""

from __future__ import annotations

from typing import Union

from .base import Count, Record, Row


class Statistics(Record, frozen=True, gc=False):
    """Of the finite elements of one tensor. With no finite element the four floats are None."""

    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None  # population standard deviation (divides by the count)
    nan: Count = 0
    inf: Count = 0
    zeros: Count = 0
    of: str = "values"  # or "magnitudes" (complex), "stored values" (sparse), "dequantized values"


class Histogram(Record, frozen=True):
    """Counts of the finite elements that are not zero in equal bins from `low` to `high`; of zeros there may be as many
    as of all others together."""

    low: float
    high: float
    counts: tuple[int, ...]
    zeros: Count = 0


class Window(Record, frozen=True):
    """Which elements of tensors are looked at: so many rows and columns of one plane, the slice along the last two
    dimensions. Planes are counted through all the dimensions before; a tensor that has fewer shows its last."""

    plane: Count = 0
    row: Count = 0
    column: Count = 0
    rows: Count = 6
    columns: Count = 8


CORNER = Window()
"""The first elements."""


class Preview(Record, frozen=True):
    """A few values: a part of one slice along the last two dimensions."""

    start: tuple[int, ...]  # the index of the first of them
    rows: tuple[tuple[float | int | bool | str, ...], ...]
    movable: bool = False  # the engine can show any other part


class TensorValue(Record, frozen=True, tag="tensor", tag_field="kind", gc=False):
    """One tensor, described when it was seen. `statistics` is None exactly when `why` says why, or when only shapes
    were asked for (`why` is then empty)."""

    shape: tuple[int, ...]  # -1 for a ragged dimension
    dtype: str  # "float32"
    device: str  # "cpu", "cuda:0"
    requires_grad: bool = False
    type: str = "Tensor"  # the class: "Parameter", a subclass
    layout: str = "strided"
    nbytes: Count = 0
    statistics: Statistics | None = None
    why: str = ""
    histogram: Histogram | None = None
    preview: Preview | None = None


class SequenceValue(Record, frozen=True, tag="sequence", tag_field="kind", gc=False):
    """A tuple, list, namedtuple or other sequence; `items` may be cut, `length` is the true one."""

    type: str
    items: tuple[Value, ...]
    length: Count
    names: tuple[str, ...] = ()  # a namedtuple's field names
    is_tuple: bool = False


class MappingValue(Record, frozen=True, tag="mapping", tag_field="kind", gc=False):
    """A dict, ModelOutput, dataclass or object with named parts; `keys` and `items` go together and may be cut."""

    type: str
    keys: tuple[str, ...]
    items: tuple[Value, ...]
    length: Count


class ScalarValue(Record, frozen=True, tag="scalar", tag_field="kind", gc=False):
    """A Python bool, int, float or str; complex and ints past 64 bits are given as text."""

    type: str
    value: bool | int | float | str


class NoneValue(Record, frozen=True, tag="none", tag_field="kind", gc=False):
    """None, as a value that was really there."""


class OtherValue(Record, frozen=True, tag="other", tag_field="kind", gc=False):
    """Anything else, and whatever was cut: `text` is a bounded description, never a repr that was not asked for."""

    type: str
    text: str


class Brief(Row, frozen=True, gc=False):
    """The little there is room for in a table: the first tensor in a value and how many more there are, or, in a value
    without a tensor, the value itself. All three are empty where nothing was seen."""

    shape: tuple[int, ...] | None = None  # -1 for a ragged dimension, () for a scalar tensor
    more: Count = 0  # tensors beside it, at most 99
    text: str = ""  # without a tensor: "None", a plain value, or the name of a type; at most 20 characters


Value = Union[TensorValue, SequenceValue, MappingValue, ScalarValue, NoneValue, OtherValue]  # noqa: UP007 (runtime)
