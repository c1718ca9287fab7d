"""Values in the JSON report."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..records import (
    MappingValue,
    NoneValue,
    OtherValue,
    ScalarValue,
    SequenceValue,
    TensorValue,
    Value,
)

Write = Callable[[Value, int | str], dict[str, Any]]
"""Of an item and its place in the container."""
MANY = 16
"""Tensors in a value past which containers in it that came before are referred to. Smaller ones are always whole."""


class JsonValues:
    """The values of the calls of one document.

    Of a large one, such as a key-value cache that each layer is handed again, only what is new is written. In the place
    of a container that says word for word what one before it does stands `same_as`: where that one is in the document,
    as a JSON Pointer (RFC 6901).
    """

    def __init__(self) -> None:
        self._places: dict[Value, str] = {}

    def write(self, value: Value, place: str) -> dict[str, Any]:
        """An object with a `kind`, or a reference. `place` is where in the document it will stand."""
        return self._write(value, place) if _count_tensors(value) > MANY else value_to_json(value)

    def _write(self, value: Value, place: str) -> dict[str, Any]:
        if not isinstance(value, SequenceValue | MappingValue):
            return value_to_json(value)
        first = self._places.setdefault(value, place)
        if first != place:
            return {"kind": _kind_of(value), "type": value.type, "same_as": first}
        return _container_to_json(value, lambda item, key: self._write(item, f"{place}/items/{escape(key)}"))


def escape(key: object) -> str:
    """One step of a JSON Pointer."""
    return str(key).replace("~", "~0").replace("/", "~1")


def _count_tensors(value: Value) -> int:
    if isinstance(value, SequenceValue | MappingValue):
        return sum(map(_count_tensors, value.items))
    return isinstance(value, TensorValue)


def value_to_json(value: Value) -> dict[str, Any]:
    """A value as an object with a `kind`."""
    if isinstance(value, TensorValue):
        return _tensor_to_json(value)
    if isinstance(value, SequenceValue | MappingValue):
        return _container_to_json(value, lambda item, key: value_to_json(item))
    if isinstance(value, ScalarValue):
        return {"kind": "scalar", "type": value.type, "value": finite_or_none(value.value)}
    if isinstance(value, NoneValue):
        return {"kind": "none"}
    return _other_to_json(value)


def _kind_of(value: SequenceValue | MappingValue) -> str:
    if isinstance(value, MappingValue):
        return "mapping"
    return "tuple" if value.is_tuple else "list"


def _container_to_json(value: SequenceValue | MappingValue, write: Write) -> dict[str, Any]:
    if isinstance(value, MappingValue):
        return {"kind": "mapping", "type": value.type, "items": _mapping_to_json(value, write)}
    items = [write(item, number) for number, item in enumerate(value.items)]
    return {"kind": _kind_of(value), "type": value.type, "items": items + _left_out(value.length, items)}


def _tensor_to_json(value: TensorValue) -> dict[str, Any]:
    seen = value.statistics
    return {
        "kind": "tensor",
        "shape": list(value.shape),
        "dtype": value.dtype,
        "device": value.device,
        "requires_grad": value.requires_grad,
        "min": finite_or_none(seen.min) if seen else None,
        "max": finite_or_none(seen.max) if seen else None,
        "mean": finite_or_none(seen.mean) if seen else None,
        "std": finite_or_none(seen.std) if seen else None,
        "nan": seen.nan if seen else None,
        "inf": seen.inf if seen else None,
        "zeros": seen.zeros if seen else None,
        **({"why": value.why} if value.why and not seen else {}),
    }


def _mapping_to_json(value: MappingValue, write: Write) -> dict[str, Any]:
    items: dict[str, Any] = {}
    for key, item in zip(value.keys, value.items, strict=True):
        while key in items:  # keys that differ only in type (3 and "3")
            key += "'"
        items[key] = write(item, key)
    for left_out in _left_out(value.length, list(items)):
        items["…"] = left_out
    return items


def _left_out(length: int, shown: Sequence[Any]) -> list[dict[str, Any]]:
    missing = length - len(shown)
    return [{"kind": "other", "type": "…", "text": f"{missing} more"}] if missing > 0 else []


def _other_to_json(value: OtherValue) -> dict[str, Any]:
    return {"kind": "other", "type": value.type, "text": value.text}


def finite_or_none(value: Any) -> Any:
    """`value`, None in place of a float that JSON cannot hold."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
