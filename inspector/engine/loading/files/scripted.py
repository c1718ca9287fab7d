"""`net.pt`: TorchScript archives, scripted or traced.

They are programs, run by torch's own interpreter and never by Python: `torch.jit.load` imports no Python name, and its
unpickler makes tensors, plain values and TorchScript classes only (`__setstate__` in it is TorchScript as well). Such a
program can compute, and with a few operations it can write to any file: those ask for trust, all others do not.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from ....errors import UsageError
from ....files import check_file
from ....files.purposes import PROGRAM
from ....text import encodable
from ...stored.saved import look_closely, what_is
from ...usercode import arguments
from ...usercode.reading import read_ahead
from ...usercode.running import reported
from ..target import Built, Loader, Wanted
from .trust import demand

_ON_FILES = re.compile(r"\b(save|from_file|read_file|write_file|rpc_\w+)\b")
_HIDDEN = re.compile(r"getattr\([^)\n]*\\")
"""An attribute whose name is spelled with escapes."""
_SPACES = re.compile(r"\bops\.(\w+)")
_KNOWN = frozenset({"aten", "prim", "prims", "quantized", "_quantized", "torchvision", "sparse", "mkldnn", "rngprims"})

NOTE = "TorchScript: torch refuses hooks on it; its tree, parameters, code and output are shown"


def _claims(text: str) -> bool:
    return what_is(text) == "script"


def _build(wanted: Wanted) -> Built:
    path = check_file(wanted.text, PROGRAM)
    look_closely(path)
    for key, _ in wanted.target.arguments:
        raise arguments.refusal(wanted.text, key, [])
    demand(
        wanted,
        "is TorchScript that can do more than compute when it runs, such as write files",
        list(dict.fromkeys(_reasons(path))),
    )
    read_ahead(path, PROGRAM)
    with reported(f"{wanted.text} could not be loaded:"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that torch.jit is deprecated is no news for somebody who has such a file
        model = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    return Built(model, (NOTE,))


def _reasons(path: Path) -> Iterator[str]:
    """Operations in the code of an archive that reach beyond the process, read by the reader that torch loads with."""
    try:
        reader = torch._C.PyTorchFileReader(str(path))
        names = [name for name in reader.get_all_records() if name.startswith("code/") and name.endswith(".py")]
        code = [(name, _text(reader, name)) for name in names]
    except (RuntimeError, UnicodeDecodeError) as error:  # of a name that is no UTF-8
        raise UsageError(
            encodable(f"{path} cannot be read: {str(error).partition(chr(10))[0]}", 400),
            hint="save it again with torch.jit.save, or fetch it again",
            kind=type(error).__name__,
        ) from None
    for name, text in code:
        yield from _in_code(name, text)


def _in_code(name: str, code: str) -> Iterator[str]:
    for number, line in enumerate(code.splitlines(), 1):
        unknown = [space for space in _SPACES.findall(line) if space not in _KNOWN]
        if _ON_FILES.search(line) or _HIDDEN.search(line) or unknown:
            yield f"{name}:{number}: {line.strip()}"


def _text(reader: Any, name: str) -> str:
    data: bytes = reader.get_record(name)
    return data.decode("utf-8", "replace")


LOADER = Loader(_claims, _build)
