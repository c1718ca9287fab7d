"""What torch keeps on stacks, and behind guards that end with a `with` block: a pass may leave one open.

A guard that a pass entered and kept cannot be ended from outside; another one that says the opposite is entered, and
kept for good.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import overrides
from torch.autograd import forward_ad
from torch.utils import _python_dispatch as dispatch

from .setting import CannotWrite, Reading, Setting

_C: Any = torch._C
_hooks: Any = torch._C._autograd
_forward_ad: Any = forward_ad
_get_function_modes: Any = overrides._get_current_function_mode_stack
_functorch: Any = torch._C._functorch
_read_transforms = _functorch.get_dynamic_layer_stack_depth

_LEAVE: dict[Any, Callable[[], Any]] = {
    _functorch.TransformType.Grad: _functorch._grad_decrement_nesting,
    _functorch.TransformType.Vmap: _functorch._vmap_decrement_nesting,
    _functorch.TransformType.Jvp: _functorch._jvp_decrement_nesting,
    _functorch.TransformType.Functionalize: _functorch._func_decrement_nesting,
}

_MOST = 1_000
"""Entries that are taken off a stack at most."""

_entered: list[Any] = []
"""Guards of ours that are never left: to free one would end it."""


def _enter(guard: Any) -> None:
    guard.__enter__()
    _entered.append(guard)


def _default_context() -> Any:
    return getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)


def _read_device() -> torch.device | None:
    context = _default_context()
    return None if context is None else context.device


def _write_device(device: torch.device | None) -> None:
    torch.set_default_device(device)
    if device is None:  # torch 2.6 leaves a None here that its own `get_default_device` fails on
        torch._GLOBAL_DEVICE_CONTEXT.__dict__.pop("device_context", None)


def _read_function_modes() -> tuple[Any, ...]:
    default = _default_context()
    return tuple(mode for mode in _get_function_modes() if mode is not default)


def _write_function_modes(modes: tuple[Any, ...]) -> None:
    now = _get_function_modes()
    for _ in now:
        _C._pop_torch_function_stack()
    for mode in [*(mode for mode in now if mode is _default_context()), *modes]:
        _C._push_on_torch_function_stack(mode)


def _read_dispatch_modes() -> tuple[Any, ...]:
    return tuple(dispatch._get_current_dispatch_mode_stack())


def _write_dispatch_modes(modes: tuple[Any, ...]) -> None:
    for mode in reversed(_read_dispatch_modes()):
        dispatch._pop_mode(getattr(mode, "_mode_key", None))
    for mode in modes:
        dispatch._push_mode(mode)


def _write_inference(on: bool) -> None:
    _enter(_C._InferenceMode(on))


def _read_function_state() -> bool:
    return bool(_C._is_torch_function_enabled())


def _write_function_state(on: bool) -> None:
    _enter(_C._EnableTorchFunction() if on else _C.DisableTorchFunctionSubclass())


class _DispatchKeys(Reading):
    """Which keys operations of this thread take besides those of their tensors, and which they pass by."""

    def __init__(self) -> None:
        self.sets = _C._dispatch_tls_local_include_set(), _C._dispatch_tls_local_exclude_set()
        self.bits = [each.raw_repr() for each in self.sets]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _DispatchKeys) and self.bits == other.bits

    __hash__ = object.__hash__


def _write_dispatch_keys(keys: _DispatchKeys) -> None:
    _enter(_C._ForceDispatchKeyGuard(*keys.sets))


def _read_nesting() -> int:
    _C.autocast_increment_nesting()
    return int(_C.autocast_decrement_nesting())


def _write_nesting(depth: int) -> None:
    for _ in range(_read_nesting() - depth):
        if _C.autocast_decrement_nesting() == 0:
            _C.clear_autocast_cache()
    for _ in range(depth - _read_nesting()):
        _C.autocast_increment_nesting()


def _can_autocast(device: str) -> bool:
    try:
        torch.is_autocast_enabled(device)
    except RuntimeError:  # no such device in this version of torch
        return False
    return True


_AUTOCAST = tuple(filter(_can_autocast, ("cpu", "cuda", "mps", "xpu", "hpu", "xla", "mtia", "privateuseone")))


def _read_autocast() -> dict[str, tuple[bool, torch.dtype]]:
    return {device: (torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)) for device in _AUTOCAST}


def _write_autocast(values: dict[str, tuple[bool, torch.dtype]]) -> None:
    for device, (on, dtype) in values.items():
        torch.set_autocast_enabled(device, on)
        torch.set_autocast_dtype(device, dtype)


def _read_forward_level() -> int:
    return int(_forward_ad._current_level)


def _write_forward_level(level: int) -> None:
    for _ in range(_read_forward_level() - level):
        _forward_ad.exit_dual_level()
    for _ in range(level - _read_forward_level()):
        _forward_ad.enter_dual_level()


def _read_saved_tensor_hooks() -> tuple[Any, ...] | None:
    """Those on top of the stack, which are all that can be read."""
    top: tuple[Any, ...] | None = _hooks._top_saved_tensors_default_hooks(True)
    return top


def _write_saved_tensor_hooks(top: tuple[Any, ...] | None) -> None:
    for _ in range(_MOST):
        now = _read_saved_tensor_hooks()
        if now is None or (top is not None and now[0] is top[0] and now[1] is top[1]):
            return
        _hooks._pop_saved_tensors_default_hooks()


def _write_hooks_refused(message: str | None) -> None:
    if message is None:
        _hooks._saved_tensors_hooks_enable()
    else:
        _hooks._saved_tensors_hooks_disable(message)


def _write_profiler(on: bool) -> None:
    if on:
        raise CannotWrite("what it had seen is gone")
    _hooks._disable_profiler()


def _write_transforms(depth: int) -> None:
    if _read_transforms() < depth:
        raise CannotWrite("one was ended that the pass had not begun")
    # One by one: `pop_dynamic_layer_stack_and_undo_to_depth` takes two at a time off in torch 2.6, and fails.
    while _read_transforms() > depth:
        _LEAVE[_functorch.peek_interpreter_stack().key()]()


MODES: tuple[Setting, ...] = (
    Setting("vmap, grad and their like", _read_transforms, _write_transforms),
    Setting("default device", _read_device, _write_device),
    Setting("torch function modes", _read_function_modes, _write_function_modes),
    Setting("torch dispatch modes", _read_dispatch_modes, _write_dispatch_modes),
    Setting("__torch_function__", _read_function_state, _write_function_state),
    Setting("autocast", _read_autocast, _write_autocast, plain=True),
    Setting("autocast cache", torch.is_autocast_cache_enabled, torch.set_autocast_cache_enabled),
    Setting("autocast nesting", _read_nesting, _write_nesting),
    Setting("inference mode", torch.is_inference_mode_enabled, _write_inference),
    Setting("grad mode", torch.is_grad_enabled, torch.set_grad_enabled),
    Setting("forward-mode grad", _C._is_fwd_grad_enabled, _C._set_fwd_grad_enabled),
    Setting("forward-mode level", _read_forward_level, _write_forward_level),
    *(
        [Setting("saved tensor hooks", _read_saved_tensor_hooks, _write_saved_tensor_hooks)]
        if hasattr(_hooks, "_top_saved_tensors_default_hooks")
        else []
    ),
    Setting("saved tensor hooks refused", _hooks._saved_tensors_hooks_get_disabled_error_message, _write_hooks_refused),
    Setting("profiler", _hooks._profiler_enabled, _write_profiler),
    *(
        [Setting("dispatch keys", _DispatchKeys, _write_dispatch_keys)]
        if hasattr(_C.DispatchKeySet, "raw_repr")
        else []
    ),
)
"""In the order in which they are written: a mode that is left on would see what follows."""
