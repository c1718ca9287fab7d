"""Parts of an input that cannot be copied: every pass is given the same, and what it does to them is found."""

from __future__ import annotations

import io
import operator
from dataclasses import dataclass, field
from typing import Any

import torch

from ..source.running import Types, in_mro, module_name
from ..values.copying import Refusal
from ..values.nested import walk
from ..values.objects import LAZY, is_a, name_of_type
from ..values.parts import is_tensor
from ..values.unwrap import read

_NODES = 10_000
"""Parts of one value that are compared at most."""
_FILE = io.IOBase.__mro__[1]  # past its metaclass, which would ask that of the value
_FILES = Types(io.FileIO, io.BufferedReader, io.BufferedRandom, io.BytesIO, io.StringIO, io.TextIOWrapper)


@dataclass(eq=False)
class Shared:
    """One of them, in the argument `name`, with what it was like when the pass began."""

    name: str
    refusal: Refusal
    _then: list[Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._then = _list_parts(self.refusal.value)

    def __str__(self) -> str:
        reads_on = "; each pass reads on where the one before stopped" if is_consumed(self.refusal.value) else ""
        return f"{self.name}: {self.refusal.why}{reads_on}"

    def find_changes(self) -> list[str]:
        """Whether the pass changed it, in words."""
        if _list_parts(self.refusal.value) == self._then:
            return []
        return [f"{self.name}: a {name_of_type(self.refusal.value)} that could not be copied"]


def is_consumed(value: Any) -> bool:
    """Whether to read it is to use it up."""
    return is_a(value, (*LAZY, _FILE)) or in_mro(type(value), "__next__")[1] is not None


def _list_parts(value: Any) -> list[Any]:
    """What it holds by identity, how often its tensors were written to, and how far it was read. No code of its own
    runs."""
    found: list[Any] = []
    for node, parts in walk(value):
        if len(found) > _NODES:
            break
        found.append((id(node), [(_identify(part.key), id(part.value)) for part in parts], _progress_of(node)))
    return found


def _identify(key: Any) -> Any:
    return key if type(key) is str or type(key) is int else id(key)


def _progress_of(node: Any) -> Any:
    if is_tensor(node):
        with torch._C.DisableTorchFunctionSubclass():
            return None if read(node, "is_inference")() else read(node, "_version")
    if is_a(node, LAZY):
        frame = next(
            (getattr(node, name) for name in ("gi_frame", "cr_frame", "ag_frame") if hasattr(node, name)), None
        )
        return None if frame is None else (frame.f_lasti, [(name, id(held)) for name, held in frame.f_locals.items()])
    if type(node) in _FILES:
        return _position_of(node)
    if is_consumed(node) and module_name(type(node)) in ("builtins", "itertools"):
        return operator.length_hint(node, -1)
    return None


def _position_of(file: Any) -> int | None:
    try:
        return int(file.tell())
    except (OSError, ValueError):  # a pipe, a closed file, or one that is iterated over
        return None
