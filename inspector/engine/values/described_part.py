"""Whether a described value has a part: the tensors themselves are gone when a person names one."""

from __future__ import annotations

import torch

from ...records import MappingValue, NoneValue, ScalarValue, SequenceValue, TensorValue, Value
from .value_path import Step, part_at


def explain_missing(value: Value, steps: tuple[Step, ...]) -> str:
    """Why there is no part at `steps`, in words; "" where there is one, or where the description does not say."""
    for number, step in enumerate(steps):
        if isinstance(value, TensorValue):
            return _explain_in_tensor(value, steps[number:])
        found = _step_into(value, step)
        if found is None or isinstance(found, str):
            return found or ""
        value = found
    return ""


def _explain_in_tensor(value: TensorValue, steps: tuple[Step, ...]) -> str:
    if -1 in value.shape:
        return ""
    try:
        part_at(torch.empty(value.shape, device="meta"), steps)
    except LookupError as error:
        return str(error)
    return ""


def _step_into(value: Value, step: Step) -> Value | str | None:
    """What a step leads to; why it leads nowhere; None where that is not known."""
    if isinstance(value, SequenceValue):
        return _item(value, step)
    if isinstance(value, MappingValue):
        return _entry(value, step)
    if isinstance(value, NoneValue):
        return f"there is no {step} in None"
    return f"there is no {step} in a {value.type}" if isinstance(value, ScalarValue) else None


def _item(value: SequenceValue, step: Step) -> Value | str | None:
    if step.attribute:
        return value.items[value.names.index(str(step.key))] if step.key in value.names else None
    if not isinstance(step.key, int):
        return f"there is no {step} in a {value.type} of {value.length}"
    index = step.key + value.length if step.key < 0 else step.key
    if not 0 <= index < value.length:
        return f"there is no {step} in a {value.type} of {value.length}"
    return value.items[index] if index < len(value.items) else None


def _entry(value: MappingValue, step: Step) -> Value | str | None:
    if isinstance(step.key, tuple):
        return f"{step} is an index into a tensor, and there is a {value.type}"
    if step.key in value.keys:
        return value.items[value.keys.index(str(step.key))]
    plain = value.type in ("dict", "OrderedDict", "defaultdict")
    if isinstance(step.key, int) or len(value.keys) < value.length or (step.attribute and not plain):
        return None  # a number counts the entries of some, and an object may have more than it stores
    return f"there is no {step} in a {value.type} with the keys {', '.join(value.keys[:8])}"
