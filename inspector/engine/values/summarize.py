"""Any value a module takes or returns -> a `Value`. Never raises, never keeps the value, bounded in size and cost.

A value that was seen a moment ago and did not change since (an output that is the next module's input) is recognised
and not reduced again.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from ...raised import message_of, say
from ...records import MappingValue, NoneValue, OtherValue, SequenceValue, TensorValue, Value
from ...text import encodable
from . import objects
from . import statistics as stats
from .histogram import histogram
from .parts import Contents, contents_of
from .preview import preview
from .unwrap import is_lazy, is_sharded, numbers_of, outside_modes, outside_transforms, read
from .watch import Watch

MAX_ITEMS = 100
"""Items shown of one container."""
MAX_PARTS = 1_000
"""Items shown of one value, all its containers together."""
MAX_DEPTH = 16

_IN_GRAPH = "no statistics: this call is recorded into a CUDA graph, and computes nothing"
_NONE = NoneValue()
_CONTAINERS = (dict, list, tuple, deque)
_transforms: Any = torch._C._functorch.peek_interpreter_stack
_modes: Any = torch._C._len_torch_dispatch_stack
_function_modes: Any = torch._C._len_torch_function_stack
_LARGEST = 2**63 - 1  # an expanded tensor can count more bytes than a message can say


class Summarizer:
    """Describes the values of one pass.

    Args:
        statistics: Also reduce each tensor to its statistics; call `resolve` when the pass is over.
        values: Also make histograms and previews (costs much more; for one module at a time).
        watch: Copies the tensors of which there are previews.
        why: There are no statistics, to be said of each tensor; `left_out` counts those.
    """

    def __init__(
        self, statistics: bool = True, values: bool = False, watch: Watch | None = None, why: str = ""
    ) -> None:
        self.statistics = statistics
        self.values = values
        self.left_out = 0
        self._why = why
        self._watch = watch
        self._pending = stats.Pending()
        self._shapes: dict[tuple[object, ...], TensorValue] = {}
        self._seen: dict[int, tuple[weakref.ref[Tensor], tuple[int, float, bool], TensorValue]] = {}

    def describe(self, value: object) -> Value:
        """What `value` is now. Runs other people's code nowhere but inside tensors' own operations."""
        kind = type(value)
        if kind is Tensor or kind is Parameter:
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
        return MappingValue("dict", tuple([objects.key(key) for key in islice(kwargs, MAX_ITEMS)]), items, len(kwargs))

    def tensor(self, tensor: Tensor) -> TensorValue:
        try:
            if not self.statistics and not _function_modes() and type(tensor) is Tensor:
                return self._shape_only(tensor)
            with torch._C.DisableTorchFunctionSubclass():
                if not self.statistics:
                    return self._shape_only(tensor)
                if _transforms() is None and not _modes():
                    return self._reduce(tensor)
                with outside_transforms(), outside_modes():
                    return self._reduce(tensor)
        except Exception as error:  # a tensor may refuse any operation; what it is can still be said
            return _with_reason(tensor, _refusal(tensor, error))

    def _shape_only(self, tensor: Tensor) -> TensorValue:
        """A pass sees the same few shapes again and again, and making a record costs more than finding it."""
        self.left_out += 1
        if type(tensor) is not Tensor or tensor.layout is not torch.strided or tensor.is_nested:
            return _metadata(tensor, self._why)
        key = tensor.shape, tensor.dtype, tensor.device, tensor.requires_grad
        known = self._shapes.get(key)
        if known is None:
            known = self._shapes[key] = _metadata(tensor, self._why)
        return known

    def resolve(self) -> None:
        """Complete the statistics that are still on their devices. Nothing described before is complete until then."""
        self._seen.clear()
        self._pending.resolve()

    def _reduce(self, tensor: Tensor) -> TensorValue:
        carrier, words = numbers_of(tensor)
        if carrier is None:
            return _metadata(tensor, words)
        if carrier.device.type != "cpu":
            return self._defer(tensor, carrier, words)
        if self.values or carrier is not tensor or not _recognisable(tensor):
            return self._now(tensor, carrier, words)
        return self._recognise(tensor)

    def _recognise(self, tensor: Tensor) -> TensorValue:
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

    def _now(self, tensor: Tensor, carrier: Tensor, words: str) -> TensorValue:
        dense, of = _numbers(carrier, words)
        pieces, repeats = stats.chunks(dense)
        summary = stats.finish([stats.reduce_on_host(piece) for piece in pieces], repeats, of)
        return self._with_values(tensor, carrier, dense, _metadata(tensor, summary=summary))

    def _defer(self, tensor: Tensor, carrier: Tensor, words: str) -> TensorValue:
        if carrier.device.type == "cuda" and torch.cuda.is_current_stream_capturing():
            return _metadata(tensor, _IN_GRAPH)
        value = _metadata(tensor)
        if not self.values and _is_one_piece(carrier):
            self._pending.add(value, [stats.reduce_on_device(carrier.detach())], 1, words or "values")
            return value
        dense, of = _numbers(carrier, words)
        pieces, repeats = stats.chunks(dense)
        self._pending.add(value, [stats.reduce_on_device(piece) for piece in pieces], repeats, of)
        if self.values:
            self._pending.resolve()
            return self._with_values(tensor, carrier, dense, value)
        return value

    def _with_values(self, tensor: Tensor, carrier: Tensor, dense: Tensor, value: TensorValue) -> TensorValue:
        """A preview only where an index means the same outside and inside."""
        if not self.values or value.statistics is None:
            return value
        from msgspec.structs import replace

        shown = preview(carrier.detach()) if _shape(carrier) == value.shape else None
        value = replace(value, histogram=histogram(dense, value.statistics), preview=shown)
        if self._watch is not None:
            self._watch.keep(value, carrier)
        return value


@lru_cache(maxsize=256)
def dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


@lru_cache(maxsize=256)
def _device_name(device: torch.device) -> str:
    return str(device)


def _numbers(carrier: Tensor, words: str) -> tuple[Tensor, str]:
    """As `statistics.numbers`, with what the carrier's numbers are of."""
    dense, of = stats.numbers(carrier.detach())
    return dense, words if words and of == "values" else f"{of}, of {words}" if words else of


def _metadata(tensor: Tensor, why: str = "", summary: Any = None) -> TensorValue:
    plain = type(tensor) is Tensor and tensor.layout is torch.strided and not tensor.is_nested
    return TensorValue(
        tuple(tensor.shape) if plain else _shape(tensor),
        dtype_name(tensor.dtype if plain else read(tensor, "dtype")),
        _device_name(tensor.device if plain else read(tensor, "device")),
        tensor.requires_grad if plain else read(tensor, "requires_grad"),
        "Tensor" if plain else objects.name_of_type(tensor),
        "strided" if plain else str(read(tensor, "layout")).removeprefix("torch."),
        min(tensor.numel() * tensor.element_size() if plain else _nbytes(tensor), _LARGEST),
        summary,
        why,
    )


def _refusal(tensor: Tensor, error: Exception) -> str:
    if isinstance(error, NotImplementedError) or "not implemented for" in message_of(error):
        return f"no statistics: torch has no arithmetic for {dtype_name(read(tensor, 'dtype'))}"
    return f"no statistics: {say(error)}"


def _with_reason(tensor: Tensor, why: str) -> TensorValue:
    try:
        with torch._C.DisableTorchFunctionSubclass():
            return _metadata(tensor, encodable(why, 200))
    except Exception as error:  # not even a shape
        return TensorValue((), "?", "?", type=objects.name_of_type(tensor), why=encodable(message_of(error), 200))


def _shape(tensor: Tensor) -> tuple[int, ...]:
    """Symbolic (ragged) sizes become -1."""
    if is_lazy(tensor):
        return ()
    if read(tensor, "is_nested") and read(tensor, "layout") is torch.strided:
        return read(tensor, "size")(0), *[-1] * (read(tensor, "dim")() - 1)
    return tuple(size if type(size) is int else -1 for size in read(tensor, "shape"))


def _nbytes(tensor: Tensor) -> int:
    """Of what is in this process; nothing where a size is not known yet."""
    if is_lazy(tensor):
        return 0
    if is_sharded(tensor):
        found, _ = numbers_of(tensor)
        tensor = tensor if found is None else found
    layout = read(tensor, "layout")
    if layout is torch.sparse_coo:
        parts = [tensor._values(), tensor._indices()]
    else:
        parts = [tensor.values() if layout in stats.COMPRESSED or read(tensor, "is_nested") else tensor]
    nbytes = sum(read(part, "numel")() * read(part, "element_size")() for part in parts)
    return nbytes if type(nbytes) is int else 0


def _recognisable(tensor: Tensor) -> bool:
    """Whether `_version` and a sum tell that a tensor is as it was; inference tensors have no version."""
    return not tensor.is_inference() and tensor.element_size() >= 4 and _is_one_piece(tensor)


def _is_one_piece(tensor: Tensor) -> bool:
    """Whether its elements are real ones, one after another in memory, and few enough to be reduced at once."""
    if tensor.layout is not torch.strided or tensor.is_nested or tensor.is_quantized or not tensor.is_floating_point():
        return False
    return tensor.is_contiguous() and not tensor.is_neg() and 0 < tensor.numel() <= stats.CHUNK


class _Walk:
    """One value's structure, within a budget of parts and without following a cycle."""

    def __init__(self, summarizer: Summarizer) -> None:
        self._summarizer = summarizer
        self._left = MAX_PARTS
        self._open: set[int] = set()  # containers we are inside of

    def describe(self, value: object, depth: int) -> Value:
        self._left -= 1
        try:
            return self._describe(value, depth)
        except Exception as error:  # no code of the object's own is meant to run, but who knows every object?
            return objects.other(value, f"cannot be read: {type(error).__name__}")

    def _describe(self, value: object, depth: int) -> Value:
        if objects.is_a(value, Tensor):
            return self._summarizer.tensor(value)  # type: ignore[arg-type]  # just asked
        if value is None:
            return _NONE
        if objects.is_a(value, objects.SCALARS):
            return objects.scalar(value)
        return self._composite(value, depth)

    def _composite(self, value: object, depth: int) -> Value:
        if id(value) in self._open:
            return objects.other(value, "itself again (a cycle)")
        if depth >= MAX_DEPTH and (objects.is_a(value, _CONTAINERS) or objects.is_dataclass(value)):
            return objects.other(value, f"nested deeper than {MAX_DEPTH} levels")
        self._open.add(id(value))
        try:
            return self._container(value, depth) or objects.describe_by_name(value) or self._object(value, depth)
        finally:
            self._open.discard(id(value))

    def _container(self, value: object, depth: int) -> Value | None:
        found = contents_of(value)
        if found is None or found.form == "set":
            return None
        if found.form == "sequence":
            return self._sequence(value, found, depth)
        return self._mapping(value, found.pairs, found.length, depth)

    def _sequence(self, value: object, found: Contents, depth: int) -> SequenceValue:
        is_tuple = objects.is_a(value, tuple)
        return SequenceValue(
            objects.name_of_type(value),
            tuple([self.describe(item, depth + 1) for _, item in islice(found.pairs, self._room())]),
            found.length,
            objects.field_names(value)[:MAX_ITEMS] if is_tuple else (),
            is_tuple,
        )

    def _mapping(self, value: object, pairs: Iterable[tuple[object, object]], length: int, depth: int) -> MappingValue:
        shown = list(islice(pairs, self._room()))
        items = tuple(self.describe(item, depth + 1) for _, item in shown)
        return MappingValue(objects.name_of_type(value), tuple(objects.key(key) for key, _ in shown), items, length)

    def _object(self, value: object, depth: int) -> Value:
        """An object that holds tensors (a cache, an output class with slots) is shown by its attributes."""
        attributes = objects.attributes(value)
        if depth < MAX_DEPTH and any(objects.is_a(held, (Tensor, *_CONTAINERS)) for held in attributes.values()):
            return self._mapping(value, attributes.items(), len(attributes), depth)
        return objects.other(value, "")

    def _room(self) -> int:
        return max(0, min(MAX_ITEMS, self._left))
