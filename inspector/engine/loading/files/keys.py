"""The keys of two state dicts: how they differ, and which of one side may be meant to be which of the other."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ....value_text import shape_text

_CANDIDATES = 30
_COMPARISONS = 20_000
"""Of names with one another in one search; some 20 microseconds each."""
_ALIKE = 0.6
_DEPTH = 12
"""Components of a name that count as its ending."""


@dataclass(frozen=True)
class Difference:
    """How a file's keys and shapes differ from the model's."""

    missing: tuple[str, ...]  # in the model, not in the file
    unexpected: tuple[str, ...]  # in the file, not in the model
    mismatched: tuple[str, ...]  # "fc.weight: 10×512 in the file, 1000×512 in the model"
    prefix: str = ""  # every key of the file starts with it, and fits without

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.mismatched)


def compare(state: Mapping[str, Any], own: Mapping[str, Any]) -> Difference:
    """Keys and shapes of a state dict against a model's own."""
    missing = tuple(key for key in own if key not in state and not may_lack(key))
    unexpected = tuple(key for key in state if key not in own)
    mismatched = tuple(
        f"{key}: {shape_of(state[key])} in the file, {shape_of(own[key])} in the model"
        for key in own
        if key in state and not fits(state[key], own[key])
    )
    prefix, without = needless_prefix(state, own) if unexpected else ("", 0)
    return Difference(missing, unexpected, mismatched, prefix if without == len(state) else "")


def may_lack(key: str) -> bool:
    """Files from before torch 1.0 have no such counters; loading adds them."""
    return key.endswith("num_batches_tracked")


def fits(theirs: Any, own: Any) -> bool:
    """Whether loading could copy one into the other, as torch decides it."""
    if nn.parameter.is_lazy(own):  # it takes the shape it is given
        return True
    if not isinstance(theirs, torch.Tensor) or not isinstance(own, torch.Tensor):
        return isinstance(theirs, torch.Tensor) == isinstance(own, torch.Tensor)
    scalar = own.dim() == 0 and tuple(theirs.shape) == (1,)  # as torch 0.3 saved scalars
    return theirs.shape == own.shape or scalar


def shape_of(value: Any) -> str:
    """`10×512`; of what is no tensor its type."""
    if not isinstance(value, torch.Tensor):
        return type(value).__name__
    if nn.parameter.is_lazy(value):
        return "lazy"
    return shape_text(value.shape)


def dtype_of(value: Any) -> str:
    return str(value.dtype).removeprefix("torch.") if isinstance(value, torch.Tensor) else ""


def needless_prefix(keys: Iterable[str], others: Iterable[str]) -> tuple[str, int]:
    """The first component that all of `keys` have, where some are among `others` without it, and how many are."""
    keys, known = list(keys), set(others)
    heads = {key.partition(".")[0] for key in keys}
    prefix = f"{heads.pop()}." if len(heads) == 1 else ""
    without = sum(key.removeprefix(prefix) in known for key in keys) if prefix else 0
    return (prefix, without) if without else ("", 0)


class Names:
    """Names of one side, to find the one that a name of the other side may be meant to be."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(names, key=len)
        self._by_ending: dict[str, list[str]] = defaultdict(list)
        self._left = _COMPARISONS
        for name in self._names:
            for ending in _endings(name):
                self._by_ending[ending].append(name)

    def nearest(self, name: str) -> str:
        """The most alike, empty where none is or the search has cost too much already.

        Names in a state dict differ most in their beginnings, so the candidates are those with the longest ending in
        common; without any, those of much the same length.
        """
        shared = next((found for ending in _endings(name) if (found := self._by_ending.get(ending))), None)
        candidates = self._closest(shared if shared is not None else self._names, len(name))
        self._left -= len(candidates)
        if self._left < 0:
            return ""
        inside = [one for one in candidates if one.endswith(f".{name}") or name.endswith(f".{one}")]
        alike = inside[:1] or difflib.get_close_matches(name, candidates, 1, _ALIKE)
        return alike[0] if alike else ""

    def _closest(self, names: list[str], length: int) -> list[str]:
        """Of names in the order of their lengths a few around this length."""
        middle = bisect_left(names, length, key=len)
        first = max(0, min(middle - _CANDIDATES // 2, len(names) - _CANDIDATES))
        return names[first : first + _CANDIDATES]


def _endings(name: str) -> list[str]:
    """The name and its dotted endings, the longest first."""
    parts = name.split(".")
    return [name, *(".".join(parts[first:]) for first in range(max(1, len(parts) - _DEPTH), len(parts)))]
