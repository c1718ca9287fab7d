"""Weights from a state dict: compared with the model first, then loaded whole or not at all."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ...errors import UsageError
from ...text import encodable
from ..inputs.files import check_readable, read_values
from ..inputs.walk import tensors_of
from .usercode import reported

_NESTS = ("state_dict", "model_state_dict", "model", "module", "net", "weights")
_PREFIXES = ("module.", "_orig_mod.", "model.")
_SHOWN = 5


@dataclass(frozen=True)
class Difference:
    """How a file's keys and shapes differ from the model's."""

    missing: tuple[str, ...]  # in the model, not in the file
    unexpected: tuple[str, ...]  # in the file, not in the model
    mismatched: tuple[str, ...]  # "fc.weight: 10×512 in the file, 1000×512 in the model"
    prefix: str = ""  # every key of the file starts with it, and fits without

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.mismatched)


def load_weights(model: nn.Module, name: str) -> tuple[str, ...]:
    """Fill `model` from a file; notes on what was done.

    Raises:
        UsageError: The file is not a state dict, or does not fit. Nothing was written.
    """
    path = check_readable(name)
    state, nest = _unwrap(read_values(path), name)
    with reported("your model could not give its state dict:"):
        own = model.state_dict()
    difference = compare(state, own)
    if difference:
        raise _misfit(name, difference)
    notes = (encodable(f"weights from the entry {nest!r} of {name}", 300),) if nest else ()
    if any(tensor.is_meta for tensor in tensors_of(model)):
        return (*notes, encodable(f"{name} fits; the meta device holds no values, so none were loaded", 300))
    with reported(f"your model could not take the weights of {name}:"):
        model.load_state_dict(state, strict=True)
    return notes


def compare(state: Mapping[str, Any], own: Mapping[str, Any]) -> Difference:
    """Keys and shapes of a state dict against a model's own."""
    # Files from before torch 1.0 have no such counters; loading adds them.
    missing = tuple(key for key in own if key not in state and not key.endswith("num_batches_tracked"))
    unexpected = tuple(key for key in state if key not in own)
    mismatched = tuple(
        f"{key}: {_shape(state[key])} in the file, {_shape(own[key])} in the model"
        for key in own
        if key in state and not _same_shape(state[key], own[key])
    )
    return Difference(missing, unexpected, mismatched, _prefix(state, own) if unexpected else "")


def _unwrap(value: Any, name: str) -> tuple[Mapping[str, Any], str]:
    """The state dict in `value`, and the entry it was nested in."""
    if isinstance(value, Mapping):
        for nest in _NESTS:
            if isinstance(value.get(nest), Mapping) and _is_state(value[nest]):
                return value[nest], nest
        if _is_state(value):
            return value, ""
        held = f"a dict with the keys {', '.join(str(key) for key in list(value)[:8])}"
    else:
        held = f"a {type(value).__name__}"
    raise UsageError(
        encodable(f"{name} holds no state dict but {held}", 400),
        hint="save one with torch.save(model.state_dict(), FILE)",
    )


def _is_state(value: Mapping[Any, Any]) -> bool:
    has_tensors = any(isinstance(part, torch.Tensor) for part in value.values())
    return all(isinstance(key, str) for key in value) and (has_tensors or not value)


def _prefix(state: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    for prefix in _PREFIXES:
        if all(key.startswith(prefix) and key.removeprefix(prefix) in own for key in state):
            return prefix
    return ""


def _same_shape(theirs: Any, own: Any) -> bool:
    if nn.parameter.is_lazy(own):  # it takes the shape it is given
        return True
    if isinstance(theirs, torch.Tensor) and isinstance(own, torch.Tensor):
        return theirs.shape == own.shape
    return isinstance(theirs, torch.Tensor) == isinstance(own, torch.Tensor)


def _shape(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return "×".join(str(size) for size in value.shape) or "scalar"
    return type(value).__name__


def _misfit(name: str, difference: Difference) -> UsageError:
    counts = {
        "missing": difference.missing,
        "unexpected": difference.unexpected,
        "of another shape": difference.mismatched,
    }
    told = ", ".join(f"{len(keys)} {what}" for what, keys in counts.items() if keys)
    return UsageError(
        encodable(f"{name} does not fit the model: {told}. Nothing was loaded", 400),
        where=encodable(_details(difference), 2_000),
        hint=encodable(_hint(name, difference), 400),
    )


def _details(difference: Difference) -> str:
    rows = [
        ("missing", difference.missing),
        ("unexpected", [_with_nearest(key, difference.missing) for key in difference.unexpected[:_SHOWN]]),
        ("of another shape", difference.mismatched),
    ]
    totals = [len(difference.missing), len(difference.unexpected), len(difference.mismatched)]
    return "\n".join(f"{what}: {_some(keys, total)}" for (what, keys), total in zip(rows, totals, strict=True) if total)


def _some(keys: Iterable[str], total: int) -> str:
    shown = list(keys)[:_SHOWN]
    return ", ".join(shown) + (f" … {total - len(shown)} more" if total > len(shown) else "")


def _with_nearest(key: str, names: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(key, names[:2_000], 1, 0.6)
    return f"{key} (nearest: {close[0]})" if close else key


def _hint(name: str, difference: Difference) -> str:
    if difference.prefix:
        return (
            f"every key starts with {difference.prefix!r} and fits without it: s = torch.load({name!r}, "
            f"weights_only=True); torch.save({{k.removeprefix({difference.prefix!r}): v for k, v in s.items()}}, FILE)"
        )
    return "build the model with the arguments it was trained with, KEY=VALUE"
