"""Which renaming of a file's keys makes them fit a model: found from the names and shapes alone.

Each key of the file that the model lacks is laid beside the key of the model with the same shape and the longest common
ending. Where they differ is a renaming; the one that most keys agree on is tried first, and kept only if more keys fit
with it. Nothing is guessed where two keys would do equally well: that is a doubt, and said.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from ...values.renaming import rename_key, rename_keys
from .keys import fits, may_lack

Rename = tuple[str, str]

KNOWN = ((".gamma", ".weight"), (".beta", ".bias"))
"""What the parameters of norms are called elsewhere."""
WRAPPERS = ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
"""Names that torch's own wrappers put into keys: data parallel, compiled, sharded, checkpointed."""

ROUNDS = 12
"""Renamings found at most, one in each."""
BUDGET = 1_500_000
"""Keys looked at in one search."""
_SAMPLE = 512
"""Keys that are laid beside others in one round."""
_TRIES = 4
"""Candidates tried in one round."""
_DEPTH = 12
"""Components of a name that count as its ending."""


@dataclass(frozen=True)
class Found:
    """`fits` keys of the model are in the file, with the right shape, after `renames`. `doubts` are keys that could be
    either of two."""

    renames: tuple[Rename, ...] = ()
    fits: int = 0
    doubts: tuple[str, ...] = ()


def find_renames(theirs: Mapping[str, Any], own: Mapping[str, Any]) -> Found:
    """The renamings with which most of the model's keys are found in the file; none where none helps.

    Args:
        theirs: The file's state dict; only names and shapes are looked at.
        own: The model's.
    """
    search = _Search({key: value for key, value in theirs.items() if isinstance(key, str)}, own)
    while len(search.renames) < ROUNDS and search.budget > 0 and search.step():
        pass
    return Found(tuple(search.renames), search.fits, tuple(search.doubts))


@dataclass
class _Search:
    theirs: Mapping[str, Any]
    own: Mapping[str, Any]
    renames: list[Rename] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    budget: int = BUDGET

    def __post_init__(self) -> None:
        self.names = {key: key for key in self.theirs}
        self.fits = self._count(self.names)

    def step(self) -> bool:
        """Find one more renaming, or several that belong together. Whether there was one."""
        held = set(self.names.values())
        missing = [key for key in self.own if key not in held and not may_lack(key)]
        spare = [key for key, name in self.names.items() if name not in self.own]
        self.doubts = []
        return bool(missing and spare) and any(self._try(renames) for renames in self._candidates(spare, missing))

    def _candidates(self, spare: list[str], missing: list[str]) -> Iterator[list[Rename]]:
        yield self._unwrap(spare)
        yield [rename for rename in KNOWN if any(name.endswith(rename[0]) for name in self.names.values())]
        self.budget -= len(spare) + len(missing)
        looked_at = {key: self.names[key] for key in spare[:: max(len(spare) // _SAMPLE, 1)]}
        index = _Index(missing, self.own, looked_at.values())
        votes: Counter[Rename] = Counter()
        for key, name in looked_at.items():
            found = index.find(name, self.theirs[key])
            if len(found) > 1 and len(self.doubts) < 3:
                self.doubts.append(f"{key} may be {found[0]} or {found[1]}")
            if len(found) == 1:
                votes.update(_differences(name, found[0], whole=not self.fits))
        yield from ([rename] for rename, _ in votes.most_common(_TRIES))

    def _unwrap(self, spare: list[str]) -> list[Rename]:
        """Without the names of all wrappers that are in some key and in none of the model's."""
        names = [self.names[key] for key in spare]
        parts = {part for name in names for part in name.split(".")}
        known = [name for name in WRAPPERS if name in parts and not any(name in key for key in self.own)]
        both = [rename for name in known for rename in ((f"{name}.", ""), (f".{name}", ""))]
        return [rename for rename in both if any(rename_key(name, *rename) != name for name in names)]

    def _try(self, renames: list[Rename]) -> bool:
        if not renames or self.budget <= 0:
            return False
        self.budget -= 2 * len(self.names)
        try:
            again = rename_keys(self.names.values(), renames)
        except ValueError:  # two keys would have one name
            return False
        names = {key: again[name] for key, name in self.names.items()}
        count = self._count(names)
        if count <= self.fits:
            return False
        self.names, self.fits = names, count
        self.renames += renames
        return True

    def _count(self, names: Mapping[str, str]) -> int:
        own, theirs = self.own, self.theirs
        return sum(name in own and fits(theirs[key], own[name]) for key, name in names.items())


class _Index:
    """The model's keys that are missing, by shape and ending, and by shape and module; as far as some name has it."""

    def __init__(self, keys: Iterable[str], own: Mapping[str, Any], names: Iterable[str]) -> None:
        self._by_part: dict[tuple[object, str], list[str]] = defaultdict(list)
        wanted = {part for name in names for part in _parts(name)}
        for key in sorted(keys):
            parts = wanted.intersection(_parts(key))
            shape = _shape(own[key]) if parts else None
            for part in parts:
                self._by_part[shape, part].append(key)

    def find(self, name: str, value: Any) -> list[str]:
        """Those with the longest ending in common, of them those with the longest beginning in common; without any
        ending in common, those in the same module."""
        shape = _shape(value)
        for part in _parts(name):
            found = self._by_part.get((shape, part))
            if found:
                return _closest(found, name)
        return []


def _shape(value: Any) -> object:
    """What has to be the same for one to fit the other; a lazy parameter takes any, and is found by its name alone."""
    if not isinstance(value, torch.Tensor) or nn.parameter.is_lazy(value):
        return None
    return tuple(value.shape) if tuple(value.shape) != (1,) else ()


def _parts(name: str) -> list[str]:
    """The dotted endings, the longest first, then the module. No ending has a dot at its end."""
    found, at = [name], -1
    for _ in range(_DEPTH):
        at = name.find(".", at + 1)
        if at < 0:
            break
        found.append(name[at + 1 :])
    return [*found, f"{name.rpartition('.')[0]}."]


def _closest(names: list[str], name: str) -> list[str]:
    """Of sorted names those with the longest beginning in common with this one: its neighbours."""
    at = bisect_left(names, name)
    near = names[max(at - 2, 0) : at + 2]
    lengths = [_common(one.split("."), name.split(".")) for one in near]
    return [one for one, length in zip(near, lengths, strict=True) if length == max(lengths)]


def _common(a: list[str], b: list[str]) -> int:
    """How many first parts are the same."""
    return next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _differences(theirs: str, own: str, whole: bool) -> Iterator[Rename]:
    """Renamings that make one name the other, the one that says least first.

    Args:
        theirs: In the file.
        own: In the model.
        whole: A name may be put in front of every key.
    """
    a, b = theirs.split("."), own.split(".")
    ending = _common(a[::-1], b[::-1])
    same = _common(a[: len(a) - ending], b[: len(b) - ending])
    old, new = a[same : len(a) - ending], b[same : len(b) - ending]
    if not same and (old or whole):
        yield _dotted(old), _dotted(new)
    elif same and old:
        yield f".{'.'.join(old)}", f".{'.'.join(new)}" if new else ""
    first = [*a[:same], *old] or a[:1]
    kept = first[len([*a[:same], *old]) :]
    yield ".".join(first), ".".join([*b[:same], *new, *kept])


def _dotted(parts: list[str]) -> str:
    return "".join(f"{part}." for part in parts)
