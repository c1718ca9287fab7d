"""The tensors in nested plain values, by their paths, and what is beside them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor
from torch.nn import Parameter

from ....text import encodable
from ...stored.stand_ins import reveal
from ...values.nested import holders_of_tensors
from ...values.parts import contents_of
from ...values.unread import Held, Unread

MAX_DEPTH = 64
"""Components of a path; what is longer is not taken apart."""
MAX_ENTRIES = 1 << 20
"""Components of all paths together; names that come after that many are not taken apart."""

Path = tuple[str, ...]


@dataclass
class Flat:
    """`others` are values that are no tensors and lie beside some; `whole` are names not taken apart."""

    tensors: dict[Path, Held] = field(default_factory=dict)
    others: dict[Path, Any] = field(default_factory=dict)
    whole: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be said of it."""
        return (
            (f"the last {self.whole:,} names are not taken apart at their dots: too many parts",) if self.whole else ()
        )


def flatten(value: Any) -> Flat:
    """Every tensor in `value`: mappings by their keys, taken apart at the dots, sequences by position."""
    flat = Flat()
    components = 0
    for keys, held in _leaves(value):
        if components > MAX_ENTRIES:
            flat.whole += 1
        path = keys if components > MAX_ENTRIES else _split(keys)
        if path in flat.tensors or path in flat.others:
            path = _free(path, flat)
        components += len(path)
        (flat.tensors if isinstance(held, Tensor | Unread) else flat.others)[path] = held
    return flat


def split_name(name: str) -> list[str]:
    """The components of a dotted name. One with an empty one somewhere (`a..b`, `.a`) is a name of its own."""
    parts = name.split(".", MAX_DEPTH)
    return parts if all(parts) else [name or '""']


def _split(keys: Path) -> Path:
    if len(keys) == 1:  # as nearly always
        return tuple(split_name(keys[0]))
    return tuple(part for key in keys for part in split_name(key))


def _free(path: Path, flat: Flat) -> Path:
    """Different keys can be written alike: 0 and "0"."""
    while path in flat.tensors or path in flat.others:
        path = (*path[:-1], f"{path[-1]}'") if path else ("'",)
    return path


def _leaves(value: Any) -> Iterator[tuple[Path, Any]]:
    """Tensors by path, and what holds none. A container that was there before is not entered again."""
    if _is_plain(value):
        yield from (((_key(key),), tensor) for key, tensor in value.items())
        return
    holding = holders_of_tensors(value)
    entered: dict[int, Path] = {}
    pending: list[tuple[Path, Any]] = [((), value)]
    while pending:
        path, held = pending.pop()
        inside = _inside(held)
        if inside is None or len(path) >= MAX_DEPTH or (path and id(held) not in holding):
            yield path, held
        elif id(held) in entered:
            yield path, f"the same as {'.'.join(entered[id(held)]) or 'the whole'}"
        else:
            entered[id(held)] = path
            pending.extend(((*path, _key(key)), part) for key, part in reversed(inside))


def _is_plain(value: Any) -> bool:
    """A mapping of names to tensors and nothing else, as most files are: nothing in it has to be looked for."""
    return type(value) in (dict, OrderedDict) and all(
        type(part) in (Tensor, Parameter, Unread) for part in value.values()
    )


def _inside(value: Any) -> list[tuple[Any, Any]] | None:
    found = contents_of(reveal(value))
    return list(found.pairs) if found is not None else None


def _key(key: Any) -> str:
    return encodable(key if isinstance(key, str) else str(key), 10_000)
