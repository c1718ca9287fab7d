"""What is known of tensors that were described, as it is asked for of many at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from operator import attrgetter, is_
from typing import Any

from torch import Tensor

from ....records import TensorValue, Value
from ..recognition import Recognition, SeenTensor

_TENSOR = repeat(Tensor)
_is_nested = attrgetter("is_nested")  # torch's own question how such a one looks would end the process


class ShapeMemory:
    """Where nothing is said but what they look like.

    Args:
        shapes: What is said of those that look so.
        look: At a tensor; may raise a RuntimeError.
        count: Is told how many were seen again.
    """

    def __init__(
        self,
        shapes: Mapping[tuple[object, ...], TensorValue],
        look: Callable[[Tensor], tuple[object, ...]],
        count: Callable[[int], None],
    ) -> None:
        self._shapes, self._look, self._count = shapes, look, count

    def recall(self, tensors: Sequence[Tensor]) -> Sequence[Any] | None:
        try:
            known = [*map(self._shapes.get, map(self._look, tensors))]
        except RuntimeError:  # a nested one has no shape
            return None
        return known if all(known) else None

    def values(self, known: Sequence[Any]) -> Sequence[Value]:
        return known

    def find_changed(self, known: Sequence[Any], tensors: Sequence[Any]) -> Sequence[int]:
        if all(map(is_, map(type, tensors), _TENSOR)) and not any(map(_is_nested, tensors)):
            return ()
        return [number for number, each in enumerate(tensors) if type(each) is not Tensor or each.is_nested]

    def see_again(self, known: Sequence[Any]) -> None:
        self._count(len(known))


class SeenMemory:
    """Where their numbers are looked at as well. `found` are those that were seen again."""

    def __init__(self, recognition: Recognition) -> None:
        self._recognition = recognition
        self.found: list[SeenTensor] = []

    def recall(self, tensors: Sequence[Tensor]) -> Sequence[Any] | None:
        return self._recognition.find_all(tensors)

    def values(self, known: Sequence[Any]) -> Sequence[Value]:
        return [seen.value for seen in known]

    def find_changed(self, known: Sequence[Any], tensors: Sequence[Tensor]) -> Sequence[int]:
        return self._recognition.find_changed(known, tensors)

    def see_again(self, known: Sequence[Any]) -> None:
        self.found += known
