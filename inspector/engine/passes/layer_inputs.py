"""What torch's own layers take, in words: `…×5 float32`, `whole numbers 0..99`. Of a layer that is not known, nothing.

Lengths that a layer leaves open are written as letters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

_AXES = {1: "L", 2: "H×W", 3: "D×H×W"}


def describe_input(module: nn.Module) -> str:
    """The shape that `module` takes, with the dtype and device of its own tensors; "" where it is not known."""
    for kinds, words in _WORDS:
        if isinstance(module, kinds):
            return words(module)
    return ""


def describe_own(module: nn.Module) -> str:
    """Dtype and device of the first floating tensor that `module` has of its own, "" without one."""
    for tensor in (*module._parameters.values(), *module._buffers.values()):
        if isinstance(tensor, torch.Tensor) and not is_lazy(tensor) and tensor.is_floating_point():
            return f"{str(tensor.dtype).removeprefix('torch.')} on {tensor.device}"
    return ""


def _with_dtype(module: nn.Module, shape: str) -> str:
    return f"{shape} {describe_own(module)}".rstrip()


def _linear(module: Any) -> str:
    return _with_dtype(module, f"…×{module.in_features}")


def _conv(module: Any) -> str:
    return _with_dtype(module, f"N×{module.in_channels}×{_AXES[len(module.kernel_size)]}")


def _batch_norm(axes: str) -> Callable[[Any], str]:
    return lambda module: _with_dtype(module, f"N×{module.num_features}{axes}")


def _layer_norm(module: Any) -> str:
    return _with_dtype(module, f"…×{'×'.join(str(size) for size in module.normalized_shape)}")


def _group_norm(module: Any) -> str:
    return _with_dtype(module, f"N×{module.num_channels}×… (a multiple of {module.num_groups} channels)")


def _embedding(module: Any) -> str:
    return f"whole numbers 0..{module.num_embeddings - 1} (int64 or int32)"


def _recurrent(module: Any) -> str:
    order = "batch×steps" if module.batch_first else "steps×batch"
    return _with_dtype(module, f"{order}×{module.input_size}")


def _cell(module: Any) -> str:
    return _with_dtype(module, f"batch×{module.input_size}")


def _attention(module: Any) -> str:
    order = "batch×steps" if module.batch_first else "steps×batch"
    alike = module.kdim == module.vdim == module.embed_dim
    others = "" if alike else f", keys …×{module.kdim}, values …×{module.vdim}"
    return _with_dtype(module, f"queries {order}×{module.embed_dim}{others}")


def _transformer_layer(module: Any) -> str:
    attention = module.self_attn
    order = "batch×steps" if attention.batch_first else "steps×batch"
    return f"{order}×{attention.embed_dim} {describe_own(attention)}".rstrip()


def _bilinear(module: Any) -> str:
    return _with_dtype(module, f"…×{module.in1_features} and …×{module.in2_features}")


_WORDS: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (nn.Linear, _linear),
    ((nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), _conv),
    ((nn.BatchNorm1d, nn.InstanceNorm1d), _batch_norm(", or with a length")),
    ((nn.BatchNorm2d, nn.InstanceNorm2d), _batch_norm("×H×W")),
    ((nn.BatchNorm3d, nn.InstanceNorm3d), _batch_norm("×D×H×W")),
    (nn.LayerNorm, _layer_norm),
    (nn.GroupNorm, _group_norm),
    ((nn.Embedding, nn.EmbeddingBag), _embedding),
    (nn.RNNBase, _recurrent),
    (nn.RNNCellBase, _cell),
    (nn.MultiheadAttention, _attention),
    ((nn.TransformerEncoderLayer, nn.TransformerDecoderLayer), _transformer_layer),
    (nn.Bilinear, _bilinear),
)
