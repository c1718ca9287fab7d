"""Any value a module takes or returns -> a `Value`. Never raises, never keeps the value, bounded in size and cost.

A value that was seen a moment ago and did not change since (an output that is the next module's input) is recognised
and not reduced again.
"""

from __future__ import annotations

import dataclasses
import types
import weakref
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ..records import MappingValue, NoneValue, OtherValue, ScalarValue, SequenceValue, TensorValue, Value
from ..text import encodable
from . import statistics as stats

MAX_ITEMS = 100
"""Items shown of one container."""
MAX_PARTS = 1_000
"""Items shown of one value, all its containers together."""
MAX_DEPTH = 16
MAX_TEXT = 400

_PLAIN_TENSORS = (Tensor, nn.Parameter)
_NONE = NoneValue()
_LARGEST = 2**63 - 1  # an expanded tensor can count more bytes than a message can say


class Summarizer:
    """Describes the values of one pass.

    Args:
        statistics: Also reduce each tensor to its statistics; call `resolve` when the pass is over.
        values: Also make histograms and previews (costs much more; for one module at a time).
    """

    def __init__(self, statistics: bool = True, values: bool = False) -> None:
        self.statistics = statistics
        self.values = values
        self._pending = stats.Pending()
        self._shapes: dict[tuple[object, ...], TensorValue] = {}
        self._seen: dict[int, tuple[weakref.ref[Tensor], tuple[int, float, bool], TensorValue]] = {}

    def describe(self, value: object) -> Value:
        """What `value` is now. Runs other people's code nowhere but inside tensors' own operations."""
        if type(value) in _PLAIN_TENSORS:
            return self.tensor(value)  # type: ignore[arg-type]  # narrowed by the exact-type test, the fast path
        return _Walk(self).describe(value, 0)

    def describe_now(self, value: object) -> Value:
        """`describe`, complete at once: a device is waited for."""
        found = self.describe(value)
        self.resolve()
        return found

    def arguments(self, values: tuple[object, ...]) -> tuple[Value, ...]:
        """Each argument of a call; of very many the first ones, and how many more there are."""
        if len(values) == 1:
            return (self.describe(values[0]),)
        shown = tuple([self.describe(value) for value in values[:MAX_ITEMS]])
        return shown if len(values) <= MAX_ITEMS else (*shown, OtherValue("…", f"{len(values) - MAX_ITEMS} more"))

    def keywords(self, kwargs: dict[str, object]) -> MappingValue:
        """The keyword arguments of a call."""
        items = tuple([self.describe(value) for value in islice(kwargs.values(), MAX_ITEMS)])
        return MappingValue("dict", tuple([_key(key) for key in islice(kwargs, MAX_ITEMS)]), items, len(kwargs))

    def tensor(self, tensor: Tensor) -> TensorValue:
        if not self.statistics:
            return self._shape_only(tensor)
        try:
            with torch._C.DisableTorchFunctionSubclass():
                return self._reduced(tensor)
        except Exception as error:  # a tensor may refuse any operation; what it is can still be said
            return _with_reason(tensor, f"{type(error).__name__}: {error}")

    def _shape_only(self, tensor: Tensor) -> TensorValue:
        """A pass sees the same few shapes again and again, and making a record costs more than finding it."""
        if type(tensor) is not Tensor or tensor.layout is not torch.strided or tensor.is_nested:
            return _metadata(tensor)
        key = tensor.shape, tensor.dtype, tensor.device, tensor.requires_grad
        known = self._shapes.get(key)
        if known is None:
            known = self._shapes[key] = _metadata(tensor)
        return known

    def resolve(self) -> None:
        """Complete the statistics that are still on their devices. Nothing described before is complete until then."""
        self._seen.clear()
        self._pending.resolve()

    def _reduced(self, tensor: Tensor) -> TensorValue:
        why = _no_data(tensor)
        if why:
            return _metadata(tensor, why)
        if tensor.device.type != "cpu":
            return self._deferred(tensor)
        return self._now(tensor) if self.values or not _recognisable(tensor) else self._recognised(tensor)

    def _recognised(self, tensor: Tensor) -> TensorValue:
        """Compares the sum as well: `_version` alone does not move for writes through `.data`, and flags not at all."""
        flat = tensor.detach().view(-1)
        total = flat.sum().item()
        now = tensor._version, total, tensor.requires_grad
        known = self._seen.get(id(tensor))
        if known is not None and known[0]() is tensor and known[1] == now:
            return known[2]
        value = _metadata(tensor, summary=stats.finish([stats.reduce_on_host(flat, total)], 1, "values"))
        self._seen[id(tensor)] = weakref.ref(tensor), now, value
        return value

    def _now(self, tensor: Tensor) -> TensorValue:
        dense, of = stats.numbers(tensor.detach())
        pieces, repeats = stats.chunks(dense)
        summary = stats.finish([stats.reduce_on_host(piece) for piece in pieces], repeats, of)
        return self._with_values(tensor, dense, _metadata(tensor, summary=summary))

    def _deferred(self, tensor: Tensor) -> TensorValue:
        dense, of = stats.numbers(tensor.detach())
        pieces, repeats = stats.chunks(dense)
        value = _metadata(tensor)
        self._pending.add(value, [stats.reduce_on_device(piece) for piece in pieces], repeats, of)
        if self.values:
            self._pending.resolve()
            return self._with_values(tensor, dense, value)
        return value

    def _with_values(self, tensor: Tensor, dense: Tensor, value: TensorValue) -> TensorValue:
        if not self.values or value.statistics is None:
            return value
        from msgspec.structs import replace

        return replace(
            value, histogram=stats.histogram(dense, value.statistics), preview=stats.preview(tensor.detach())
        )


def brief(value: Value | None) -> str:
    """A value in a few characters, its first tensor's shape before anything else: "1×64×56×56", "2×10 +3"."""
    if value is None:
        return ""
    tensors = list(islice(_tensors(value), 100))
    if tensors:
        shape = "×".join("?" if size < 0 else str(size) for size in tensors[0].shape) or "scalar"
        return shape if len(tensors) == 1 else f"{shape} +{len(tensors) - 1}"
    if isinstance(value, NoneValue):
        return "None"
    if isinstance(value, ScalarValue):
        return encodable(str(value.value), 20)
    return encodable(value.type, 20) if not isinstance(value, TensorValue) else ""


def non_finite(value: Value | None) -> bool:
    """Whether any tensor in it was seen to hold NaN or Inf."""
    return value is not None and any(t.statistics and (t.statistics.nan or t.statistics.inf) for t in _tensors(value))


def _tensors(value: Value) -> Iterator[TensorValue]:
    if isinstance(value, TensorValue):
        yield value
    elif isinstance(value, SequenceValue | MappingValue):
        for item in value.items:
            yield from _tensors(item)


# ---------------------------------------------------------------- tensors


@lru_cache(maxsize=256)
def dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


@lru_cache(maxsize=256)
def _device_name(device: torch.device) -> str:
    return str(device)


def _metadata(tensor: Tensor, why: str = "", summary: Any = None) -> TensorValue:
    plain = type(tensor) is Tensor and tensor.layout is torch.strided and not tensor.is_nested
    return TensorValue(
        tuple(tensor.shape) if plain else _shape(tensor),
        dtype_name(tensor.dtype),
        _device_name(tensor.device),
        tensor.requires_grad,
        "Tensor" if plain else encodable(type(tensor).__name__, 80),
        "strided" if plain else str(tensor.layout).removeprefix("torch."),
        min(tensor.numel() * tensor.element_size() if plain else _nbytes(tensor), _LARGEST),
        summary,
        why,
    )


def _with_reason(tensor: Tensor, why: str) -> TensorValue:
    try:
        with torch._C.DisableTorchFunctionSubclass():
            return _metadata(tensor, encodable(why, 200))
    except Exception as error:  # not even a shape: a broken subclass, a freed storage
        return TensorValue((), "?", "?", type=encodable(type(tensor).__name__, 80), why=encodable(str(error), 200))


def _shape(tensor: Tensor) -> tuple[int, ...]:
    """Symbolic (ragged) sizes become -1."""
    if tensor.is_nested and tensor.layout is torch.strided:
        return tensor.size(0), *[-1] * (tensor.dim() - 1)
    return tuple(size if type(size) is int else -1 for size in tensor.shape)


def _nbytes(tensor: Tensor) -> int:
    if tensor.layout is torch.sparse_coo:
        parts = [tensor._values(), tensor._indices()]
    else:
        parts = [tensor.values() if tensor.layout in stats.COMPRESSED or tensor.is_nested else tensor]
    return sum(part.numel() * part.element_size() for part in parts)


def _no_data(tensor: Tensor) -> str:
    if type(tensor) in _PLAIN_TENSORS and tensor.device.type == "cpu":
        return ""
    if tensor.is_meta:
        return "no values: the tensor is on the meta device"
    if isinstance(tensor, torch._subclasses.FakeTensor):
        return "no values: a fake tensor"
    if is_lazy(tensor):
        return "no values yet: lazy"
    return ""


def _recognisable(tensor: Tensor) -> bool:
    """Whether `_version` and a sum tell that a tensor is as it was; inference tensors have no version."""
    if tensor.is_inference() or tensor.layout is not torch.strided or tensor.is_nested or tensor.is_quantized:
        return False
    real = tensor.is_floating_point() and tensor.element_size() >= 4
    return real and tensor.is_contiguous() and 0 < tensor.numel() <= stats.CHUNK


# ---------------------------------------------------------------- everything else


class _Walk:
    """One value's structure, within a budget of parts and without following a cycle."""

    def __init__(self, summarizer: Summarizer) -> None:
        self._summarizer = summarizer
        self._left = MAX_PARTS
        self._open: set[int] = set()  # containers we are inside of

    def describe(self, value: object, depth: int) -> Value:
        self._left -= 1
        try:
            return self._described(value, depth)
        except Exception as error:  # an object of somebody's own may raise from anything, `isinstance` included
            return _other(value, f"cannot be read: {type(error).__name__}")

    def _described(self, value: object, depth: int) -> Value:
        if isinstance(value, Tensor):
            return self._summarizer.tensor(value)
        if value is None:
            return _NONE
        if isinstance(value, bool | int | float | complex | str):
            return _scalar(value)
        return self._composite(value, depth)

    def _composite(self, value: object, depth: int) -> Value:
        if id(value) in self._open:
            return _other(value, "itself again (a cycle)")
        if depth >= MAX_DEPTH and (isinstance(value, tuple | list | dict) or dataclasses.is_dataclass(value)):
            return _other(value, f"nested deeper than {MAX_DEPTH} levels")
        self._open.add(id(value))
        try:
            return self._container(value, depth) or _plain_object(value) or self._object(value, depth)
        finally:
            self._open.discard(id(value))

    def _container(self, value: object, depth: int) -> Value | None:
        # the built-in iteration, so that an overridden one is not run
        if isinstance(value, dict):
            return self._mapping(value, dict.items(value), dict.__len__(value), depth)
        if isinstance(value, tuple):
            return self._sequence(value, tuple.__iter__(value), tuple.__len__(value), depth)
        if isinstance(value, list):
            return self._sequence(value, list.__iter__(value), list.__len__(value), depth)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = dataclasses.fields(value)
            return self._mapping(value, ((f.name, getattr(value, f.name)) for f in fields), len(fields), depth)
        return None

    def _sequence(self, value: object, items: Iterable[object], length: int, depth: int) -> SequenceValue:
        names = getattr(type(value), "_fields", ()) if isinstance(value, tuple) else ()
        return SequenceValue(
            _type_name(value),
            tuple(self.describe(item, depth + 1) for item in islice(items, self._room())),
            length,
            tuple(encodable(str(name), 80) for name in names[:MAX_ITEMS]) if isinstance(names, tuple) else (),
            isinstance(value, tuple),
        )

    def _mapping(self, value: object, pairs: Iterable[tuple[object, object]], length: int, depth: int) -> MappingValue:
        shown = list(islice(pairs, self._room()))
        items = tuple(self.describe(item, depth + 1) for _, item in shown)
        return MappingValue(_type_name(value), tuple(_key(key) for key, _ in shown), items, length)

    def _object(self, value: object, depth: int) -> Value:
        """An object that holds tensors (a cache, an output class with slots) is shown by its attributes."""
        attributes = _attributes(value)
        if depth < MAX_DEPTH and any(isinstance(v, Tensor | list | tuple | dict) for v in attributes.values()):
            return self._mapping(value, attributes.items(), len(attributes), depth)
        return _other(value, "")

    def _room(self) -> int:
        return max(0, min(MAX_ITEMS, self._left))


def _scalar(value: bool | int | float | complex | str) -> ScalarValue:
    name = _type_name(value)
    if isinstance(value, bool):
        return ScalarValue(name, bool(value))
    if isinstance(value, int):
        return ScalarValue(name, int(value) if -(2**63) <= value < 2**63 else _huge(int(value)))
    if isinstance(value, float):
        return ScalarValue(name, float(value))
    if isinstance(value, complex):
        return ScalarValue(name, f"{complex(value):g}")
    return ScalarValue(name, encodable(str.__str__(value), MAX_TEXT))


def _huge(value: int) -> str:
    """Python refuses to print integers past its digit limit; in hexadecimal there is none."""
    return encodable(hex(value), 40)


def _plain_object(value: object) -> Value | None:
    """What can be named without looking inside: looking would consume it, or run code."""
    if isinstance(value, types.GeneratorType | types.CoroutineType | types.AsyncGeneratorType):
        return _other(value, "not consumed")
    if isinstance(value, nn.Module):
        return _other(value, "a module")
    if isinstance(value, type | types.ModuleType | types.FunctionType | types.MethodType | types.BuiltinFunctionType):
        return _other(value, encodable(getattr(value, "__qualname__", getattr(value, "__name__", "")), 120))
    if type(value) in (range, slice, torch.dtype, torch.device, torch.memory_format, torch.layout):
        return _other(value, repr(value))
    if isinstance(value, bytes | bytearray):
        return _other(value, f"{len(value)} bytes: {bytes(value[:32])!r}")
    if isinstance(value, set | frozenset):
        return _other(value, f"{len(value)} items")
    if type(value).__module__ == "numpy" and hasattr(value, "dtype"):
        return _other(value, f"{value.dtype} {'×'.join(map(str, getattr(value, 'shape', ()))) or 'scalar'}")
    return None


def _attributes(value: object) -> dict[str, object]:
    found: dict[str, object] = {}
    for cls in type(value).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            member = cls.__dict__.get(name)
            if isinstance(member, types.MemberDescriptorType):
                try:
                    found[name] = member.__get__(value)
                except AttributeError:  # a slot that was never filled
                    continue
    held = getattr(value, "__dict__", None)
    if isinstance(held, dict):
        found.update(held)
    return found


def _other(value: object, text: str) -> OtherValue:
    return OtherValue(_type_name(value), encodable(text, MAX_TEXT))


def _type_name(value: object) -> str:
    return encodable(type(value).__name__, 80)


def _key(key: object) -> str:
    if isinstance(key, str):
        return encodable(key, 120)
    return encodable(repr(key), 120) if type(key) in (int, float, bool, type(None), bytes) else _type_name(key)
