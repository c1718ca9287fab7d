"""Any value a module takes or returns -> a `Value`. Never raises, never keeps the value, bounded in size and cost.

A value that was seen a moment ago and did not change since (an output that is the next module's input) is recognised
and not reduced again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from ctypes import string_at
from itertools import islice
from operator import attrgetter
from typing import Any

import torch
from numpy import frombuffer
from torch import Tensor
from torch.nn import Parameter

from ...records import MappingValue, OtherValue, Statistics, TensorValue, Value
from . import objects
from . import statistics as stats
from .bare_tensor import describe_bare, describe_refusing, shape_of
from .histogram import histogram
from .kernels import cpu_statistics
from .kernels.small_statistics import ADDED, COPIED, COPIED_TYPES, add_up_few, is_small, look_at, reduce, reduce_few
from .known.leaves import LEAVES
from .known.look_at_objects import look_at_list
from .known.look_at_rows import Looking
from .known.memories import SeenMemory, ShapeMemory
from .known.records import MAX_ITEMS, Records
from .known.seen_objects import SeenObject
from .preview import preview
from .recognition import SUMS, Recognition, SeenTensor, add_up, see
from .unwrap import modes_act, numbers_of, outside_modes, outside_transforms
from .walk import DICT, MAX_PARTS, TUPLE, Walk
from .watch import Watch

_IN_GRAPH = "no statistics: this call is recorded into a CUDA graph, and computes nothing"
_look = attrgetter("shape", "dtype", "requires_grad", "layout", "is_cpu")
_transforms: Any = torch._C._functorch.peek_interpreter_stack
_modes: Any = torch._C._len_torch_dispatch_stack
_function_modes: Any = torch._C._len_torch_function_stack
_function_modes_rest: Any = torch._C._is_torch_function_all_disabled


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
        self._records = Records()
        self._memory = ShapeMemory(self._shapes, _look, self._count_left_out)
        self._recognition = Recognition()
        self._looking = Looking(
            self._records,
            SeenMemory(self._recognition) if statistics else self._memory,
            self._describe_parts,
        )

    def describe(self, value: object) -> Value:
        """What `value` is now. Runs other people's code nowhere but inside tensors' own operations."""
        kind = type(value)
        if kind is Tensor and not self.statistics:
            try:
                known = self._shapes.get(_look(value))
            except Exception:  # it refuses to be looked at, as a nested one does: there are other ways
                known = None
            if known is not None:
                self.left_out += 1
                return known
        if kind is Tensor or kind is Parameter:
            return self.tensor(value)  # type: ignore[arg-type]  # narrowed by the exact-type test
        leaf = LEAVES.get(id(kind))
        if leaf is not None:
            return leaf(value)
        if kind is tuple and (few := self._describe_few(value)) is not None:  # type: ignore[arg-type]  # as above
            return few
        if self.values or _is_overheard():
            return Walk(self._records, self.tensor).describe(value)
        seen = self._records.objects.get(id(value))
        if seen is not None and seen.in_list is not None and seen.kind is kind:
            again = self._look_at_list(value, seen)
            if again is not None:
                return again
        if not self.statistics:
            return Walk(self._records, self.tensor, self.describe, self._memory).describe(value)
        return self._describe_again(value)

    def _describe_few(self, value: tuple[object, ...]) -> Value | None:
        """A tuple of few tensors of torch's own, and of what holds nothing: as a walk would, which takes three times as
        long. None of any other."""
        if len(value) > SUMS:
            return None
        for part in value:
            if type(part) is not Tensor and id(type(part)) not in LEAVES:
                return None
        return self._records.sequence(TUPLE, tuple(self._describe_parts(value)), len(value))

    def _look_at_list(self, value: object, seen: SeenObject) -> Value | None:
        """At an object such as a key-value cache, of which few things change: as a walk would, and sooner."""
        found = look_at_list(self._looking, value, seen)
        if found is None or found.room > MAX_PARTS:
            self._records.objects.pop(id(value), None)  # a walk makes another one
            return None
        if not self.statistics:
            self.left_out += len(found.rows.known)
            return found.record
        return found.record if self._recognition.trust(found.rows.known) else None

    def _describe_parts(self, held: Sequence[object]) -> list[Value]:
        """Of tensors of torch's own, and of what holds nothing."""
        tensor = self.tensor if self.statistics else self.describe
        return [tensor(part) if type(part) is Tensor else LEAVES[id(type(part))](part) for part in held]

    def _describe_again(self, value: object) -> Value:
        """What of `value` was described before is not reduced again."""
        memory = SeenMemory(self._recognition)

        def describe(tensor: Tensor) -> TensorValue:
            seen = self._recognition.find(tensor)
            if seen is None:
                return self.tensor(tensor)
            memory.found.append(seen)
            return seen.value

        described = Walk(self._records, describe, memory=memory).describe(value)
        if not memory.found or self._recognition.trust(memory.found):
            return described
        return Walk(self._records, self.tensor).describe(value)

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
        keys = tuple(islice(kwargs, MAX_ITEMS))
        names = self._records.names(keys) or tuple(map(objects.key, keys))
        items, leaf_of = [], LEAVES.get
        for value in islice(kwargs.values(), MAX_ITEMS):
            leaf = leaf_of(id(type(value)))
            items.append(self.describe(value) if leaf is None else leaf(value))
        return self._records.mapping(DICT, names, tuple(items), len(kwargs))

    def tensor(self, tensor: Tensor) -> TensorValue:
        kind = type(tensor)
        try:
            if (kind is Tensor or kind is Parameter) and not _is_overheard():
                return self._reduce(tensor) if self.statistics else self._shape_only(tensor)
            with torch._C.DisableTorchFunctionSubclass():
                if not self.statistics:
                    return self._shape_only(tensor)
                if _transforms() is None and not modes_act():
                    return self._reduce(tensor)
                with outside_transforms(), outside_modes():
                    return self._reduce(tensor)
        except Exception as error:  # a tensor may refuse any operation; what it is can still be said
            return describe_refusing(tensor, error)

    def _shape_only(self, tensor: Tensor) -> TensorValue:
        """A pass sees the same few shapes again and again, and making a record costs more than finding it."""
        self.left_out += 1
        if type(tensor) is not Tensor or tensor.is_nested:
            return describe_bare(tensor, self._why)
        return self._find_bare(tensor)

    def _find_bare(self, tensor: Tensor) -> TensorValue:
        """The record of all tensors of torch's own that look so."""
        looks: tuple[object, ...] = _look(tensor)
        if not looks[-1]:
            looks = (*looks, tensor.device)
        known = self._shapes.get(looks)
        if known is None:
            known = self._shapes[looks] = describe_bare(tensor, self._why)
        return known

    def _count_left_out(self, tensors: int) -> None:
        self.left_out += tensors

    def confirm(self) -> None:
        """Look at the numbers of all that was taken for the same without that."""
        if self._recognition.trusts:
            with outside_transforms(), outside_modes():
                self._recognition.confirm()

    def resolve(self) -> list[str]:
        """Complete the statistics that are still on their devices. Nothing described before is complete until then.
        Gives what is to be said of those that may not be right."""
        self.confirm()
        self._recognition.end()
        self._records.clear()
        self._pending.resolve()
        doubts, self._recognition.doubts = self._recognition.doubts, []
        return doubts

    @property
    def is_waiting(self) -> bool:
        """Whether statistics are still on their devices."""
        return bool(self._pending.waiting)

    def _reduce(self, tensor: Tensor) -> TensorValue:
        if not self.values:
            if (known := self._recognition.find_surely(tensor)) is not None:
                return known
            if (seen := see(tensor)) is not None:
                return self._remember(tensor, seen)
            if (row := stats.reduce_in_one_launch(tensor)) is not None:
                bare = self._find_bare(tensor) if type(tensor) is Tensor else describe_bare(tensor)
                value = _complete(bare, None)
                self._pending.add(value, [row], 1, "values")
                return value
        carrier, words = numbers_of(tensor)
        if carrier is None:
            return describe_bare(tensor, words)
        if carrier.device.type != "cpu":
            return self._defer(tensor, carrier, words)
        return self._now(tensor, carrier, words)

    def _remember(self, tensor: Tensor, seen: SeenTensor) -> TensorValue:
        row = cpu_statistics.reduce_at(seen.address, seen.elements, seen.looks[3])
        if row is None:
            summary = _reduce_plainly(tensor, seen)
        else:
            seen.total = row[5]
            summary = stats.finish_row(row, seen.elements)
        if summary is None:
            total = seen.total if type(seen.total) is float else None
            summary = stats.finish([stats.reduce_on_host(tensor.detach().view(-1), total)], 1, "values")
        # as `describe_bare` has it, which is asked for each shape once
        looks = seen.looks[1:]
        bare = self._shapes.get(looks) if type(tensor) is Tensor else describe_bare(tensor)
        if bare is None:
            bare = self._shapes[looks] = describe_bare(tensor)
        seen.value = _complete(bare, summary)
        self._recognition.keep(tensor, seen)
        return seen.value

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


def _reduce_plainly(tensor: Tensor, seen: SeenTensor) -> Statistics | None:
    """Without a kernel; None where it is not for numpy, or where that does not know all. Adds it up as well."""
    count, dtype, nbytes = seen.elements, seen.looks[3], seen.elements * seen.size
    if nbytes <= COPIED:
        seen.total = data = string_at(seen.address, nbytes)
        kind = COPIED_TYPES.get(dtype)
        return None if kind is None else stats.finish_sums(*reduce_few(frombuffer(data, kind)), count)
    if not is_small(count, dtype):
        seen.total = add_up(tensor, seen)
        return None
    array = look_at(seen.address, count, dtype)
    low, high, zeros, squares = reduce(array)
    if count <= ADDED and math.isfinite(total := add_up_few(array)):
        seen.array, seen.total = array, total
        return stats.finish_sums(low, high, zeros, squares, total, count)
    seen.total = add_up(tensor, seen)
    return stats.finish_sums(low, high, zeros, squares, seen.total, count) if type(seen.total) is float else None


def _complete(bare: TensorValue, summary: Statistics | None) -> TensorValue:
    """A record of its own; without a summary it is to come."""
    return TensorValue(
        bare.shape, bare.dtype, bare.device, bare.requires_grad, bare.type, bare.layout, bare.nbytes, summary
    )


def _is_overheard() -> bool:
    """Whether somebody hears of every operation here, or makes another one of it."""
    return bool(_modes() or (_function_modes() and not _function_modes_rest()) or _transforms() is not None)


def _numbers(carrier: Tensor, words: str) -> tuple[Tensor, str]:
    """As `statistics.numbers`, with what the carrier's numbers are of."""
    dense, of = stats.numbers(carrier.detach())
    return dense, words if words and of == "values" else f"{of}, of {words}" if words else of


def _is_one_piece(tensor: Tensor) -> bool:
    """Whether its elements are real ones, one after another in memory, and few enough to be reduced at once."""
    if tensor.layout is not torch.strided or tensor.is_nested or tensor.is_quantized or not tensor.is_floating_point():
        return False
    return tensor.is_contiguous() and not tensor.is_neg() and 0 < tensor.numel() <= stats.CHUNK
