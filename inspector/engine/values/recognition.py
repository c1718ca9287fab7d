"""What was described in the running step, and is found again where it is seen again as it was.

A tensor is as it was when it is the same object with the same version, memory, shape, dtype and gradient flag, and its
numbers have the same sum, or are the same where they are few: `_version` alone does not move for writes through `.data`
or numpy. Nothing is kept alive.

To add up every tensor of a value that holds many, such as a key-value cache that each layer is handed again, would take
longer than the model. Of those one is added up at each sighting, in turn, and all when the outermost call returns. A
sum that is then another one is told (`doubts`), and from there on all are added up each time. What is not noticed: such
a write to a tensor that is dropped, or written to in the usual way, before its turn came.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from ctypes import string_at
from operator import attrgetter, is_
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from ...records import TensorValue
from .kernels import cpu_statistics
from .kernels.small_statistics import COPIED, TYPES, add_up_few
from .known.identities import ids_of
from .statistics import CHUNK

SUMS = 4
"""A value that holds no more tensors is known for certain each time: all are added up at each sighting."""
_SIGHTINGS = 100  # that are remembered one by one
_ROOM = 1_000  # tensors that are known before it is asked which of them are gone
_DOUBTS = 20

_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
# bytes of an element that is real
_SIZES = {each: each.itemsize for each in vars(torch).values() if type(each) is torch.dtype and not each.is_complex}
_dispatch_keys: Any = torch._C._dispatch_keys
_ORDINARY: int = _dispatch_keys(torch.empty(0)).raw_repr()
"""Of a tensor in the host's memory: no other layout, no transform, nothing lazy, and with a version."""
_address_of = Tensor.data_ptr
_version_of = attrgetter("_version")
see_looks: Callable[[Tensor], tuple[Any, ...]] = attrgetter("_version", "requires_grad", "shape", "dtype")


class SeenTensor:
    """An ordinary tensor when it was seen: one of torch's own with a version, real elements one after another in the
    host's memory, and few enough of them to be reduced at once. `looks` are version, gradient flag, shape and dtype,
    `size` is bytes of an element, `nbytes` those of its storage, `array` the elements where numpy adds them up."""

    __slots__ = ("address", "array", "elements", "looks", "nbytes", "ref", "size", "total", "turn", "value")

    total: float | bytes
    """Of its numbers: see `add_up`."""
    value: TensorValue
    turn: int
    """When it was last added up."""

    def __init__(
        self, tensor: Tensor, looks: tuple[Any, ...], address: int, elements: int, size: int, nbytes: int
    ) -> None:
        self.ref = weakref.ref(tensor)
        self.looks = looks
        self.address = address
        self.elements = elements
        self.size = size
        self.nbytes = nbytes
        self.array: Any = None

    def is_same(self, tensor: Tensor) -> bool:
        """Whether it is this one, as far as that can be said without a look at the numbers."""
        own: Any = self.ref()
        return own is tensor and see_looks(own) == self.looks and own.data_ptr() == self.address

    def adds_up(self, tensor: Tensor) -> bool:
        """Whether the numbers of this one, which `is_same`, are what they were. Its memory may be freed by now."""
        if tensor.untyped_storage().nbytes() != self.nbytes:
            return False
        return (add_up(tensor, self) if self.array is None else add_up_few(self.array)) == self.total


def see(tensor: Tensor) -> SeenTensor | None:
    """None where it is not ordinary."""
    kind = type(tensor)
    if not (kind is Tensor or kind is Parameter) or _dispatch_keys(tensor).raw_repr() != _ORDINARY:
        return None
    looks, elements, address = see_looks(tensor), tensor.numel(), tensor.data_ptr()
    size, nbytes = _SIZES.get(looks[3], 0), tensor.untyped_storage().nbytes()
    if not 0 < elements <= CHUNK or not size or not address or not tensor.is_contiguous():
        return None
    if (tensor.storage_offset() + elements) * size > nbytes:
        return None
    return SeenTensor(tensor, looks, address, elements, size, nbytes)


def add_up(tensor: Tensor, seen: SeenTensor) -> float | bytes:
    """What tells whether the numbers of an ordinary tensor are others: their sum, an integer where it is of the bits,
    as with a kernel, or where the numbers have none that would; of few numbers these themselves, which are copied
    sooner than added up."""
    bits = cpu_statistics.add_bits_at(seen.address, seen.elements, seen.size)
    if bits is not None:
        return bits
    if seen.elements * seen.size <= COPIED:
        return string_at(seen.address, seen.elements * seen.size)
    if seen.looks[1]:
        tensor = tensor.detach()
    if seen.looks[3] in TYPES:
        total: float = tensor.sum().item()
        if math.isfinite(total):
            return total
    return tensor.view(_BITS[seen.size]).sum().item()


class Recognition:
    """What was described since `end`."""

    def __init__(self) -> None:
        self.doubts: list[str] = []
        self._always = False  # add up every tensor at every sighting
        self._tensors: dict[int, SeenTensor] = {}
        self._room = _ROOM
        self._sightings: list[tuple[Sequence[SeenTensor], int]] = []  # trusted since `confirm`, and the turn
        self._trusted: dict[SeenTensor, int] = {}  # of more sightings, by the last turn
        self._turn = 0

    def find(self, tensor: Tensor) -> SeenTensor | None:
        """One that may be this, by all but the numbers."""
        seen = self._tensors.get(id(tensor))
        return seen if seen is not None and seen.is_same(tensor) else None

    def find_all(self, tensors: Sequence[Tensor]) -> list[SeenTensor] | None:
        """`find` of each, in half the time for many. None where one is not found."""
        found = [*map(self._tensors.get, map(id, tensors))]
        seen = [each for each in found if each is not None]
        if len(seen) < len(found) or not all(map(is_, tensors, [each.ref() for each in seen])):
            return None
        same = [each.looks for each in seen] == [*map(see_looks, tensors)]
        return seen if same and [each.address for each in seen] == [*map(_address_of, tensors)] else None

    def find_changed(self, known: Sequence[SeenTensor], tensors: Sequence[Tensor]) -> Sequence[int]:
        """Which of the tensors, that look as these did, are others, or were written to."""
        refs = tuple([each.ref() for each in known])
        if (
            ids_of(refs) == ids_of(tuple(tensors))
            and [each.looks[0] for each in known] == [*map(_version_of, tensors)]
            and [each.address for each in known] == [*map(_address_of, tensors)]
        ):
            return ()
        both = zip(known, tensors, strict=True)
        return [number for number, (each, tensor) in enumerate(both) if not each.is_same(tensor)]

    def find_surely(self, tensor: Tensor) -> TensorValue | None:
        """What was said of `tensor`, if that holds."""
        seen = self._tensors.get(id(tensor))
        if seen is None or not seen.is_same(tensor):
            return None
        if seen.adds_up(tensor):
            seen.turn = self._turn
            return seen.value
        self._doubt(seen)
        return None

    def keep(self, tensor: Tensor, seen: SeenTensor) -> None:
        if len(self._tensors) >= self._room:  # a pass may see a million, of which few are there at once
            self._tensors = {key: each for key, each in list(self._tensors.items()) if each.ref() is not None}
            self._room = max(_ROOM, 2 * len(self._tensors))
        seen.turn = self._turn
        self._tensors[id(tensor)] = seen

    def trust(self, found: Sequence[SeenTensor]) -> bool:
        """Those of one value were found: add up one of them, and take the others for the same until `confirm`. False
        where one is not the same."""
        self._turn = turn = self._turn + 1
        if self._always or len(found) <= SUMS:
            return all([self._look_at(seen) for seen in found])
        self._always = not self._look_at(found[turn % len(found)])
        self._sightings.append((found, turn))
        if len(self._sightings) > _SIGHTINGS:
            self._gather()
        return not self._always

    @property
    def trusts(self) -> bool:
        """Whether something was taken for the same since `confirm`."""
        return bool(self._sightings or self._trusted)

    def confirm(self) -> None:
        """Add up all that was trusted."""
        for seen, turn in list(self._gather().items()):
            if turn > seen.turn:
                self._look_at(seen)
        self._trusted.clear()

    def _gather(self) -> dict[SeenTensor, int]:
        """What was trusted, and the turn of the last sighting."""
        sightings = self._sightings[:]
        for (found, turn), (later, _) in zip(sightings, [*sightings[1:], (None, 0)], strict=False):
            if later is not found:
                self._trusted.update(dict.fromkeys(found, turn))
        del self._sightings[: len(sightings)]  # and none that another thread had since
        return self._trusted

    def end(self) -> None:
        """Nothing is known from here on."""
        self._tensors.clear()

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
        if self._gather().get(seen, -1) <= seen.turn:
            return
        seen.turn, self._always = self._turn, True
        if len(self.doubts) < _DOUBTS:
            shape = "×".join(map(str, seen.value.shape)) or "scalar"
            self.doubts.append(
                f"a tensor ({shape}, in a container of many) was written to through .data or numpy, and where it was "
                "seen last its statistics may be those from before"
            )
