"""The dicts that torch keeps hooks in: which there are, on a module, on a tensor and for the whole process.

torch has no public way to list, disable or re-enable a hook (pytorch issues 2847 and 70455), so the engine reads and
edits these dicts. Everything that depends on their names is here.
"""

from __future__ import annotations

import importlib
from collections.abc import MutableMapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Union

import torch
from torch import Tensor, nn

from ..values.unwrap import read

Owner = Union[nn.Module, Tensor, ModuleType]  # noqa: UP007 (evaluated, and Tensor has a metaclass)
"""What has hook dicts. Those of the process are variables of the torch modules that define them."""


@dataclass(frozen=True)
class HookKind:
    """One dict of hooks and the flag dicts that go with it, ids as keys in all of them."""

    name: str
    attribute: str
    flags: tuple[tuple[str, str], ...] = ()  # (flag, attribute of the dict that holds the ids that have it)
    legacy: str = ""  # the kind torch keeps in the same dict; which of the two it holds, `full` says
    full: str = ""  # attribute: None before the first hook, True for full backward hooks, False for legacy ones


LEGACY = "backward (legacy)"
"""The kind torch keeps in the dict of the full backward hooks."""

BACKWARD_FLAG = "_is_full_backward_hook"
"""Turned from None to True by the first full backward hook and never back; it then refuses the legacy kind."""

GLOBAL_BACKWARD_FLAG = "_global_is_full_backward_hook"
"""The same for the backward hooks of all modules."""

MODULE_KINDS: tuple[HookKind, ...] = (
    HookKind("forward_pre", "_forward_pre_hooks", (("with_kwargs", "_forward_pre_hooks_with_kwargs"),)),
    HookKind(
        "forward",
        "_forward_hooks",
        (("with_kwargs", "_forward_hooks_with_kwargs"), ("always_call", "_forward_hooks_always_called")),
    ),
    HookKind("full_backward_pre", "_backward_pre_hooks"),
    HookKind("full_backward", "_backward_hooks", (), LEGACY, BACKWARD_FLAG),
    HookKind("state_dict_pre", "_state_dict_pre_hooks"),
    HookKind("state_dict", "_state_dict_hooks"),
    HookKind("load_state_dict_pre", "_load_state_dict_pre_hooks"),
    HookKind("load_state_dict_post", "_load_state_dict_post_hooks"),
)
"""Of a module, in the order in which they fire."""

FIRED_IN_A_PASS: tuple[HookKind, ...] = MODULE_KINDS[:4]

TENSOR_KINDS: tuple[HookKind, ...] = (
    HookKind("parameter", "_backward_hooks"),
    HookKind("post_accumulate_grad", "_post_accumulate_grad_hooks"),
)
"""Of a parameter, a buffer or another tensor that a module holds."""

GLOBAL_KINDS: tuple[HookKind, ...] = (
    HookKind("global forward_pre", "_global_forward_pre_hooks"),
    HookKind(
        "global forward",
        "_global_forward_hooks",
        (("with_kwargs", "_global_forward_hooks_with_kwargs"), ("always_call", "_global_forward_hooks_always_called")),
    ),
    HookKind("global full_backward_pre", "_global_backward_pre_hooks"),
    HookKind("global full_backward", "_global_backward_hooks", (), f"global {LEGACY}", GLOBAL_BACKWARD_FLAG),
)
"""Of all modules, kept in `torch.nn.modules.module`."""

OPTIMIZER_KINDS: tuple[HookKind, ...] = (
    HookKind("optimizer step_pre", "_global_optimizer_pre_hooks"),
    HookKind("optimizer step_post", "_global_optimizer_post_hooks"),
)
"""Of all optimizers, kept in `torch.optim.optimizer`."""

PROCESS: tuple[tuple[ModuleType, tuple[HookKind, ...]], ...] = (
    (importlib.import_module("torch.nn.modules.module"), GLOBAL_KINDS),
    (importlib.import_module("torch.optim.optimizer"), OPTIMIZER_KINDS),  # torch.optim deletes its name
)
"""Where the hooks of the whole process are."""


def dicts_of(kinds: tuple[HookKind, ...]) -> tuple[str, ...]:
    """Every dict that registering or removing a hook of these kinds changes."""
    return tuple(name for kind in kinds for name in (kind.attribute, *(attribute for _, attribute in kind.flags)))


DICTS = dicts_of(MODULE_KINDS)
"""Every dict of a module that registering or removing a hook changes."""


def held_dict(owner: Owner, attribute: str) -> MutableMapping[int, Any] | None:
    """The dict itself, not a copy; None where there is none: an unhooked tensor has no dict yet, and not every torch
    version has every kind."""
    held: MutableMapping[int, Any] | None
    kind = type(owner)
    if kind is nn.Parameter or kind is Tensor:  # the most, and quicker to read
        held = getattr(owner, attribute)
    elif isinstance(owner, Tensor):
        with torch._C.DisableTorchFunctionSubclass():  # a subclass is told of every attribute that is read
            held = read(owner, attribute) if hasattr(Tensor, attribute) else None
    else:
        held = vars(owner).get(attribute)
    return held


def hook_dict(owner: Owner, attribute: str) -> MutableMapping[int, Any]:
    """As `held_dict`, with an empty one for none."""
    held = held_dict(owner, attribute)
    return held if held is not None else {}


def kind_name(owner: Owner, kind: HookKind) -> str:
    """The kind's name for this owner: torch keeps legacy backward hooks in the dict of the full ones."""
    legacy = bool(kind.full) and vars(owner).get(kind.full) is False
    return kind.legacy if legacy else kind.name
