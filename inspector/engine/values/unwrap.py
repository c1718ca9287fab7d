"""Where the numbers of a tensor really are, for tensors that are more, or less, than numbers in memory.

A subclass around other tensors, a shard of a distributed one, one that lives inside `vmap` or `grad`: each leads to a
plain tensor that holds its numbers. A meta, fake, lazy or freed one leads nowhere, and says why. Nothing here runs a
subclass's own `__torch_function__`, `__torch_dispatch__` or properties.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from ...text import encodable
from ..source.running import Types, in_mro, module_name, variables

PLAIN = Types(Tensor, nn.Parameter)
"""The classes whose operations are torch's own."""

_LEVELS = 8  # of wrappers around wrappers
_INNER = 4  # tensors named of what a wrapper holds
_functorch: Any = torch._C._functorch

Inside = Callable[[Any], "tuple[Tensor | None, str]"]


def numbers_of(tensor: Tensor) -> tuple[Tensor | None, str]:
    """The plain tensor with the numbers of `tensor` and what those are of, in words ("" for the values themselves);
    None and the reason where there are no numbers.

    To be called inside `outside_transforms`.
    """
    of = ""
    for _ in range(_LEVELS):
        why = no_numbers(tensor)
        if why:
            return None, why
        if type(tensor) in PLAIN and not is_wrapped(tensor):
            return (_zeros(tensor) if tensor._is_zerotensor() else tensor), of
        inner, words = _inside(tensor)
        if inner is None:
            return None, words
        if inner is tensor:
            return tensor, of
        tensor, of = inner, of or words
    return None, f"no values: wrapped more than {_LEVELS} times"


@contextlib.contextmanager
def outside_transforms() -> Iterator[None]:
    """Out of any `vmap` or `grad` around the caller, in which the simplest operation gives another wrapped tensor."""
    if _functorch.peek_interpreter_stack() is None:
        yield
        return
    from torch._functorch.pyfunctorch import temporarily_clear_interpreter_stack

    with temporarily_clear_interpreter_stack():
        yield


@contextlib.contextmanager
def outside_modes() -> Iterator[None]:
    """Out of what sees every operation of this thread: it counts them, or writes them into a graph (`make_fx`)."""
    with torch._C._DisableTorchDispatch():
        yield


def modes_act() -> bool:
    """Whether a mode of this thread may make another thing of an operation; one that says `only_watches` does not."""
    if not torch._C._len_torch_dispatch_stack():
        return False
    return not all(getattr(mode, "only_watches", False) for mode in _get_current_dispatch_mode_stack())


def is_lazy(tensor: Tensor) -> bool:
    """Whether it has no shape yet. Torch's own asks the tensor what class it is."""
    return issubclass(type(tensor), _Uninitialized)


def read(tensor: Tensor, name: str) -> Any:
    """An attribute or method that tensors have, as torch means it: a subclass of somebody else's is not asked."""
    if type(tensor) in PLAIN:
        return getattr(tensor, name)
    owner, found = in_mro(type(tensor), name)
    if module_name(owner).partition(".")[0] != "torch":
        found = _TENSORS[name]
    return found.__get__(tensor)


_TENSORS = vars(torch._C.TensorBase)
_Uninitialized: Any = vars(nn.parameter)["UninitializedTensorMixin"]


def as_plain(tensor: Tensor) -> Tensor:
    """The same elements in a tensor of torch's own class; one that has operations of its own as it is."""
    if type(tensor) in PLAIN or _dispatches(type(tensor)):
        return tensor
    with torch._C.DisableTorchFunctionSubclass():
        return Tensor.detach(tensor)


def has_floats(tensor: Tensor) -> bool:
    """Whether its numbers are real or complex ones."""
    with torch._C.DisableTorchFunctionSubclass():
        dtype = read(tensor, "dtype")
    return bool(dtype.is_floating_point or dtype.is_complex)


def no_numbers(tensor: Tensor) -> str:
    """Why there is nothing to read, "" where there is."""
    if is_lazy(tensor):
        return "no values yet: lazy"
    if issubclass(type(tensor), torch._subclasses.FakeTensor):
        return "no values: a fake tensor"
    if read(tensor, "is_meta"):
        return "no values: the tensor is on the meta device"
    if is_freed(tensor):
        return "no values: its memory was freed"
    return ""


def count_memory(tensor: Tensor) -> int:
    """The bytes of its storage; -1 where it has none of its own that can be asked."""
    tensor = as_plain(tensor)
    if type(tensor) not in PLAIN or tensor.layout is not torch.strided:
        return -1
    if tensor.is_nested or not torch._C._has_storage(tensor) or tensor._is_zerotensor():
        return -1
    return tensor.untyped_storage().nbytes()


def is_freed(tensor: Tensor) -> bool:
    """Whether the storage does not reach as far as the elements do (sharded training frees whole parameters so), or is
    nowhere (of a damaged TorchScript archive): reading one would end the process."""
    tensor = as_plain(tensor)
    there = count_memory(tensor)
    if there < 0:
        return False
    if tensor.is_quantized:  # some keep two elements in a byte
        return there == 0 and tensor.numel() > 0
    return bool(there < _reach(tensor) * tensor.element_size()) or _is_nowhere(tensor)


def _is_nowhere(tensor: Tensor) -> bool:
    """On the host alone: elsewhere an address may be anything."""
    on_host = tensor.device.type == "cpu" and not torch._is_functional_tensor(tensor)
    return on_host and tensor.numel() > 0 and tensor.data_ptr() == 0


def _reach(tensor: Tensor) -> int:
    """Elements from the start of the storage to behind the last one that belongs to the tensor."""
    if tensor.is_contiguous():
        return int(tensor.storage_offset() + tensor.numel()) if tensor.numel() else 0
    if 0 in tensor.shape:
        return 0
    steps = zip(tensor.shape, tensor.stride(), strict=True)
    return int(tensor.storage_offset() + 1 + sum((size - 1) * step for size, step in steps))


def _inside(tensor: Tensor) -> tuple[Tensor | None, str]:
    """What `tensor` is around, and what that is of; `tensor` itself where it holds its numbers."""
    if is_wrapped(tensor):
        return _untransform(tensor)
    for name, (module, inside) in _KNOWN.items():
        known = getattr(sys.modules.get(module), name, None)
        if isinstance(known, type) and issubclass(type(tensor), known):
            return inside(tensor)
    if not _dispatches(type(tensor)):
        return as_plain(tensor), ""
    held = {name: value for name, value in variables(tensor).items() if issubclass(type(value), Tensor)}
    return _unwrap(tensor, held) if held else _without_dispatch(tensor)


def is_wrapped(tensor: Tensor) -> bool:
    """By one of torch's own transforms, which keep the class as it is."""
    return bool(_functorch.is_functorch_wrapped_tensor(tensor)) or torch._is_functional_tensor(tensor)


def _zeros(tensor: Tensor) -> Tensor:
    """For a tensor that is known to be zero and has no memory (forward-mode gradients make such)."""
    return torch.zeros((), dtype=tensor.dtype, device=tensor.device).expand(tensor.shape)


def _untransform(tensor: Tensor) -> tuple[Tensor | None, str]:
    if _functorch.is_batchedtensor(tensor):
        inner: Tensor = _functorch.get_unwrapped(tensor)
        return inner, "values in the whole batch of vmap"
    if _functorch.is_gradtrackingtensor(tensor):
        return _functorch.get_unwrapped(tensor), ""
    return None, "no values: writes to it are still pending (functionalized)"


def _unwrap(tensor: Tensor, held: dict[str, Tensor]) -> tuple[Tensor | None, str]:
    """The only tensor inside that looks like the one outside; where there is none, what is there instead."""
    alike = [(name, value) for name, value in held.items() if _is_like(value, tensor)]
    if len(alike) == 1 and read(alike[0][1], "dtype") == read(tensor, "dtype"):
        return alike[0][1], f"values in its {encodable(alike[0][0], 40)!r}"
    parts = [f"{encodable(name, 40)} {_looks(value)}" for name, value in list(held.items())[:_INNER]]
    return None, f"no values of its own: made of {', '.join(parts)}"


def _is_like(inner: Tensor, outer: Tensor) -> bool:
    return bool(read(inner, "shape") == read(outer, "shape")) and not read(inner, "is_meta")


def _looks(tensor: Tensor) -> str:
    sizes = "×".join(str(size) if type(size) is int else "?" for size in read(tensor, "shape"))
    return f"{str(read(tensor, 'dtype')).removeprefix('torch.')} {sizes or 'scalar'}"


def _without_dispatch(tensor: Tensor) -> tuple[Tensor | None, str]:
    """A subclass that keeps its elements itself and only wants to hear of operations."""
    with torch._C._DisableTorchDispatch():
        try:
            tensor.untyped_storage().data_ptr()
        except RuntimeError:  # the only way to ask
            return None, "no values: they are not kept in memory"
        return tensor.detach(), ""


def _dispatches(cls: type) -> bool:
    """Whether operations on this subclass run Python code of its own."""
    dispatch = in_mro(cls, "__torch_dispatch__")[1]
    return getattr(dispatch, "__func__", dispatch) is not torch._C._disabled_torch_dispatch_impl


def _shard(tensor: Any) -> tuple[Tensor | None, str]:
    return object.__getattribute__(tensor, "_local_tensor"), "values in the shard that is here"


def _unmask(tensor: Any) -> tuple[Tensor | None, str]:
    return tensor._masked_data[tensor._masked_mask], "unmasked values"


def _pending(tensor: Any) -> tuple[Tensor | None, str]:
    if variables(tensor).get("completed"):
        return variables(tensor).get("elem"), ""
    return None, "no values yet: still on its way between processes"


def _stored(tensor: Any) -> tuple[Tensor | None, str]:
    """Where nobody dispatches, as outside of modes, the simplest question to the tensor itself ends the process."""
    return object.__getattribute__(tensor, "_values"), "stored values"


def _functional(tensor: Any) -> tuple[Tensor | None, str]:
    return None, "no values: writes to it are still pending (functionalized)"


_KNOWN: dict[str, tuple[str, Inside]] = {
    "DTensor": ("torch.distributed.tensor", _shard),
    "AsyncCollectiveTensor": ("torch.distributed._functional_collectives", _pending),
    "MaskedTensor": ("torch.masked", _unmask),
    "NestedTensor": ("torch.nested._internal.nested_tensor", _stored),
    "FunctionalTensor": ("torch._subclasses.functional_tensor", _functional),
}
"""Class -> the torch module that has it once somebody imported it, and how its inside is read."""


def is_sharded(tensor: Tensor) -> bool:
    """Whether only a part of its elements is in this process."""
    known = getattr(sys.modules.get("torch.distributed.tensor"), "DTensor", None)
    return isinstance(known, type) and issubclass(type(tensor), known)
