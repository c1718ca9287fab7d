"""A value in the little room of a table or a sentence, and what stands out in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import islice

from .records import Brief, Holds, MappingValue, NoneValue, ScalarValue, SequenceValue, TensorValue, Value
from .text import encodable

_TENSORS, _CHARACTERS, _ITEMS = 100, 20, 12
_FLOATING = ("float", "bfloat", "complex")


def abbreviate(value: Value | None) -> Brief:
    """The first tensor in a value, or else the value itself; an empty `Brief` for None."""
    if type(value) is TensorValue:  # of the most, and of a hundred thousand calls
        return Brief(value.shape, 0)
    if value is None:
        return Brief()
    tensors = list(islice(_tensors(value), _TENSORS))
    if tensors:
        return Brief(tensors[0].shape, len(tensors) - 1)
    if isinstance(value, NoneValue):
        return Brief(text="None")
    if isinstance(value, ScalarValue):
        return Brief(text=encodable(str(value.value), _CHARACTERS))
    return Brief(text=encodable(value.type, _CHARACTERS))


def first_tensor(value: Value | None) -> TensorValue | None:
    """The first tensor in a value, None where there is none."""
    return next(_tensors(value), None) if value is not None else None


def brief_text(brief: Brief) -> str:
    """`1×64×56×56`, `2×10 +3`, `None`; "" for nothing."""
    if brief.shape is None:
        return brief.text
    return shape_text(brief.shape) + more_text(brief)


def say_value(value: Value) -> str:
    """A value in one line of plain text: `0.31`, `(2, 4)`, `2×4  mean 0.31  std 1.2  min -3  max 4`, `None`."""
    if isinstance(value, TensorValue):
        return _say_tensor(value)
    if isinstance(value, SequenceValue) and _is_plain(value):
        return f"({', '.join(map(say_value, value.items))})"
    return brief_text(abbreviate(value))


def _is_plain(value: SequenceValue) -> bool:
    """Whether it is a few plain things, such as a shape."""
    whole = value.length == len(value.items) <= _ITEMS
    return whole and all(isinstance(item, ScalarValue | NoneValue) for item in value.items)


def _say_tensor(value: TensorValue) -> str:
    """Of one number alone that."""
    found = value.statistics
    if found is None:
        return shape_text(value.shape)
    if math.prod(value.shape) == 1 and found.mean is not None:
        return f"{found.mean + 0.0:.6g}"
    odd = [f"{word} {count:,}" for word, count in (("NaN", found.nan), ("Inf", found.inf)) if count]
    numbers = {"mean": found.mean, "std": found.std, "min": found.min, "max": found.max}
    said = [f"{name} {number + 0.0:.4g}" for name, number in numbers.items() if number is not None]
    return "  ".join([shape_text(value.shape), *odd, *said])


def more_text(brief: Brief) -> str:
    """What follows the shape of the first tensor where there are others."""
    return f" +{brief.more}" if brief.more else ""


def shape_text(shape: Sequence[int]) -> str:
    """`1×64×56×56`; a ragged dimension is a question mark."""
    return "×".join(map(dimension, shape)) or "scalar"


def dimension(size: int) -> str:
    return "?" if size < 0 else str(size)


def find_odd(*values: Value | None) -> Holds:
    """What stands out in the tensors of these values, as far as they were measured."""
    if len(values) == 1 and type(value := values[0]) is TensorValue:  # as in `abbreviate`
        found = value.statistics
        if found is None or not (found.nan or found.inf or found.zeros):
            return ""
    measured = [
        (tensor, tensor.statistics)
        for value in values
        if value is not None
        for tensor in ((value,) if type(value) is TensorValue else _tensors(value))
        if tensor.statistics is not None
    ]
    if not measured:
        return ""
    if any(found.nan for _, found in measured):
        return "NaN"
    if any(found.inf for _, found in measured):
        return "Inf"
    floating = [(tensor, found) for tensor, found in measured if tensor.dtype.startswith(_FLOATING)]
    dead = all(found.zeros == math.prod(tensor.shape) > 0 for tensor, found in floating)
    return "zeros" if floating and dead else ""


def _tensors(value: Value) -> Iterator[TensorValue]:
    if isinstance(value, TensorValue):
        yield value
    elif isinstance(value, SequenceValue | MappingValue):
        for item in value.items:
            yield from _tensors(item)


def read_share(text: str) -> float:
    """What `10%` says, as 0.1. Raises ValueError for what is no such share, 0 and more than 10,000 % among it."""
    number = text.removesuffix("%")
    percent = float(number) if number.isascii() and number.replace(".", "", 1).isdigit() else 0.0
    if number == text or not 0 < percent <= 10_000:
        raise ValueError(f"{text[:40]!r} is no share such as 10%")
    return percent / 100


def say_share(share: float) -> str:
    """`31%`, `0.4%`."""
    return f"{share * 100:.{0 if share >= 0.095 else 1}f}%"
