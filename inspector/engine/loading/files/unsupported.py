"""Files and directories that no other loader knows, to say what they are and what can be opened."""

from __future__ import annotations

from pathlib import Path

from ....errors import UsageError
from ....files import check_file, is_directory, is_there
from ....files.purposes import WEIGHTS
from ....target_kinds import list_examples
from ....text import encodable
from ..target import Built, Loader, Wanted

_OTHERS = {
    ".onnx": "an ONNX graph is run by other programs than PyTorch",
    ".gguf": "a GGUF file is read by llama.cpp",
    ".h5": "an HDF5 file is read by Keras",
    ".keras": "a Keras model is run by other programs than PyTorch",
    ".tflite": "a TFLite model is run by other programs than PyTorch",
    ".mlmodel": "a Core ML model is run by other programs than PyTorch",
}


def _claims(text: str) -> bool:
    path = Path(text)
    return (is_there(path) and (path.suffix != ".py" or is_directory(path))) or _other(path) != ""


def _other(path: Path) -> str:
    return "" if ":" in path.name else _OTHERS.get(path.suffix.lower(), "")


def _build(wanted: Wanted) -> Built:
    path = Path(wanted.text)
    if is_directory(path):
        why, hint = "a directory with no weights and no model", f"a directory with a config.json: hf:{path}"
    else:
        if is_there(path):
            check_file(path, WEIGHTS)  # it may be no regular file
        why = _other(path) or "it holds neither Python, weights nor a program of PyTorch"
        named = f"for torchvision's model of that name: tv:{path.name}"
        hint = "inspector NAME -i @FILE makes it an input, -w FILE weights" if path.suffix else named
    raise UsageError(
        encodable(f"{wanted.text} cannot be opened: {why}", 400),
        where=f"supported: {list_examples()}",
        hint=encodable(hint, 300),
    )


LOADER = Loader(_claims, _build)
