"""What is unusual about a module, as `records.badges` has it. Nothing is asked of the module but its dicts."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ...records.badges import Badge, BadgeName
from ..source.running import in_mro, module_name, mro, type_name, variables
from ..values.unwrap import is_sharded

_UNIMPLEMENTED = nn.Module.__dict__["forward"]
_QUANTIZED = ("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quant", "torch.nn.quantized")
_SHARDING = (
    ("torch.distributed.fsdp", "FSDPModule"),
    ("torch.distributed.fsdp", "FullyShardedDataParallel"),
)
_HOOK_PARAMETRIZATIONS = ("torch.nn.utils.weight_norm", "torch.nn.utils.spectral_norm", "torch.nn.utils.prune")


def badges(module: nn.Module, own: list[Tensor], tied: bool = False, several: bool = False) -> Iterator[Badge]:
    """Args:
    module: Which one.
    own: Its direct parameters and buffers.
    tied: It shares a parameter with another module.
    several: The model is on several devices, so that each module says on which.
    """
    if tied:
        yield Badge("tied")
    if any(map(is_lazy, own)):
        yield Badge("lazy")
    if any(tensor.is_meta for tensor in own):
        yield Badge("meta")
    if is_split(module) or any(map(is_sharded, own)):
        yield Badge("sharded")
    if several and (places := devices_of(own)):
        yield Badge("device", ", ".join(sorted(places)))
    if is_quantized(module, own):
        yield Badge("quantized")
    if is_parametrized(module):
        yield Badge("parametrized")
    yield from map(Badge, _how_it_runs(module))


class PlainClasses:
    """Which modules have no badge is told by their classes, where these are a few and the modules very many."""

    def __init__(self) -> None:
        self._plain: dict[int, bool] = {}  # by the id of the class

    def clear(self, module: nn.Module) -> bool:
        """Whether this one has no badge, as far as is known at a glance; a tie is not looked for."""
        cls, held = type(module), variables(module)
        plain = self._plain.get(id(cls))
        if plain is None:
            plain = self._plain[id(cls)] = _is_plain(cls)
        return plain and not any(map(held.get, _ODD)) and "parametrizations" not in (held.get("_modules") or ())


_ODD = ("_parameters", "_buffers", "_forward_pre_hooks", "_compiled_call_impl")
"""A module without any of these, and of a plain class, may be parametrized, and that is all."""


def _is_plain(cls: type) -> bool:
    stock = (nn.TransformerEncoder, nn.TransformerEncoderLayer, torch.jit.ScriptModule)
    return (
        not issubclass(cls, stock)
        and in_mro(cls, "forward")[1] not in (None, _UNIMPLEMENTED)
        and not _is_split(cls)
        and not module_name(cls).startswith(_QUANTIZED)
        and type_name(cls) != "OptimizedModule"
        and not _overrides_call(cls)
    )


def _how_it_runs(module: nn.Module) -> Iterator[BadgeName]:
    if is_compiled(module):
        yield "compiled"
    if issubclass(type(module), torch.jit.ScriptModule):
        yield "traced" if type_name(type(module)).endswith("TracedModule") else "scripted"
    elif not has_forward(module):
        yield "no forward"
    if may_fuse(module):
        yield "fused path"
    if overrides_call(module):
        yield "own __call__"


def devices_of(tensors: list[Tensor]) -> set[str]:
    """Where their values are; the meta device has none."""
    return {str(tensor.device) for tensor in tensors if tensor.device.type != "meta"}


def has_forward(module: nn.Module) -> bool:
    """Whether it can be called at all. Containers cannot, and neither can what is used through other methods."""
    if issubclass(type(module), torch.jit.ScriptModule):
        return True
    return "forward" in variables(module) or in_mro(type(module), "forward")[1] is not _UNIMPLEMENTED


def is_compiled(module: nn.Module) -> bool:
    return type_name(type(module)) == "OptimizedModule" or variables(module).get("_compiled_call_impl") is not None


def is_quantized(module: nn.Module, own: list[Tensor]) -> bool:
    """By its class, by its tensors, or by packed parameters that are no tensors at all."""
    if module_name(type(module)).startswith(_QUANTIZED):
        return True
    return any(_is_quantized(tensor) for tensor in own)


def _is_quantized(tensor: Tensor) -> bool:
    if is_lazy(tensor):
        return False
    if tensor.is_quantized:
        return True
    root = module_name(type(tensor)).partition(".")[0]
    return root in ("torchao", "bitsandbytes") or (root == "optimum" and "quant" in module_name(type(tensor)))


def is_parametrized(module: nn.Module) -> bool:
    if "parametrizations" in (variables(module).get("_modules") or ()):
        return True
    hooks = variables(module).get("_forward_pre_hooks") or {}
    return any(module_name(type(hook)) in _HOOK_PARAMETRIZATIONS for hook in hooks.values())


def is_split(module: nn.Module) -> bool:
    """Wrapped by FSDP, of either kind."""
    return _is_split(type(module))


def _is_split(cls: type) -> bool:
    known = (getattr(sys.modules.get(where), name, None) for where, name in _SHARDING)
    return any(isinstance(wrapper, type) and wrapper in mro(cls) for wrapper in known)


def overrides_call(module: nn.Module) -> bool:
    """Whether calling this module goes past `nn.Module.__call__`, and so past every hook."""
    return _overrides_call(type(module))


def _overrides_call(cls: type) -> bool:
    own = in_mro(cls, "__call__")[1]
    return own is not nn.Module.__dict__["__call__"] and getattr(own, "__module__", "").split(".")[0] != "torch"


def may_fuse(module: nn.Module) -> bool:
    """Whether torch would run this module as one kernel as long as no module below it has hooks."""
    if module.__dict__.get("training", True) or not torch.backends.mha.get_fastpath_enabled():
        return False
    if _is_stock(module, nn.TransformerEncoder):
        layers = list(module._modules["layers"]._modules.values())  # type: ignore[union-attr]  # its constructor's
        return any(layer is not None and may_fuse(layer) for layer in layers)
    return _is_stock(module, nn.TransformerEncoderLayer) and _fits(module)


def _is_stock(module: nn.Module, cls: type[nn.Module]) -> bool:
    return issubclass(type(module), cls) and in_mro(type(module), "forward")[1] is cls.__dict__["forward"]


def _fits(layer: nn.Module) -> bool:
    """The conditions of `TransformerEncoderLayer.forward` that do not depend on the input. Its modules may have been
    replaced by others."""
    held = variables(layer)
    attention, norms = layer._modules.get("self_attn"), [layer._modules.get(name) for name in ("norm1", "norm2")]
    if not isinstance(attention, nn.MultiheadAttention) or not all(isinstance(n, nn.LayerNorm) for n in norms):
        return False
    plain = attention.batch_first and attention.in_proj_bias is not None and attention._qkv_same_embed_dim
    first, second = (getattr(norm, "eps", None) for norm in norms)
    return bool(plain and held.get("activation_relu_or_gelu") and first == second and attention.num_heads % 2 == 0)
