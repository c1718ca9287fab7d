"""Why a pass failed: what the module where it failed takes, what it was given, and what may be done.

Everything is read from what was recorded and from the frames of the error; nothing of the model is run.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterator, Sequence
from types import FrameType, TracebackType
from typing import Any

import torch
from msgspec.structs import replace
from torch import nn

from ...files import keep_from_reading
from ...postmortem.frames import is_library
from ...raised import message_of, traceback_of
from ...records import Problem, TensorValue, Value
from ...text import encodable
from ...value_text import abbreviate, brief_text, shape_text
from ..modules.tree import ModuleTree
from ..recording.call import Call
from ..source import location
from ..source.signatures import signature_of
from ..usercode.packages import how_to_install
from .layer_inputs import describe_input, describe_own
from .out_of_memory import is_out_of_memory, list_holders
from .problem import problem_of

_NAMES = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_SHOWN = 6
_ARGUMENTS = re.compile(r"(missing \d+ required|unexpected keyword|positional arguments? but|multiple values for)")
_DEVICES = re.compile(r"same device|expected device|device type|on device|Cannot copy out of meta|meta tensor", re.I)
_DTYPES = re.compile(r"dtype|scalar type|same type|Input type|not implemented for", re.I)
_SHAPES = re.compile(
    r"shape|size|dimension|channels|broadcast|multipl|elements|input\[|1D|2D|3D|4D|batch|last dim|range|index", re.I
)


def diagnose(error: BaseException, failed: Call | None, tree: ModuleTree, held: Sequence[tuple[str, int]]) -> Problem:
    """Args:
    error: What ended the pass.
    failed: The innermost call it came out of; None where nothing was observed, and the frames tell the module.
    tree: The model.
    held: What of ours and of the model's is in memory, in bytes.
    """
    index = failed.index if failed is not None else _find_module(error, tree)
    problem = problem_of(error, tree.paths[index] if index is not None else None)
    module = tree.nodes[index].module if index is not None else None
    why, hint = _explain(error, failed, module, tree, held)
    place = location(module) if module is not None and not problem.where else None
    where = encodable(f"{place[0]}:{place[1]} defines it", 400) if place is not None else problem.where
    return replace(problem, why=encodable(why, 1_500), where=where, hint=encodable(hint, 500) if hint else problem.hint)


def _find_module(error: BaseException, tree: ModuleTree) -> int | None:
    """The row of the innermost module whose method was running."""
    found, traceback = None, traceback_of(error)
    while traceback is not None:
        module = traceback.tb_frame.f_locals.get("self")
        found = tree.index_of_object.get(id(module), found) if isinstance(module, nn.Module) else found
        traceback = traceback.tb_next
    return found


def is_about_input(error: BaseException) -> bool:
    """Another input may cure it."""
    if not isinstance(error, (RuntimeError, ValueError, IndexError, TypeError, AssertionError)):
        return False
    text = message_of(error)
    return not is_out_of_memory(error) and bool(_SHAPES.search(text) or _DTYPES.search(text) or _ARGUMENTS.search(text))


def _explain(
    error: BaseException,
    failed: Call | None,
    module: nn.Module | None,
    tree: ModuleTree,
    held: Sequence[tuple[str, int]],
) -> tuple[str, str]:
    """Why, and what to try; "" where nothing is known."""
    if is_out_of_memory(error):
        return list_holders(error, held), "a smaller input with -i, or -d meta for the shapes without the memory"
    if isinstance(error, ModuleNotFoundError):
        return "", how_to_install(error)
    message = message_of(error)
    if isinstance(error, TypeError) and _ARGUMENTS.search(message) and failed is not None and module is not None:
        return _compare_signature(failed, module, tree), ""
    places = _devices(tree) if _DEVICES.search(message) else {}
    if len(places) > 1:
        listed = ", ".join(f"{name} on {place}" for place, name in places.items())
        why = f"{_compare_input(failed, module, tree, error)}\nthe model is on several devices: {listed}"
        return (
            why.strip(),
            "-d meta runs it for its shapes" if "meta" in places else "-d cpu puts all of it on one device",
        )
    if is_about_input(error):
        return _compare_input(failed, module, tree, error), ""
    return "", ""


def _compare_input(failed: Call | None, module: nn.Module | None, tree: ModuleTree, error: BaseException) -> str:
    """What the module takes and what it got; of one that is not known, the tensors that the failing line names."""
    parts = []
    taken = describe_input(module) if module is not None else ""
    if failed is not None and module is not None:
        name = _describe(failed.index, module, tree)
        got = ", ".join(_arguments(failed)) or "nothing"
        parts.append(f"{name} takes {taken}, and got {got}" if taken else f"{name} got {got}")
        own = describe_own(module)
        if not taken and own:
            parts[-1] += f"; its own tensors are {own}"
    elif module is not None and taken:
        parts.append(f"{_describe(tree.index_of_object[id(module)], module, tree)} takes {taken}")
    found = [] if taken and failed is not None else list(_tensors_of_line(error))
    if found:
        parts.append(f"in that line: {', '.join(found[:_SHOWN])}")
    return "\n".join(parts)


def _compare_signature(failed: Call, module: nn.Module, tree: ModuleTree) -> str:
    """The signature of the module whose forward was called wrongly."""
    name = _describe(failed.index, module, tree)
    signature = signature_of(module)
    got = ", ".join(_arguments(failed)) or "nothing"
    return f"{name} takes {signature}, and got {got}" if signature else f"{name} got {got}"


def _describe(index: int, module: nn.Module, tree: ModuleTree) -> str:
    return f"{'.'.join(tree.paths[index]) or '(root)'} ({type(module).__name__})"


def _arguments(call: Call) -> Iterator[str]:
    yield from map(words, call.inputs)
    for key, value in zip(call.kwargs.keys, call.kwargs.items, strict=False):
        yield f"{key}={words(value)}"


def words(value: Value) -> str:
    """A value in a few words: `2×4 float32`, `1×16 int64 0..120`, `tuple 2`."""
    if not isinstance(value, TensorValue):
        return brief_text(abbreviate(value)) or type(value).__name__
    found = value.statistics
    counted = found is not None and "int" in value.dtype and found.min is not None and found.max is not None
    range_ = f" {found.min:.0f}..{found.max:.0f}" if counted and found is not None else ""
    return f"{shape_text(value.shape)} {value.dtype}{range_}" + (f" on {value.device}" if value.device != "cpu" else "")


def _devices(tree: ModuleTree) -> dict[str, str]:
    """The devices that the model's own tensors are on, and the name of one tensor on each."""
    places: dict[str, str] = {}
    for node in tree.objects():
        for name, tensor in (*node.module._parameters.items(), *node.module._buffers.items()):
            if isinstance(tensor, torch.Tensor):
                places.setdefault(str(tensor.device), ".".join((*tree.paths[node.index], name)))
    return places


def _tensors_of_line(error: BaseException) -> Iterator[str]:
    """The tensors that the person's own line names, as far as they can be found without running anything."""
    frame, line = _users_frame(traceback_of(error))
    if frame is None:
        return
    keep_from_reading([frame.f_code.co_filename])
    seen: set[str] = set()
    for name in _NAMES.findall(linecache.getline(frame.f_code.co_filename, line)):
        value = _look_up(frame, name)
        if isinstance(value, torch.Tensor) and name not in seen:
            seen.add(name)
            yield f"{name} {_tensor(value)}"


def _tensor(tensor: torch.Tensor) -> str:
    with torch._C.DisableTorchFunctionSubclass():
        shape = "×".join(str(size) for size in tensor.shape) if not tensor.is_nested else "nested"
        device = "" if tensor.device.type == "cpu" else f" on {tensor.device}"
        return f"{shape or 'scalar'} {str(tensor.dtype).removeprefix('torch.')}{device}"


def _users_frame(traceback: TracebackType | None) -> tuple[FrameType | None, int]:
    found: tuple[FrameType | None, int] = None, 0
    while traceback is not None:
        if not is_library(traceback.tb_frame.f_code.co_filename):
            found = traceback.tb_frame, traceback.tb_lineno
        traceback = traceback.tb_next
    return found


def _look_up(frame: FrameType, name: str) -> Any:
    """The value of a dotted name, read from dicts alone: a property may do anything."""
    first, *rest = name.split(".")
    value: Any = frame.f_locals.get(first)
    for part in rest:
        held = getattr(value, "__dict__", None) if isinstance(value, nn.Module) else None
        if not isinstance(held, dict):
            return None
        tables = (held.get("_parameters"), held.get("_buffers"), held.get("_modules"), held)
        value = next((table[part] for table in tables if isinstance(table, dict) and part in table), None)
    return value
