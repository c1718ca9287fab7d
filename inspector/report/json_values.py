"""Values in the JSON report."""

from __future__ import annotations

import math
from collections.abc import Sequence
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


def value_to_json(value: Value) -> dict[str, Any]:
    """A value as an object with a `kind`."""
    if isinstance(value, TensorValue):
        return _tensor_to_json(value)
    if isinstance(value, SequenceValue):
        kind = "tuple" if value.is_tuple else "list"
        items = [value_to_json(item) for item in value.items]
        return {"kind": kind, "type": value.type, "items": items + _left_out(value.length, items)}
    if isinstance(value, MappingValue):
        return {"kind": "mapping", "type": value.type, "items": _mapping_to_json(value)}
    if isinstance(value, ScalarValue):
        return {"kind": "scalar", "type": value.type, "value": finite_or_none(value.value)}
    if isinstance(value, NoneValue):
        return {"kind": "none"}
    return _other_to_json(value)


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


def _mapping_to_json(value: MappingValue) -> dict[str, Any]:
    items: dict[str, Any] = {}
    for key, item in zip(value.keys, value.items, strict=True):
        while key in items:  # keys that differ only in type (3 and "3")
            key += "'"
        items[key] = value_to_json(item)
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
