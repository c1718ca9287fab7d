"""The sample input of a model: what its forward is called with, where that came from, and how to draw it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import nn

from ..modules.walk import embedding_rows, first_floating, first_tensor, own_objects
from ..source.running import Types
from ..values.copying import deep_copy
from ..values.nested import walk
from ..values.objects import is_a, key, name_of_type
from ..values.parts import contents_of
from ..values.unwrap import read
from .shared import Shared

Origin = Literal["given", "known for this target", "guessed"]
Arguments = tuple[tuple[Any, ...], dict[str, Any]]

_ITEMS = 4
_TEXT = 60


@dataclass(frozen=True)
class Setting:
    """What decides how a part of a sample comes out where its spec leaves it open."""

    device: torch.device
    dtype: torch.dtype  # of floating parts that name none
    cast_given: bool  # a dtype was asked for, so floating data that was given follows it
    rows: int  # an index below this is valid for every embedding of the model


@dataclass(frozen=True)
class Part:
    """One part of a sample. `name` is "" for a positional one; with `spread` the value may stand for several
    arguments, as a callable's result does."""

    make: Callable[[torch.Generator, Setting], Any]
    name: str = ""
    spread: bool = False
    random: bool = False


@dataclass(frozen=True, eq=False)
class Sample:
    """The arguments of one forward call. `target` is what came with them for a loss: labels, as a rule. `own` are the
    model's modules and tensors by `id`, where some may be in it; `shared` is what a copy has in common with what it is
    a copy of."""

    args: tuple[Any, ...] = field(repr=False)
    kwargs: dict[str, Any] = field(repr=False)
    origin: Origin
    text: str
    redraw: Callable[[int], Arguments] | None = field(default=None, repr=False)
    target: Any = field(default=None, repr=False)
    own: Mapping[int, Any] = field(default_factory=dict, repr=False)
    shared: tuple[Shared, ...] = field(default=(), repr=False)

    def fresh(self, seed: int) -> Sample:
        """The sample with its random parts drawn anew from `seed`; data that was given stays."""
        if self.redraw is None:
            return self
        args, kwargs = self.redraw(seed)
        return Sample(args, kwargs, self.origin, self.text, self.redraw)

    def of(self, model: nn.Module) -> Sample:
        """The same for a model whose own modules and tensors, where they are in it, a copy shares."""
        if self.redraw is not None:
            return self
        own, given = own_objects(model), [node for node, _ in walk((self.args, self.kwargs, self.target))]
        if all(map(_is_bare, given)):
            own = {id(node): node for node in given if id(node) in own}
        return replace(self, own=own)

    def copy(self) -> Sample:
        """A sample that a pass may write to: all in it is copied, and shared where it was. It still holds, as they are,
        what `refusals` tells of, and what is the model's own."""
        (args, kwargs, target), refusals = deep_copy((self.args, self.kwargs, self.target), self.own)
        told = tuple(Shared(self._name_of(each.value), each) for each in refusals)
        return replace(self, args=args, kwargs=kwargs, target=target, shared=told)

    def _name_of(self, value: Any) -> str:
        """Which argument holds it."""
        named = [(f"input {number}", given) for number, given in enumerate(self.args, 1)]
        named += [(f"input {name}", given) for name, given in self.kwargs.items()]
        return next((name for name, given in named if any(node is value for node, _ in walk(given))), "the target")


def _is_bare(node: Any) -> bool:
    """Whether a copy of it leads to nothing that was not walked through."""
    if type(node) is torch.Tensor:
        return node.grad is None and not vars(node)
    return type(node) in (tuple, list, dict, str, int, float, bool, type(None))


def setting_for(model: nn.Module, device: torch.device | None = None, dtype: torch.dtype | None = None) -> Setting:
    """What is asked for, else what the model's own parameters say."""
    tensor, floating = first_tensor(model), first_floating(model)
    if device is None:
        device = tensor.device if tensor is not None else torch.device("cpu")
    own = floating.dtype if floating is not None and floating.dtype.itemsize > 1 else torch.float32
    return Setting(device, dtype or own, dtype is not None, embedding_rows(model))


def draw(parts: Sequence[Part], setting: Setting, seed: int, origin: Origin) -> Sample:
    """A sample made of `parts`."""

    def redraw(seed: int) -> Arguments:
        generator = torch.Generator().manual_seed(seed)
        return _arguments([(part, part.make(generator, setting)) for part in parts])

    args, kwargs = redraw(seed)
    again = redraw if any(part.random for part in parts) else None
    return Sample(args, kwargs, origin, describe(args, kwargs), again)


def sample_from_values(args: tuple[Any, ...], kwargs: dict[str, Any], origin: Origin = "given") -> Sample:
    """A sample of values that are there already."""
    return Sample(args, kwargs, origin, describe(args, kwargs))


def spread(value: Any) -> Arguments:
    """A value that stands for a whole call: `(args, kwargs)`, a tuple of arguments, a dict of keywords, or one
    argument."""
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        if len(value) == 2 and isinstance(value[0], tuple) and _is_keywords(value[1]):
            return value[0], dict(value[1])
        return tuple(value), {}
    if _is_keywords(value):
        return (), dict(value)
    return (value,), {}


def describe(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The arguments in words: `1×3×224×224 float32`, `[3×320×320 float32]`, `ids=1×128 int64`."""
    parts = [_words(value, 0) for value in args]
    parts += [f"{name}={_words(value, 0)}" for name, value in kwargs.items()]
    return ", ".join(parts) if parts else "no arguments"


def _arguments(made: list[tuple[Part, Any]]) -> Arguments:
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for part, value in made:
        if part.name:
            kwargs[part.name] = value
        elif part.spread:
            more_args, more_kwargs = spread(value)
            args.extend(more_args)
            kwargs.update(more_kwargs)
        else:
            args.append(value)
    return tuple(args), kwargs


def _is_keywords(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(key, str) and key.isidentifier() for key in value)


def _words(value: Any, depth: int) -> str:
    if is_a(value, torch.Tensor):
        return _tensor_words(value)
    if value is None or type(value) in _WRITTEN or (type(value) is int and abs(value) < 1 << 64):
        return _cut(repr(value))
    found = contents_of(value) if depth < 3 and is_a(value, (dict, list, tuple)) else None
    if found is None:
        return name_of_type(value)
    if found.form == "mapping":
        items = ((f"{_cut(key(name))}: ", item) for name, item in found.pairs)
        return "{" + _join(items, found.length, depth) + "}"
    left, right = "[]" if is_a(value, list) else "()"
    return left + _join((("", item) for _, item in found.pairs), found.length, depth) + right


_WRITTEN = Types(bool, float, str)


def _join(items: Iterator[tuple[str, Any]], count: int, depth: int) -> str:
    shown = [label + _words(item, depth + 1) for (label, item), _ in zip(items, range(_ITEMS), strict=False)]
    return ", ".join(shown if count <= _ITEMS else [*shown, f"… {count - _ITEMS} more"])


def _tensor_words(tensor: torch.Tensor) -> str:
    with torch._C.DisableTorchFunctionSubclass():
        dtype = str(read(tensor, "dtype")).removeprefix("torch.")
        return f"{'×'.join(str(size) for size in read(tensor, 'shape')) or 'scalar'} {dtype}"


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"
