"""`weights.safetensors`, `net.pt` with a state dict, a sharded checkpoint: weights without a model.

They are opened from the header, whatever their size: names, shapes and dtypes are known at once, values are read when
they are looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .... import records
from ....errors import UsageError
from ....files import check_file, expand, is_directory, is_file
from ....files.purposes import WEIGHTS
from ....text import encodable
from ...modules.names import names_of
from ...modules.weight_tree import NOTHING_TO_CALL, Weights
from ...stored.safetensors_file import read_safetensors
from ...stored.saved import FETCH_AGAIN, Saved, look, what_is
from ...stored.stand_ins import reveal
from ...stored.torch_file import read_saved
from ...values.collector import without_collector
from ...values.nested import tensors_in
from ...values.unread import Held, Unread
from ..target import Built, Loader, Wanted
from ..torchvision.registry import list_models
from . import flatten, sharded
from .state import NESTS, read_shards

SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")
_ENTRY = "entry"
_CONFIG = "config.json"
_SHOWN = 6


@dataclass(frozen=True)
class _Contents:
    """What a file holds: tensors and the values beside them, by path, and what is said of the whole."""

    tensors: dict[flatten.Path, Held]
    others: dict[flatten.Path, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sorted: bool = False  # the file has its names in the order of their letters


def _claims(text: str) -> bool:
    path = expand(text)
    if is_directory(path):
        return text not in list_models() and (bool(_files_in(path)) or is_file(path / _CONFIG))
    named = text.endswith(sharded.SUFFIX) or path.suffix.lower() in SUFFIXES
    if not is_file(path):
        return named and ":" not in text
    kind = what_is(path)
    return kind in ("safetensors", "state") or (named and kind == "unknown")


def _files_in(directory: Path) -> list[Path]:
    """The indexes of a directory, or without any its weights files."""
    try:
        files = sorted(path for path in directory.iterdir() if is_file(path))
    except OSError:
        return []
    indexes = [path for path in files if path.name.endswith(sharded.SUFFIX)]
    return indexes or [path for path in files if path.suffix.lower() in SUFFIXES]


def _build(wanted: Wanted) -> Built | records.Choices:
    _refuse_what_needs_a_model(wanted)
    path = expand(wanted.text)
    if not is_directory(path):
        return _assemble(check_file(wanted.text, WEIGHTS), wanted)
    files = _files_in(path)
    if is_file(path / _CONFIG):
        alone = f", {files[0]} for its weights alone" if files else ""
        raise UsageError(
            encodable(f"{wanted.text} is the directory of a Hugging Face model: it holds a {_CONFIG}", 400),
            hint=encodable(f"hf:{wanted.text} for the model{alone}", 500),
        )
    if len(files) == 1:
        return _assemble(files[0], wanted)
    listed = tuple(records.Choice(encodable(str(file), 300), "weights", _size(file)) for file in files)
    return records.Choices(encodable(f"in {wanted.text}", 300), listed)


def _size(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:,.1f} MB"


def _refuse_what_needs_a_model(wanted: Wanted) -> None:
    """Raises `UsageError`."""
    target = wanted.target
    given = {
        "-w": target.weights,
        "-i": target.inputs,
        "-d": target.device not in ("", "auto", "cpu"),
        "--dtype": target.dtype,
        "--train": target.training,
        "--hook": target.hooks,
        "--hooks": target.recipe,
        "--record": target.record,
        "--backward": target.backward,
        "--batches": target.batches > 1,
        "--generate": target.generate,
        "--loss": target.loss,
        "--optimizer": target.optimizer,
        "--loader": target.loader,
    }
    refused = [option for option, value in given.items() if value]
    if refused:
        raise UsageError(
            encodable(f"{NOTHING_TO_CALL}, so {' and '.join(refused)} cannot be used with {wanted.text}", 400),
            hint=encodable(f"inspector NAME -w {wanted.text} opens them in a model", 400),
        )


def _assemble(path: Path, wanted: Wanted) -> Built:
    with without_collector():
        found = _read(path, _entry(wanted))
        root = Weights(names_of(found.tensors, found.others, numbered=found.sorted))
    about = {"file": str(path), "dtypes": _dtypes(found.tensors.values()), **found.about}
    root.about.update({key: value for key, value in about.items() if value})
    return Built(root, (*found.notes, *_about_notes(root.about)), stays=True)


def _about_notes(about: dict[str, Any]) -> tuple[str, ...]:
    """What the file says of itself, and what its tensors are, in a line each."""
    dtypes = [f"{count:,} {dtype}" for dtype, count in about.get("dtypes", {}).items()]
    metadata = [f"{key} = {value}" for key, value in about.get("metadata", {}).items()]
    said = {"dtypes": dtypes, "metadata": metadata}
    return tuple(encodable(f"{what}: {', '.join(words[:_SHOWN])}", 300) for what, words in said.items() if words)


def _entry(wanted: Wanted) -> str | None:
    """The one constructor argument there is: which entry of a checkpoint to open. Raises `UsageError`."""
    given = dict(wanted.target.arguments)
    entry = given.pop(_ENTRY, None)
    if given:
        raise UsageError(
            encodable(f"{NOTHING_TO_CALL}, so {next(iter(given))}= is for nobody", 400),
            hint=f"{_ENTRY}=NAME opens one entry of a checkpoint",
        )
    return entry


def _read(path: Path, entry: str | None) -> _Contents:
    if path.name.endswith(sharded.SUFFIX):
        _refuse_entry(entry, path)
        return _read_shards(path)
    saved = look(path)
    if saved.kind == "safetensors" or (saved.kind == "unknown" and path.suffix.lower() == ".safetensors"):
        _refuse_entry(entry, path)
        contents = read_safetensors(path)
        about = {"format": "safetensors", "metadata": contents.metadata}
        flat = flatten.flatten(contents.unread)
        return _Contents(flat.tensors, {}, about, (*contents.notes, *flat.notes), sorted=True)
    if saved.kind != "state":
        raise UsageError(
            encodable(f"{path.name} is no file that torch.save or safetensors wrote, or it is cut off", 400),
            where=encodable(str(path), 300),
            hint=FETCH_AGAIN,
        )
    return _read_checkpoint(path, saved, entry)


def _refuse_entry(entry: str | None, path: Path) -> None:
    if entry is not None:
        raise UsageError(encodable(f"{path.name} has names and no entries", 400), hint="-s NAME starts at a name")


def _read_checkpoint(path: Path, saved: Saved, entry: str | None) -> _Contents:
    read = read_saved(path, saved)
    name, state, beside = _choose(read.value, entry, path)
    flat = flatten.flatten(state)
    tensors = {at: read.seat(each) if isinstance(each, Tensor) else each for at, each in flat.tensors.items()}
    about = {
        "format": "torch.save, before torch 1.6" if saved.legacy else "torch.save",
        "entry": name,
        "beside": {key: _beside(value) for key, value in beside.items()},
        "_metadata": dict(vars(state).get("_metadata") or {}) if hasattr(state, "__dict__") else {},
    }
    others = {at: reveal(value) for at, value in flat.others.items()}
    return _Contents(_tie(tensors), others, about, (*_nest_notes(name, beside), *read.notes, *flat.notes))


def _choose(value: Any, entry: str | None, path: Path) -> tuple[str, Any, Mapping[Any, Any]]:
    """The name of an entry, the entry itself, and the entries beside it. The whole file has the name ""."""
    parts: Any = reveal(value)
    if entry:
        if not isinstance(parts, Mapping) or entry not in (names := {str(key): key for key in parts}):
            held = ", ".join(str(key) for key in list(parts)[:_SHOWN]) if isinstance(parts, Mapping) else "no entries"
            raise UsageError(encodable(f"{path.name} has no entry {entry!r}", 300), hint=encodable(f"it has {held}"))
        found = names[entry]
    else:
        found = _nest(parts) if entry is None else None
    if found is None:
        name, state, beside = "", value, {}
    else:
        name, state, beside = str(found), parts[found], {key: part for key, part in parts.items() if key != found}
    if next(tensors_in(state), None) is None:
        raise _no_tensors(path, name, state)
    return name, state, beside


def _nest(parts: object) -> Any:
    """The entry of a checkpoint that is its model's state dict, None where the whole is to be shown."""
    if not isinstance(parts, Mapping):
        return None
    for nest in NESTS:
        if isinstance(parts.get(nest), Mapping) and next(tensors_in(parts[nest]), None) is not None:
            return nest
    return None


def _no_tensors(path: Path, name: str, state: object) -> UsageError:
    what = f"the entry {name!r} of {path.name}" if name else path.name
    held = f"a dict with {', '.join(map(str, list(state)[:_SHOWN]))}" if isinstance(state, Mapping) else (
        f"a {type(state).__name__}")  # fmt: skip
    return UsageError(
        encodable(f"{what} holds no tensors but {held}", 400),
        where=encodable(str(path), 300),
        hint="weights are what torch.save writes of model.state_dict()",
    )


def _beside(value: Any) -> Any:
    """An entry that is not shown in the tree: itself, or in words where it holds tensors, which are not to be read."""
    tensors = list(tensors_in(value))
    if not tensors:
        return reveal(value)
    nbytes = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    return f"{_tensors(len(tensors))}, {nbytes / 1e6:,.1f} MB"


def _nest_notes(name: str, beside: Mapping[Any, Any]) -> tuple[str, ...]:
    if not name:
        return ()
    said = [f"this is the entry {name!r} of the file"]
    holding = [str(key) for key, value in beside.items() if next(tensors_in(value), None) is not None]
    if holding:
        said.append(f"more tensors in {', '.join(holding[:_SHOWN])}: {_ENTRY}={holding[0]} opens them")
    return tuple(encodable(note, 400) for note in said)


def _read_shards(index: Path) -> _Contents:
    found, notes = read_shards(index)
    about = {"format": f"{found.shards} shards with an index", "metadata": found.metadata}
    flat = flatten.flatten(found.tensors)
    return _Contents(flat.tensors, {}, about, (*found.notes, *notes, *flat.notes), sorted=True)


def _tie(tensors: dict[flatten.Path, Held]) -> dict[flatten.Path, Held]:
    """The same, with one object for what is one tensor in the file under several names."""
    first: dict[tuple[object, ...], Held] = {}
    return {path: first.setdefault(_place(tensor), tensor) for path, tensor in tensors.items()}


def _place(tensor: Held) -> tuple[object, ...]:
    """Where the values are and how they are read; each tensor without values of its own is another one."""
    if isinstance(tensor, Unread):
        return tensor if tensor.numel() else (id(tensor),)
    plain = type(tensor) in (Tensor, torch.nn.Parameter) and tensor.layout is torch.strided
    if not plain or tensor.is_nested or tensor.is_quantized or tensor.is_meta or not tensor.numel():
        return (id(tensor),)
    return (tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride(), tensor.is_conj(), tensor.is_neg())


def _dtypes(tensors: Iterable[Held]) -> dict[str, int]:
    counts = Counter(tensor.dtype for tensor in tensors)
    return {str(dtype).removeprefix("torch."): count for dtype, count in counts.most_common()}


def _tensors(count: int) -> str:
    return f"{count:,} tensor{'' if count == 1 else 's'}"


LOADER = Loader(_claims, _build)
