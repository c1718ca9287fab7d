"""Any value a module takes or returns -> a `Value`. Never raises, never keeps the value, bounded in size and cost.

A value that was seen a moment ago and did not change since (an output that is the next module's input) is recognised
and not reduced again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from ...records import MappingValue, NoneValue, OtherValue, SequenceValue, TensorValue, Value
from . import objects
from . import statistics as stats
from .bare_tensor import describe_bare, describe_refusing, shape_of
from .histogram import histogram
from .kernels import cpu_statistics
from .parts import Contents, contents_of
from .preview import preview
from .recognition import MAX_ITEMS, Recognition, SeenContainer, add_up, is_ordinary, read_parts
from .unwrap import numbers_of, outside_modes, outside_transforms
from .watch import Watch

MAX_PARTS = 1_000
"""Items shown of one value, all its containers together."""
MAX_DEPTH = 16

_IN_GRAPH = "no statistics: this call is recorded into a CUDA graph, and computes nothing"
_NONE = NoneValue()
_CONTAINERS = (dict, list, tuple, deque)
_HOLDING = (Tensor, *_CONTAINERS)
_transforms: Any = torch._C._functorch.peek_interpreter_stack
_modes: Any = torch._C._len_torch_dispatch_stack
_function_modes: Any = torch._C._len_torch_function_stack


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
        self._recognition = Recognition(statistics)

    def describe(self, value: object) -> Value:
        """What `value` is now. Runs other people's code nowhere but inside tensors' own operations."""
        kind = type(value)
        if kind is Tensor or kind is Parameter:
            return self.tensor(value)  # type: ignore[arg-type]  # narrowed by the exact-type test, the fast path
        if value is None:
            return _NONE
        self._recognition.begin()
        walk = _Walk(self, None if self.values or _is_overheard() else self._recognition)
        found = walk.describe(value, 0)
        return found if walk.is_sure() else walk.describe(value, 0)

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
            return describe_refusing(tensor, error)

    def _shape_only(self, tensor: Tensor) -> TensorValue:
        """A pass sees the same few shapes again and again, and making a record costs more than finding it."""
        self.left_out += 1
        if type(tensor) is not Tensor or tensor.layout is not torch.strided or tensor.is_nested:
            return describe_bare(tensor, self._why)
        key = tensor.shape, tensor.dtype, tensor.device, tensor.requires_grad
        known = self._shapes.get(key)
        if known is None:
            known = self._shapes[key] = describe_bare(tensor, self._why)
        return known

    def confirm(self) -> None:
        """Look at the numbers of all that was taken for the same without that."""
        with outside_transforms(), outside_modes():
            self._recognition.confirm()

    def resolve(self) -> list[str]:
        """Complete the statistics that are still on their devices. Nothing described before is complete until then.
        Gives what is to be said of those that may not be right."""
        self.confirm()
        self._recognition.end()
        self._pending.resolve()
        doubts, self._recognition.doubts = self._recognition.doubts, []
        return doubts

    def _reduce(self, tensor: Tensor) -> TensorValue:
        if not self.values:
            known = self._recognition.find_tensor(tensor)
            if known is not None:
                return known
            if is_ordinary(tensor):
                return self._remember(tensor)
        carrier, words = numbers_of(tensor)
        if carrier is None:
            return describe_bare(tensor, words)
        if carrier.device.type != "cpu":
            return self._defer(tensor, carrier, words)
        return self._now(tensor, carrier, words)

    def _remember(self, tensor: Tensor) -> TensorValue:
        flat = tensor.detach().view(-1)
        if (row := cpu_statistics.reduce(flat)) is not None:
            total, partial = row.bits, stats.complete(flat, row)
        else:
            total = add_up(tensor)
            partial = stats.reduce_on_host(flat, total if type(total) is float else None)
        value = describe_bare(tensor, summary=stats.finish([partial], 1, "values"))
        self._recognition.keep_tensor(tensor, total, value)
        return value

    def _now(self, tensor: Tensor, carrier: Tensor, words: str) -> TensorValue:
        dense, of = _numbers(carrier, words)
        pieces, repeats = stats.chunks(dense)
        summary = stats.finish([stats.reduce_on_host(piece) for piece in pieces], repeats, of)
        return self._with_values(tensor, carrier, dense, describe_bare(tensor, summary=summary))

    def _defer(self, tensor: Tensor, carrier: Tensor, words: str) -> TensorValue:
        if carrier.device.type == "cuda" and torch.cuda.is_current_stream_capturing():
            return describe_bare(tensor, _IN_GRAPH)
        value = describe_bare(tensor)
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

        shown = preview(carrier.detach()) if shape_of(carrier) == value.shape else None
        value = replace(value, histogram=histogram(dense, value.statistics), preview=shown)
        if self._watch is not None:
            self._watch.keep(value, carrier)
        return value


def _is_overheard() -> bool:
    """Whether somebody hears of every operation here, or makes another one of it."""
    return bool(_modes() or _function_modes() or _transforms() is not None)


def _numbers(carrier: Tensor, words: str) -> tuple[Tensor, str]:
    """As `statistics.numbers`, with what the carrier's numbers are of."""
    dense, of = stats.numbers(carrier.detach())
    return dense, words if words and of == "values" else f"{of}, of {words}" if words else of


def _is_one_piece(tensor: Tensor) -> bool:
    """Whether its elements are real ones, one after another in memory, and few enough to be reduced at once."""
    if tensor.layout is not torch.strided or tensor.is_nested or tensor.is_quantized or not tensor.is_floating_point():
        return False
    return tensor.is_contiguous() and not tensor.is_neg() and 0 < tensor.numel() <= stats.CHUNK


class _Walk:
    """One value's structure, within a budget of parts and without following a cycle.

    Args:
        recognition: What was described before; None where nothing may be taken from there.
    """

    def __init__(self, summarizer: Summarizer, recognition: Recognition | None) -> None:
        self._summarizer = summarizer
        self._recognition = recognition
        self._left = MAX_PARTS
        self._open: set[int] = set()  # containers we are inside of
        self._deepest = 0
        self._found: list[SeenContainer] = []  # that were described before
        self._cuts = 0  # places where something was left out, or could not be read

    def describe(self, value: object, depth: int) -> Value:
        self._left -= 1
        try:
            return self._find(value, depth) or self._describe(value, depth)
        except Exception as error:  # no code of the object's own is meant to run, but who knows every object?
            return self._cut(value, f"cannot be read: {type(error).__name__}")

    def is_sure(self) -> bool:
        """Whether what was taken from before holds, as far as was looked; else it is to be described again."""
        if self._recognition is None or self._recognition.look_again(self._found):
            return True
        self._found.clear()
        self._left = MAX_PARTS
        return False

    def _describe(self, value: object, depth: int) -> Value:
        if objects.is_a(value, Tensor):
            return self._summarizer.tensor(value)  # type: ignore[arg-type]  # just asked
        if value is None:
            return _NONE
        if objects.is_a(value, objects.SCALARS):
            return objects.scalar(value)
        return self._composite(value, depth)

    def _cut(self, value: object, why: str) -> Value:
        self._cuts += 1
        return objects.other(value, why)

    def _composite(self, value: object, depth: int) -> Value:
        if id(value) in self._open:
            return self._cut(value, "itself again (a cycle)")
        if depth >= MAX_DEPTH and (objects.is_a(value, _CONTAINERS) or objects.is_dataclass(value)):
            return self._cut(value, f"nested deeper than {MAX_DEPTH} levels")
        if self._recognition is None:
            return self._enter(value, depth)
        return self._enter_and_keep(self._recognition, value, depth)

    def _find(self, value: object, depth: int) -> Value | None:
        """What was said of a container that is as it was."""
        if self._recognition is None:
            return None
        seen = self._recognition.find_container(value, outermost=depth == 0)
        if seen is None or seen.count > self._left or depth + seen.height >= MAX_DEPTH:
            return None
        self._left -= seen.count
        self._deepest = max(self._deepest, depth + seen.height)
        self._found.append(seen)
        self._summarizer.left_out += 0 if self._summarizer.statistics else len(seen.all)
        return seen.value

    def _enter_and_keep(self, recognition: Recognition, value: object, depth: int) -> Value:
        """Whatever was cut, within the budget of this walk, another walk may have room for: it is not kept."""
        parts = read_parts(value)
        left, cuts, deepest, self._deepest = self._left, self._cuts, self._deepest, depth
        found = self._enter(value, depth)
        if self._cuts == cuts:
            recognition.keep_container(value, parts, found, left - self._left, self._deepest - depth)
        else:
            recognition.forget_container(value)
        self._deepest = max(deepest, self._deepest)
        return found

    def _enter(self, value: object, depth: int) -> Value:
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
        shown = [item for _, item in islice(found.pairs, self._room(found.length))]
        return SequenceValue(
            objects.name_of_type(value),
            tuple([self.describe(item, depth + 1) for item in shown]),
            found.length,
            objects.field_names(value)[:MAX_ITEMS] if is_tuple else (),
            is_tuple,
        )

    def _mapping(self, value: object, pairs: Iterable[tuple[object, object]], length: int, depth: int) -> MappingValue:
        shown = list(islice(pairs, self._room(length)))
        items = tuple(self.describe(item, depth + 1) for _, item in shown)
        return MappingValue(objects.name_of_type(value), tuple(objects.key(key) for key, _ in shown), items, length)

    def _object(self, value: object, depth: int) -> Value:
        """An object that holds tensors (a cache, an output class with slots) is shown by its attributes."""
        attributes = objects.attributes(value)
        if not any(objects.is_a(held, _HOLDING) for held in attributes.values()):
            return objects.other(value, "")
        return (
            self._mapping(value, attributes.items(), len(attributes), depth)
            if depth < MAX_DEPTH
            else self._cut(value, "")
        )

    def _room(self, length: int) -> int:
        """For so many items."""
        room = max(0, min(MAX_ITEMS, self._left))
        self._cuts += room < length
        return room
