"""What was described in the running step, and is found again where it is seen again as it was.

A tensor is as it was when it is the same object with the same version, memory, shape, dtype and gradient flag, and its
numbers have the same sum: `_version` alone does not move for writes through `.data` or numpy. A container is as it was
when it holds the same objects and each of those is as it was. Nothing is kept alive but names and plain numbers.

To add up every tensor of a container of many, such as a key-value cache that each layer is handed again, would take
longer than the model. Of those a few are added up at each sighting, in turn, and all when the outermost call returns. A
sum that is then another one is told (`doubts`), and from there on all are added up each time. What is not noticed: such
a write to a tensor that is dropped, or written to in the usual way, before its turn came.
"""

from __future__ import annotations

import enum
import math
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from ...records import TensorValue, Value
from ..source.running import Types, variables
from . import objects
from .kernels import cpu_statistics
from .per_type import PerType
from .statistics import CHUNK

MAX_ITEMS = 100
"""Items shown of one container."""
SUMS = 4
"""Tensors that are added up at a sighting of a container; one that holds no more is known for certain each time."""
_DOUBTS = 20

_FIXED = Types(
    bool, int, float, complex, str, bytes, type(None),
    torch.dtype, torch.device, torch.layout, torch.memory_format,
)  # fmt: skip
"""What nothing can change."""
_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
_SUMMED = (torch.float32, torch.float64)
"""Whose sum is one of the numbers themselves, where it is finite."""
_strided = torch.strided
_is_wrapped: Callable[[Tensor], bool] = torch._C._functorch.is_functorch_wrapped_tensor
_is_functional: Callable[[Tensor], bool] = torch._is_functional_tensor
_has_storage: Any = torch._C._has_storage

Read = Callable[[Any], "tuple[object, ...] | None"]


def is_ordinary(tensor: Tensor) -> bool:
    """Whether it is one of torch's own with a version, real elements one after another in the host's memory, and few
    enough of them to be reduced at once."""
    return bool(
        is_versioned(tensor)
        and tensor.is_cpu
        and 0 < (elements := tensor.numel()) <= CHUNK
        and tensor.is_contiguous()
        and not (tensor.is_complex() or tensor.is_quantized or tensor.is_neg())
        and (tensor.storage_offset() + elements) * tensor.element_size() <= tensor.untyped_storage().nbytes()
        and tensor.data_ptr() != 0
    )


def is_versioned(tensor: Tensor) -> bool:
    """Whether it is one of torch's own that counts what is written to it."""
    kind = type(tensor)
    return (
        (kind is Tensor or kind is Parameter)
        and tensor.layout is _strided
        and not (tensor.is_nested or tensor.is_inference() or _is_wrapped(tensor) or _is_functional(tensor))
        and _has_storage(tensor)
        and not tensor._is_zerotensor()
    )


def add_up(tensor: Tensor) -> float:
    """A sum that tells whether the numbers of an ordinary tensor are others: an integer where it is of the bits, as
    with a kernel, or where the numbers have none that would."""
    if tensor.requires_grad:
        tensor = tensor.detach()
    if (bits := cpu_statistics.add_bits(tensor)) is not None:
        return bits
    if tensor.dtype in _SUMMED:
        total: float = tensor.sum().item()
        if math.isfinite(total):
            return total
    return tensor.view(_BITS[tensor.element_size()]).sum().item()


class SeenTensor:
    """A tensor that was described; `turn` is when it was last added up."""

    __slots__ = ("_address", "_dtype", "_graded", "_nbytes", "_shape", "_version", "ref", "total", "turn", "value")

    def __init__(self, tensor: Tensor, value: TensorValue, total: float = 0.0) -> None:
        self.ref = weakref.ref(tensor)
        self.value = value
        self.total = total
        self.turn = 0
        self._version = tensor._version
        self._graded = tensor.requires_grad
        self._address = tensor.data_ptr()
        self._shape = tensor.shape
        self._dtype = tensor.dtype
        self._nbytes = tensor.untyped_storage().nbytes()

    def is_same(self, tensor: object) -> bool:
        """Whether it is this one, as far as that can be said without a look at the numbers."""
        own = self.ref()
        return (
            own is tensor
            and own is not None
            and own._version == self._version
            and own.data_ptr() == self._address
            and own.requires_grad is self._graded
            and own.shape == self._shape
            and own.dtype is self._dtype
        )

    def adds_up(self, tensor: Tensor) -> bool:
        """Whether the numbers of this one, which `is_same`, are what they were. Its memory may be freed by now."""
        return tensor.untyped_storage().nbytes() == self._nbytes and add_up(tensor) == self.total


class SeenContainer:
    """A container that was described whole: what it held, by `id`, and how much of a walk's budget that took. `turn` is
    when it was last found to be the same, `trusted` when that was taken for certain without a look at all numbers."""

    __slots__ = (
        "all", "count", "fixed", "height", "ids", "inner", "kind", "read", "tensors", "trusted", "turn", "value",
    )  # fmt: skip

    def __init__(
        self, kind: type, read: Read, parts: tuple[object, ...], value: Value, count: int, height: int
    ) -> None:
        self.kind = kind
        self.read = read
        self.ids = tuple(map(id, parts))
        self.value = value
        self.turn = self.trusted = -1
        self.count = count
        self.height = height
        self.tensors: list[tuple[int, SeenTensor]] = []
        self.inner: list[tuple[int, SeenContainer]] = []
        self.all: tuple[SeenTensor, ...] = ()  # those of the inner ones as well
        self.fixed: list[object] = []  # kept, so that nothing else gets their ids

    def complete(self) -> None:
        """All its parts are known."""
        own = [seen for _, seen in self.tensors]
        self.all = (*own, *(seen for _, inner in self.inner for seen in inner.all))


class Recognition:
    """What was described since `end`.

    Args:
        sums: Numbers were looked at as well: a description holds as long as they are the same.
    """

    def __init__(self, sums: bool) -> None:
        self.doubts: list[str] = []
        self._sums = sums
        self._always = False  # add up every tensor at every sighting
        self._tensors: dict[int, SeenTensor] = {}
        self._containers: dict[int, SeenContainer] = {}
        self._trusted: list[SeenContainer] = []  # since `confirm`
        self._turn = 0

    def begin(self) -> None:
        """Another value is looked at: whatever was found the same before may have changed since."""
        self._turn += 1

    def find_tensor(self, tensor: Tensor) -> TensorValue | None:
        """What was said of `tensor`, if that holds."""
        seen = self._tensors.get(id(tensor))
        if seen is None or not seen.is_same(tensor) or not self._adds_up(seen, tensor):
            return None
        return seen.value

    def keep_tensor(self, tensor: Tensor, total: float, value: TensorValue) -> None:
        self._tensors[id(tensor)] = SeenTensor(tensor, value, total)

    def find_container(self, value: object, outermost: bool) -> SeenContainer | None:
        """What was said of `value`, if that holds; `outermost` where it is not within another container."""
        seen = self._containers.get(id(value))
        if seen is None or not self._is_same(seen, value):
            return None
        if not self._sums:
            return seen
        if self._always or (outermost and len(seen.all) <= SUMS):
            return seen if all([self._look_at(each) for each in seen.all]) else None
        if seen.trusted < 0:
            self._trusted.append(seen)
        seen.trusted = self._turn
        return seen

    def _is_same(self, seen: SeenContainer, value: Any) -> bool:
        if seen.turn == self._turn:
            return True
        if type(value) is not seen.kind:
            return False
        parts = seen.read(value)
        if parts is None or tuple(map(id, parts)) != seen.ids:
            return False
        for position, tensor in seen.tensors:
            if not tensor.is_same(parts[position]):
                return False
        for position, inner in seen.inner:
            part = parts[position]
            if self._containers.get(id(part)) is not inner or not self._is_same(inner, part):
                return False
        seen.turn = self._turn
        return True

    def keep_container(
        self, value: object, parts: tuple[object, ...] | None, described: Value, count: int, height: int
    ) -> None:
        """`described` is all there is to say of `value`, which held `parts` when that began."""
        self._containers.pop(id(value), None)
        read = _reader_of(type(value))
        if parts is None or read is None:
            return
        made = SeenContainer(type(value), read, parts, described, count, height)
        for position, part in enumerate(parts):
            inner = self._containers.get(id(part))
            if inner is not None and inner.kind is type(part):
                made.inner.append((position, inner))
            elif _is_fixed(part):
                made.fixed.append(part)
            elif (known := self._known(part)) is not None:
                made.tensors.append((position, known))
            else:
                return
        made.complete()
        self._containers[id(value)] = made

    def forget_container(self, value: object) -> None:
        """It was described in part only, or another had its `id`."""
        self._containers.pop(id(value), None)

    def _known(self, part: Any) -> SeenTensor | None:
        if not objects.is_a(part, Tensor):
            return None
        seen = self._tensors.get(id(part))
        if seen is not None and seen.ref() is part:
            return seen
        if self._sums or not is_versioned(part):
            return None
        seen = self._tensors[id(part)] = SeenTensor(part, _UNSAID)
        return seen

    def look_again(self, found: Sequence[SeenContainer]) -> bool:
        """Add up a few tensors of those that were found now. False where one is not the same."""
        if not self._sums or not found:
            return True
        tensors = found[self._turn % len(found)].all
        first = self._turn * SUMS % max(len(tensors), 1)
        return all([self._look_at(each) for each in tensors[first : first + SUMS]])

    def confirm(self) -> None:
        """Add up all that was trusted."""
        for seen in {each: None for container in self._trusted for each in container.all}:
            self._look_at(seen)
        for container in self._trusted:
            container.trusted = -1
        self._trusted.clear()

    def end(self) -> None:
        """Nothing is known from here on."""
        self._tensors.clear()
        self._containers.clear()

    def _look_at(self, seen: SeenTensor) -> bool:
        tensor = seen.ref()
        if tensor is None or not seen.is_same(tensor):
            return True  # it is another one by now, and is described so where it is seen
        return self._adds_up(seen, tensor)

    def _adds_up(self, seen: SeenTensor, tensor: Tensor) -> bool:
        if seen.adds_up(tensor):
            seen.turn = self._turn
            return True
        self._doubt(seen)
        return False

    def _doubt(self, seen: SeenTensor) -> None:
        """Its numbers changed, and nothing told so; sightings before this one may have come after that."""
        self._tensors.pop(id(seen.ref()), None)
        self._containers.clear()
        if not any(each.trusted > seen.turn and seen in each.all for each in self._trusted):
            return
        seen.turn, self._always = self._turn, True
        if len(self.doubts) < _DOUBTS:
            shape = "×".join(map(str, seen.value.shape)) or "scalar"
            self.doubts.append(
                f"a tensor ({shape}, in a container of many) was written to through .data or numpy, and where it was "
                "seen last its statistics may be those from before"
            )


_UNSAID = TensorValue((), "?", "?")


def read_parts(value: object) -> tuple[object, ...] | None:
    """Everything that the description of a container depends on, keys included; None of what cannot be said so, or is
    too much."""
    read = _reader_of(type(value))
    return None if read is None else read(value)


def _is_fixed(part: object) -> bool:
    return type(part) in _FIXED or objects.is_a(part, (enum.Enum, type))


def _find_reader(kind: type) -> Read | None:
    if issubclass(kind, dict):
        return _read_dict
    for builtin in objects.SEQUENCES:
        if issubclass(kind, builtin):
            return _sequence_reader(builtin)
    if objects.is_named(kind) or issubclass(kind, Tensor):
        return None
    return _read_attributes if objects.slots(kind) else _read_variables


def _read_dict(value: Any) -> tuple[object, ...] | None:
    return (*dict.__iter__(value), *dict.values(value)) if dict.__len__(value) <= MAX_ITEMS else None


def _sequence_reader(builtin: Any) -> Read:
    def read(value: Any) -> tuple[object, ...] | None:
        return tuple(builtin.__iter__(value)) if builtin.__len__(value) <= MAX_ITEMS else None

    return read


def _read_attributes(value: Any) -> tuple[object, ...] | None:
    return _read_dict(objects.attributes(value))


def _read_variables(value: Any) -> tuple[object, ...] | None:
    return _read_dict(variables(value))


_reader_of = PerType(_find_reader)
