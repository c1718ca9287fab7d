"""Checkpoints in several files, with an index that says which tensor is in which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from torch import Tensor

from ....errors import UsageError
from ....files import is_file, parse_json, read_file
from ....files.purposes import INDEX
from ....text import encodable

SUFFIX = ".index.json"

MAX_SHARDS = 10_000
"""Files of an index; each is opened. The largest that are published have some hundred."""
_SHOWN = 4

ReadShard = Callable[[Path], Mapping[str, Tensor]]


@dataclass(frozen=True)
class Sharded:
    """The tensors that an index names, in its order; its other entries."""

    tensors: dict[str, Tensor]
    metadata: dict[str, Any]
    shards: int
    notes: tuple[str, ...] = ()


def read_sharded(index: Path, read_shard: ReadShard) -> Sharded:
    """Every shard's header, checked against the index.

    Raises:
        UsageError: The index cannot be read, a shard is not there or not sound, or one lacks a tensor.
    """
    content = _read_index(index)
    weight_map = content.get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(file, str) for file in weight_map.values()):
        raise _unfit(index, "it has no weight_map from names to files")
    files = {file: _shard(index, file) for file in dict.fromkeys(weight_map.values())}
    if len(files) > MAX_SHARDS:
        raise _unfit(index, f"it names {len(files):,} files")
    _check_there(index, files, weight_map)
    held = {file: read_shard(path) for file, path in files.items()}
    absent = [f"{name} in {file}" for name, file in weight_map.items() if name not in held[file]]
    if absent:
        raise _unfit(index, f"it names {_count(absent, 'tensor')} that {_are(absent)} not there: {_some(absent)}")
    unnamed = [f"{name} in {file}" for file, tensors in held.items() for name in tensors if name not in weight_map]
    notes = (f"not in the index, and left out: {_some(unnamed)}",) if unnamed else ()
    metadata = content.get("metadata")
    return Sharded(
        {name: held[file][name] for name, file in weight_map.items()},
        metadata if isinstance(metadata, dict) else {},
        len(files),
        notes,
    )


def _read_index(index: Path) -> dict[str, Any]:
    try:
        content = parse_json(read_file(index, INDEX))
    except ValueError as error:
        raise _unfit(index, str(error)) from None
    if not isinstance(content, dict):
        raise _unfit(index, "it is no JSON object")
    return content


def _shard(index: Path, file: str) -> Path:
    """Shards lie beside their index, or below it: no index leads elsewhere."""
    named = PurePosixPath(file)
    if not file or named.is_absolute() or ".." in named.parts or "\0" in file:
        raise _unfit(index, f"it names the file {file!r}, which is not in its folder")
    return index.parent / file


def _check_there(index: Path, files: Mapping[str, Path], weight_map: Mapping[str, str]) -> None:
    names: dict[str, list[str]] = defaultdict(list)
    for name, file in weight_map.items():
        names[file].append(name)
    missing = [f"{file} ({_count(names[file], 'tensor')})" for file, path in files.items() if not is_file(path)]
    if missing:
        raise UsageError(
            encodable(f"{_count(missing, 'shard')} of {len(files)} {_are(missing)} not there: {_some(missing)}", 600),
            where=encodable(str(index), 300),
            hint="fetch the rest beside the index, or open one shard alone",
        )


def _count(things: list[str], what: str) -> str:
    return f"{len(things)} {what}{'' if len(things) == 1 else 's'}"


def _are(things: list[str]) -> str:
    return "is" if len(things) == 1 else "are"


def _some(words: Iterable[str]) -> str:
    listed = list(words)
    return ", ".join(listed[:_SHOWN]) + (f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else "")


def _unfit(index: Path, why: str) -> UsageError:
    return UsageError(
        encodable(f"{index.name} is no sound index of shards: {why}", 600),
        where=encodable(str(index), 300),
        hint="fetch it again with all its shards, or name one shard alone",
    )
