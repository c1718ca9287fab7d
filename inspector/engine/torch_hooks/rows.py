"""One hook as a row: what it is called, where it is written, and why it cannot be switched where it cannot."""

from __future__ import annotations

import functools
import types
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn.modules.module import _WrappedHook

from ...records import HookRow
from ...text import encodable
from ..source.running import type_name
from .dicts import FIRED_IN_A_PASS, HookKind, Owner
from .timed import unwrap_timed

T = TypeVar("T")

NAME_LIMIT = 120
_LAYERS = 8
"""Wrappers to look behind; a wrapper can wrap itself."""

_GRAPH_FILE = torch.autograd.graph.register_multi_grad_hook.__code__.co_filename

COMPILED = "compiled into the module's TorchScript, which does not ask the dict of its hooks"
COMPUTED = "lives on a computed tensor, whose graph has the hook already; it goes with it"


def row_of(hook: Any, hook_id: int, kind: str, **known: Any) -> HookRow:
    """What can be told of a hook by looking at it. `known` are other fields of the row."""
    function = unwrap(hook)
    code = read_attribute(function, "__code__", types.CodeType)
    row: dict[str, Any] = {
        "ours": False,
        "name": name_of(function),
        "owner": encodable(read_attribute(function, "__module__", str) or "", NAME_LIMIT),
        "file": encodable(code.co_filename, 400) if code else "",
        "line": code.co_firstlineno if code else 0,
    }
    return HookRow(hook_id, kind, **{**row, **known})


def name_of(function: Any) -> str:
    """The qualified name, or the type of what has none."""
    return encodable(read_attribute(function, "__qualname__", str) or type_name(type(function)), NAME_LIMIT)


def why_locked(owner: Owner, kind: HookKind) -> str:
    """Why hooks of this kind cannot be switched off and on there; empty where they can."""
    if isinstance(owner, torch.jit.ScriptModule) and kind in FIRED_IN_A_PASS:
        return COMPILED
    return COMPUTED if isinstance(owner, Tensor) and not owner.is_leaf else ""


def unwrap(hook: Any) -> Any:
    """The function a person wrote: behind our and torch's own wrappers, partials and bound methods."""
    for _ in range(_LAYERS):
        hook = unwrap_torch(hook)
        if not issubclass(type(hook), functools.partial):  # a hook may lie about its class, or refuse to tell it
            break
        hook = hook.func
    return read_attribute(hook, "__func__", types.FunctionType) or hook


def unwrap_torch(hook: Any) -> Any:
    """What somebody handed to torch to be a hook: behind what torch, or we, put around it."""
    for _ in range(_LAYERS):
        hook = unwrap_timed(hook)
        inner = vars(hook).get("hook") if issubclass(type(hook), _WrappedHook) else _multi_grad_hook(hook)
        if inner is None:
            break
        hook = inner
    return hook


def _multi_grad_hook(hook: Any) -> Any:
    """The one hook that `register_multi_grad_hook` calls from a function of its own on each of several tensors."""
    if type(hook) is not types.FunctionType or hook.__code__.co_filename != _GRAPH_FILE:
        return None
    names = hook.__code__.co_freevars
    return (hook.__closure__ or ())[names.index("fn")].cell_contents if "fn" in names else None


def read_attribute(hook: Any, name: str, kind: type[T]) -> T | None:
    """An attribute of a hook, where it has one of this type."""
    try:
        found = getattr(hook, name, None)
    except Exception:  # a hook is any callable, and may refuse to be asked
        return None
    return found if isinstance(found, kind) else None
