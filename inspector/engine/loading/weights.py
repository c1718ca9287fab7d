"""Weights from a state dict: compared with the model first, then loaded whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from ...errors import UsageError
from ...text import encodable
from ..inputs.files import read_values
from ..modules.walk import tensors_of
from ..usercode.readable import check_readable
from ..usercode.running import reported
from .files.keys import Difference, Names, compare

NESTS = ("state_dict", "model_state_dict", "model", "module", "net", "weights")
_SHOWN = 5


def load_weights(model: nn.Module, name: str) -> tuple[str, ...]:
    """Fill `model` from a file; notes on what was done.

    Raises:
        UsageError: The file is not a state dict, or does not fit. Nothing was written.
    """
    state, nest = read_state(name)
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


def read_state(name: str) -> tuple[Mapping[str, Any], str]:
    """The state dict in a file, and the entry it was nested in; nothing in the file is run.

    Raises:
        UsageError: There is no such file, or it holds no state dict.
    """
    return _unwrap(read_values(check_readable(name)), name)


def _unwrap(value: Any, name: str) -> tuple[Mapping[str, Any], str]:
    """The state dict in `value`, and the entry it was nested in."""
    if isinstance(value, Mapping):
        for nest in NESTS:
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
    names = Names(difference.missing)
    rows = [
        ("missing", difference.missing),
        ("unexpected", [_with_nearest(key, names) for key in difference.unexpected[:_SHOWN]]),
        ("of another shape", difference.mismatched),
    ]
    totals = [len(difference.missing), len(difference.unexpected), len(difference.mismatched)]
    return "\n".join(f"{what}: {_some(keys, total)}" for (what, keys), total in zip(rows, totals, strict=True) if total)


def _some(keys: Iterable[str], total: int) -> str:
    shown = list(keys)[:_SHOWN]
    return ", ".join(shown) + (f" … {total - len(shown)} more" if total > len(shown) else "")


def _with_nearest(key: str, names: Names) -> str:
    close = names.nearest(key)
    return f"{key} (nearest: {close})" if close else key


def _hint(name: str, difference: Difference) -> str:
    if difference.prefix:
        return (
            f"every key starts with {difference.prefix!r} and fits without it: s = torch.load({name!r}, "
            f"weights_only=True); torch.save({{k.removeprefix({difference.prefix!r}): v for k, v in s.items()}}, FILE)"
        )
    return "build the model with the arguments it was trained with, KEY=VALUE"
