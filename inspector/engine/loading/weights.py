"""Weights from a state dict: compared with the model first, then loaded whole or not at all."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from ...app_keys import app_key
from ...errors import UsageError
from ...records import Target, Work
from ...text import encodable
from ..modules.walk import tensors_of
from ..usercode.running import reported
from ..usercode.telling import Tell, now_and_then, tell_nobody
from .files.find_renames import find_renames
from .files.keys import Difference, Names, compare
from .files.state import read_state, with_metadata
from .renames import Rename, describe_idle, describe_renames, find_idle, parse_renames, rename_state, write_rename

_SHOWN = 5


def check_renames(target: Target) -> None:
    """Raises `UsageError` where a renaming cannot be understood, or there is nothing that it could be for."""
    parse_renames(target.renames)
    if target.renames and target.weights in ("", "none", "DEFAULT"):
        raise UsageError(
            "--rename renames the keys of a state dict, and none was given", hint="-w FILE --rename 'OLD=>NEW'"
        )


def load_weights(model: nn.Module, target: Target, tell: Tell = tell_nobody) -> tuple[str, ...]:
    """Fill `model` from the file of weights that the target names; notes on what was done.

    Raises:
        UsageError: The file is not a state dict, or does not fit. Nothing was written.
    """
    name, renames = target.weights, parse_renames(target.renames)
    tell(Work("reading the file of weights"))
    found = read_state(name)
    state = rename_state(found.values, renames)
    with reported("your model could not give its state dict:"):
        own = model.state_dict()
    difference, idle = compare(state, own), find_idle(list(found.values), renames)
    if difference:
        raise _misfit(target, difference, _find_better(state, own, renames, idle), idle)
    nest = (encodable(f"weights from the entry {found.nest!r} of {name}", 300),) if found.nest else ()
    renamed = (encodable(f"weights of {name} {describe_renames(renames)}", 300),) if renames else ()
    if any(tensor.is_meta for tensor in tensors_of(model)):
        return (*nest, encodable(f"{name} fits; the meta device holds no values, so none were loaded", 300))
    with reported(f"your model could not take the weights of {name}:"):
        model.load_state_dict(read_values_of(state, tell), strict=True)
    return (*nest, *renamed, *(encodable(describe_idle(rename), 300) for rename in idle))


def read_values_of(state: Mapping[str, Any], tell: Tell = tell_nobody) -> Mapping[str, Any]:
    """The same, with copies of the tensors: a module may keep what it is given, and a part of a file cannot be written
    to. It is to copy them that the file is read."""
    total = sum(map(_count_bytes, state.values()))
    copies, done, tell = {}, 0, now_and_then(tell)
    for key, value in state.items():
        copies[key] = value.clone() if isinstance(value, Tensor) else value
        done += _count_bytes(value)
        tell(Work("reading weights", done, total, "bytes"))
    return with_metadata(copies, state)


def _count_bytes(value: Any) -> int:
    return value.numel() * value.element_size() if isinstance(value, Tensor) else 0


@dataclass(frozen=True)
class _Better:
    """All renamings with which `fits` of the model's `wanted` keys are found; `whole` where nothing is left over."""

    renames: tuple[Rename, ...]
    fits: int
    wanted: int
    whole: bool


def _find_better(
    state: Mapping[str, Any], own: Mapping[str, Any], renames: Sequence[Rename], idle: Sequence[Rename]
) -> _Better:
    found = find_renames(state, own)
    every = (*(rename for rename in renames if rename not in idle), *found.renames)
    return _Better(every, found.fits, len(own), not compare(rename_state(state, found.renames), own))


def _misfit(target: Target, difference: Difference, better: _Better, idle: Sequence[Rename]) -> UsageError:
    counts = {
        "missing": difference.missing,
        "unexpected": difference.unexpected,
        "of another shape": difference.mismatched,
    }
    told = ", ".join(f"{len(keys)} {what}" for what, keys in counts.items() if keys)
    return UsageError(
        encodable(f"{target.weights} does not fit the model: {told}. Nothing was loaded", 400),
        where=encodable("\n".join([_details(difference), *map(describe_idle, idle)]), 2_000),
        hint=encodable(_hint(target, difference, better), 600),
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


def _hint(target: Target, difference: Difference, better: _Better) -> str:
    words = describe_renames(better.renames)
    if better.whole:
        with_prefix = f"every key starts with {difference.prefix!r} and fits without it"
        return f"{with_prefix if difference.prefix else f'it fits {words}'}: {_command(target, better)}"
    arguments = "build the model with the arguments it was trained with, KEY=VALUE"
    if 2 * better.fits < better.wanted:
        return arguments
    part = f"{better.fits:,} of {better.wanted:,} keys fit{' ' if words else ''}{words}"
    return f"{arguments}; {part}: {app_key('try-state-dict')} in the app loads those, without -w"


def _command(target: Target, better: _Better) -> str:
    """What to type, as far as it is about the model."""
    options = [part for rename in better.renames for part in ("--rename", write_rename(rename))]
    arguments = [f"{key}={value}" for key, value in target.arguments]
    return shlex.join(["inspector", target.target, *arguments, "-w", target.weights, *options])
