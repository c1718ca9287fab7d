"""What a layer can be fed with: specs for the layers that a model's input most often meets first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from ..modules.walk import children_of, modules_of

STEPS = 16
"""Length of a guessed sequence."""

_SIZE_NAMES = ("image_size", "img_size", "input_size", "resolution", "crop_size")
_LENGTH_NAMES = ("block_size", "max_len", "max_length", "max_seq_len", "seq_len", "seq_length", "context_length")
_SEARCHED = 60
"""Modules whose attributes are looked at for a size."""


@dataclass(frozen=True)
class Hints:
    """What the model says about its input in its attributes; `batch` examples go in at once."""

    batch: int
    sizes: tuple[int, ...]  # of images
    steps: tuple[int, ...]  # of sequences


@dataclass(frozen=True)
class Entry:
    """A layer and the specs it accepts, likely ones first."""

    module: nn.Module
    specs: tuple[str, ...]

    @property
    def takes_indices(self) -> bool:
        return isinstance(self.module, (nn.Embedding, nn.EmbeddingBag))


def hints_of(model: nn.Module) -> Hints:
    """Batch normalisation in training needs two examples; sizes are read from well-known attribute names."""
    steps = [min(STEPS, length) for length in _attributes(model, _LENGTH_NAMES)]
    longer = [length for length in _attributes(model, _LENGTH_NAMES) if length <= 4096]
    return Hints(2 if model.training else 1, _attributes(model, _SIZE_NAMES), tuple(dict.fromkeys(steps + longer)))


def entries_of(model: nn.Module, hints: Hints) -> Iterator[Entry]:
    """Layers in the order of definition; the inside of a layer that is known as a whole is not looked at."""
    pending, seen = [model], {id(model)}
    while pending:
        module = pending.pop()
        specs = _specs(module, hints)
        if specs:
            yield Entry(module, tuple(dict.fromkeys(specs)))
            if isinstance(module, nn.Bilinear):
                yield Entry(module, (f"{hints.batch}x{module.in2_features}",))
            continue
        new = [child for child in children_of(module) if id(child) not in seen]
        seen.update(id(child) for child in new)
        pending.extend(reversed(new))


def _specs(module: nn.Module, hints: Hints) -> Sequence[str]:
    for kinds, make in _MAKERS:
        if isinstance(module, kinds):
            return make(module, hints)
    like = _from_attributes(module, hints)
    return like or ([] if children_of(module) else _from_parameter(module, hints))


def _linear(module: Any, hints: Hints) -> list[str]:
    width = module.in_features or 64  # a lazy layer takes any width
    batch, steps = hints.batch, (*hints.steps, STEPS)
    return [f"{batch}x{width}", f"{batch}x{steps[0]}x{width}", f"{batch}x{STEPS}x8x{width}", f"{width}x"]


def _bilinear(module: Any, hints: Hints) -> list[str]:
    return [f"{hints.batch}x{module.in1_features}"]


def _embedding(module: Any, hints: Hints) -> list[str]:
    kind = f"int64:0..{max(module.num_embeddings - 1, 0)}"
    lengths = dict.fromkeys((*hints.steps, STEPS, 8, 4, 1))
    return [*(f"{hints.batch}x{length}:{kind}" for length in lengths), f"{hints.batch}x:{kind}"]


def _conv1d(module: Any, hints: Hints) -> list[str]:
    channels = _channels(module, 1)
    return [f"{hints.batch}x{channels}x{length}" for length in (*hints.steps[1:], 128, 1024, 16000, 64, 32, 16)]


def _conv2d(module: Any, hints: Hints) -> list[str]:
    channels = _channels(module, 3)
    usual = {1: (28, 32, 64, 224, 128), 3: (224, 32, 64, 28, 96, 128, 256, 299, 512)}
    sizes = dict.fromkeys((*hints.sizes, *usual.get(channels, (64, 32, 224, 28, 16, 8, 96, 128))))
    return [f"{hints.batch}x{channels}x{size}x{size}" for size in sizes]


def _conv3d(module: Any, hints: Hints) -> list[str]:
    frames = ((16, 112), (8, 32), (32, 32), (16, 64), (16, 224), (64, 64))
    return [f"{hints.batch}x{_channels(module, 3)}x{depth}x{side}x{side}" for depth, side in frames]


def _transpose(module: Any, hints: Hints) -> list[str]:
    """A generator's first layer: its input is small."""
    dimensions = len(module.kernel_size)
    return [f"{hints.batch}x{_channels(module, 64)}{f'x{size}' * dimensions}" for size in (1, 4, 8, 16, 32)]


def _recurrent(module: Any, hints: Hints) -> list[str]:
    batch, width = hints.batch, module.input_size
    first = f"{batch}x{STEPS}x{width}" if module.batch_first else f"{STEPS}x{batch}x{width}"
    return [first, f"{batch}x{STEPS}x{width}", f"{STEPS}x{width}"]


def _cell(module: Any, hints: Hints) -> list[str]:
    return [f"{hints.batch}x{module.input_size}"]


def _attention(module: Any, hints: Hints) -> list[str]:
    width = getattr(module, "embed_dim", None) or getattr(module, "d_model", None) or _attention_width(module)
    batch = hints.batch
    if not width:
        return []
    return [f"{batch}x{STEPS}x{width}", f"{STEPS}x{batch}x{width}", f"{STEPS}x{width}"]


def _attention_width(module: nn.Module) -> int:
    inner = (found for found in modules_of(module) if isinstance(found, nn.MultiheadAttention))
    return next((found.embed_dim for found in inner), 0)


def _batch_norm(dimensions: int) -> Callable[[Any, Hints], list[str]]:
    def make(module: Any, hints: Hints) -> list[str]:
        width, batch = module.num_features or 8, hints.batch
        shapes = {1: ("", "x16"), 2: ("x32x32", "x224x224"), 3: ("x8x32x32",)}[dimensions]
        return [f"{batch}x{width}{shape}" for shape in shapes]

    return make


def _layer_norm(module: Any, hints: Hints) -> list[str]:
    shape = "x".join(str(size) for size in module.normalized_shape)
    return [f"{hints.batch}x{STEPS}x{shape}", f"{hints.batch}x{shape}"]


def _group_norm(module: Any, hints: Hints) -> list[str]:
    return [f"{hints.batch}x{module.num_channels}{shape}" for shape in ("x32x32", "x16", "")]


def _from_attributes(module: Any, hints: Hints) -> list[str]:
    """A layer that is like one of torch's, such as a quantized one, under the same attribute names."""
    if type(getattr(module, "in_features", None)) is int:
        return _linear(module, hints)
    kernel = getattr(module, "kernel_size", None)
    if type(getattr(module, "in_channels", None)) is int and isinstance(kernel, tuple):
        make = {1: _conv1d, 2: _conv2d, 3: _conv3d}.get(len(kernel))
        return make(module, hints) if make else []
    return []


def _from_parameter(module: nn.Module, hints: Hints) -> list[str]:
    """A layer of somebody's own: its first weight, read as a matrix or a convolution kernel."""
    shapes = [p.shape for p in module._parameters.values() if p is not None and not nn.parameter.is_lazy(p)]
    shape: Sequence[int] = next((shape for shape in shapes if len(shape) > 1), shapes[0] if shapes else ())
    batch = hints.batch
    if len(shape) in (1, 2):
        widths = dict.fromkeys((shape[-1], shape[0]))
        return [f"{batch}x{width}" for width in widths] + [f"{batch}x{STEPS}x{width}" for width in widths]
    if len(shape) in (3, 4, 5):
        sizes = {3: (128, 1024), 4: (224, 64, 32, 28), 5: (16, 32)}[len(shape)]
        return [f"{batch}x{shape[1]}{f'x{size}' * (len(shape) - 2)}" for size in sizes]
    return []


def _channels(module: Any, lazy: int) -> int:
    return int(module.in_channels or lazy)


def _attributes(model: nn.Module, names: Sequence[str]) -> tuple[int, ...]:
    """Sizes found under these names on the model, its configuration or the modules it starts with."""
    found: list[int] = []
    for module, _ in zip(modules_of(model), range(_SEARCHED), strict=False):
        for holder in (vars(module), _mapping(vars(module).get("config")), _mapping(vars(module).get("cfg"))):
            values = (holder.get(name) for name in names)
            found += [size for value in values if (size := _size(value))]
    return tuple(dict.fromkeys(found))


def _mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    return vars(value) if hasattr(value, "__dict__") else {}


def _size(value: Any) -> int:
    if isinstance(value, (tuple, list)) and value:
        value = value[-1]
    return value if type(value) is int and 0 < value <= 1 << 16 else 0


_MAKERS: tuple[tuple[Any, Callable[[Any, Hints], Sequence[str]]], ...] = (
    (nn.Linear, _linear),
    (nn.Bilinear, _bilinear),
    ((nn.Embedding, nn.EmbeddingBag), _embedding),
    ((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), _transpose),
    (nn.Conv1d, _conv1d),
    (nn.Conv2d, _conv2d),
    (nn.Conv3d, _conv3d),
    (nn.RNNBase, _recurrent),
    (nn.RNNCellBase, _cell),
    ((nn.MultiheadAttention, nn.Transformer), _attention),
    ((nn.TransformerEncoderLayer, nn.TransformerDecoderLayer), _attention),
    ((nn.BatchNorm1d, nn.InstanceNorm1d), _batch_norm(1)),
    ((nn.BatchNorm2d, nn.InstanceNorm2d), _batch_norm(2)),
    ((nn.BatchNorm3d, nn.InstanceNorm3d), _batch_norm(3)),
    (nn.LayerNorm, _layer_norm),
    (nn.GroupNorm, _group_norm),
)
