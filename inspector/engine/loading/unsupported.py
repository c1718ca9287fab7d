"""Kinds of target that this version recognises in order to say that it cannot open them."""

from __future__ import annotations

from pathlib import Path

from ...errors import UsageError
from ...text import encodable
from .target import Built, Loader, Wanted

SUPPORTED = "a torchvision name (resnet18), model.py, model.py:NAME, pkg.mod:NAME, timm:NAME, hf:NAME or hub:DIR#ENTRY"

_SUFFIXES = {
    ".pt2": "exported programs (.pt2)",
    ".pt": "saved files (.pt)",
    ".pth": "saved files (.pth)",
    ".ckpt": "checkpoints (.ckpt)",
    ".bin": "saved files (.bin)",
    ".safetensors": "weights without a model (.safetensors)",
    ".onnx": "ONNX files (.onnx)",
}

_STATES = frozenset({".pt", ".pth", ".ckpt", ".bin", ".safetensors"})


def _claims(text: str) -> bool:
    path = Path(text)
    if path.is_file():
        return path.suffix != ".py"
    return ":" not in text and path.suffix.lower() in _SUFFIXES


def _build(wanted: Wanted) -> Built:
    path = Path(wanted.text)
    what = _SUFFIXES.get(path.suffix.lower(), "files that are not Python")
    raise UsageError(
        encodable(f"{wanted.text} cannot be opened: {what} are not supported yet", 400),
        where=f"supported: {SUPPORTED}",
        hint=encodable(_hint(path), 300),
    )


def _hint(path: Path) -> str:
    if path.suffix.lower() in _STATES:
        return f"if it is a state dict, name its model: inspector resnet18 -w {path}"
    return "" if path.suffix or not path.is_file() else f"for torchvision's model of that name: tv:{path.name}"


LOADER = Loader("unsupported", _claims, _build)
