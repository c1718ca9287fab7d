"""Valid files of every kind that is opened, and crafted ones that would run code: a canary that must not be there."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import safetensors.torch
import torch
from PIL import Image
from torch import nn

CANARY = "canary"
"""The file, in the working directory, that a payload makes."""


class Payload:
    """Makes the canary when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return open, (CANARY, "w")


def _state() -> dict[str, torch.Tensor]:
    return {"0.weight": torch.ones(3, 4), "0.bias": torch.zeros(3)}


def _saved(value: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream, **options)
    return stream.getvalue()


def _scripted() -> bytes:
    stream = io.BytesIO()
    torch.jit.save(torch.jit.trace(nn.Linear(4, 3), torch.ones(2, 4)), stream)
    return stream.getvalue()


def _exported() -> bytes:
    stream = io.BytesIO()
    torch.export.save(torch.export.export(nn.Sequential(nn.Linear(4, 3)), (torch.ones(2, 4),)), stream)
    return stream.getvalue()


def _array(value: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, value, **options)
    return stream.getvalue()


def _zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def _bomb() -> bytes:
    return _zipped({"archive/data.pkl": bytes(300_000_000), "archive/version": b"3"}, zipfile.ZIP_DEFLATED)


def _many_keys() -> bytes:
    entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    header = json.dumps({f"k{number}": entry for number in range(100_000)}).encode()
    return len(header).to_bytes(8, "little") + header


def _safetensors(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def _overflowing() -> bytes:
    return _safetensors({"x": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 0]}})


_CONFIG = {
    "model_type": "gpt2",
    "architectures": ["GPT2Model"],
    "n_layer": 1,
    "n_embd": 8,
    "n_head": 1,
    "vocab_size": 9,
}
_RECIPE = b'schema = 1\n[[hook]]\nwhere = "0"\nhook = "scale(2)"\n'
_INDEX = {"metadata": {"total_size": 1}, "weight_map": {"0.weight": "a.safetensors", "0.bias": "b.safetensors"}}

_PICTURE = bytes.fromhex("89504e470d0a1a0a0000000d49484452 7fffffff 7fffffff 0806000000") + b"x" * 90
"""A head that tells of more pixels than there is memory."""

MAKERS: dict[str, Callable[[], bytes]] = {
    "state.pt": lambda: _saved(_state()),
    "legacy.pt": lambda: _saved(_state(), _use_new_zipfile_serialization=False),
    "nested.ckpt": lambda: _saved({"state_dict": _state(), "epoch": 3, "hyper": {"a": [1, "b"]}}),
    "module.pt": lambda: _saved(nn.Linear(4, 3)),
    "evil.pt": lambda: _saved({"x": Payload()}),
    "evil_legacy.pt": lambda: _saved({"x": Payload()}, _use_new_zipfile_serialization=False),
    "evil.pkl": lambda: pickle.dumps(Payload()),
    "evil.pth": lambda: pickle.dumps(Payload(), 0),
    "evil.npy": lambda: _array(np.array([Payload()], dtype=object), allow_pickle=True),
    "array.npy": lambda: _array(np.ones((2, 4), np.float32)),
    "arrays.npz": lambda: _zipped({"x.npy": _array(np.ones((2, 4), np.float32))}),
    "weights.safetensors": lambda: safetensors.torch.save(_state()),
    "overflow.safetensors": _overflowing,
    "keys.safetensors": _many_keys,
    "deep.safetensors": lambda: _safetensors(b'{"a":' + b"[" * 100_000),
    "model.safetensors.index.json": lambda: json.dumps(_INDEX).encode(),
    "config.json": lambda: json.dumps(_CONFIG).encode(),
    "deep.json": lambda: b"[" * 200_000,
    "scripted.pt": _scripted,
    "program.pt2": _exported,
    "bomb.pt": _bomb,
    "recipe.toml": lambda: _RECIPE,
    "picture.png": lambda: _PICTURE,
    "empty.pt": lambda: b"",
    "model.onnx": lambda: b"\x08\x07\x12\x07pytorch",
    "model.gguf": lambda: b"GGUF" + b"\xff" * 60,
}  # fmt: skip


@cache
def make_pictures() -> dict[str, bytes]:
    """A small one of each kind."""
    return {f"small.{kind}": _picture(kind) for kind in ("png", "jpg", "gif", "webp")}


def _picture(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4, 2), "red").save(stream, "jpeg" if kind == "jpg" else kind)
    return stream.getvalue()


@cache
def make_all() -> dict[str, bytes]:
    """Every kind, made once."""
    return {name: make() for name, make in MAKERS.items()}
