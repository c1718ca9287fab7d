"""The state dict in a file, from its header: names, shapes and dtypes are known at once, values are read when they are
looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ....errors import UsageError
from ....files import check_file
from ....files.purposes import WEIGHTS
from ....text import encodable
from ...stored.safetensors_file import read_safetensors
from ...stored.saved import Saved, look
from ...stored.stand_ins import reveal
from ...stored.torch_file import read_saved
from ...stored.values import read_values
from ...values.unread import read_tensor
from . import sharded
from .sharded import Sharded

NESTS = ("state_dict", "model_state_dict", "model", "module", "net", "weights")


@dataclass(frozen=True)
class State:
    """`values` has `_metadata` where the file has it. `nest` is the entry of a checkpoint that it was, or ""."""

    values: Mapping[str, Any]
    nest: str = ""


def read_state(name: str) -> State:
    """The state dict in a file that `torch.save` or safetensors wrote, in an index of shards, or in a .npz file.

    Nothing in it is run. Its tensors may be parts of the file, which cannot be written to.

    Raises:
        UsageError: There is no such file, or it holds no state dict.
    """
    path = check_file(name, WEIGHTS)
    if path.name.endswith(sharded.SUFFIX):
        return State(read_shards(path)[0].tensors)
    saved = look(path)
    if saved.kind == "safetensors":
        return State(read_safetensors(path).tensors)
    return _read_pickled(path, saved, name) if saved.kind == "state" else _unwrap(read_values(path, WEIGHTS), name)


def find_entry(name: str) -> str:
    """The entry of a checkpoint that its state dict is, or ""."""
    return read_state(name).nest


def read_shards(index: Path) -> tuple[Sharded, tuple[str, ...]]:
    """What an index names, and notes on its shards. Raises `UsageError`."""
    notes: dict[str, None] = {}

    def read_shard(path: Path) -> Mapping[str, Tensor]:
        saved = look(path)
        if saved.kind != "state":
            contents = read_safetensors(path)
            notes.update(dict.fromkeys(contents.notes))
            return contents.tensors
        read = read_saved(path, saved)
        notes.update(dict.fromkeys(read.notes))
        found = read.value if isinstance(read.value, Mapping) else {}
        return {str(key): read_tensor(read.seat(value)) for key, value in found.items() if isinstance(value, Tensor)}

    return sharded.read_sharded(index, read_shard), tuple(notes)


def _read_pickled(path: Path, saved: Saved, name: str) -> State:
    read = read_saved(path, saved)
    found = _unwrap(reveal(read.value), name)
    values = {
        key: read_tensor(read.seat(value)) if isinstance(value, Tensor) else value
        for key, value in found.values.items()
    }
    return State(with_metadata(values, found.values), found.nest)


def with_metadata(values: Mapping[str, Any], state: Mapping[str, Any]) -> Mapping[str, Any]:
    """These values as a state dict that says of its modules what `state` does: torch keeps versions there."""
    made = OrderedDict(values)
    metadata = getattr(state, "_metadata", None)
    if metadata is not None:
        vars(made)["_metadata"] = metadata
    return made


def _unwrap(value: Any, name: str) -> State:
    """The state dict in `value`. Raises `UsageError`."""
    if isinstance(value, Mapping):
        for nest in NESTS:
            if isinstance(value.get(nest), Mapping) and _is_state(value[nest]):
                return State(value[nest], nest)
        if _is_state(value):
            return State(value)
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
