"""What is known of tensors that were described, as it is asked for of many at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from ....records import TensorValue, Value
from ..recognition import Recognition, SeenTensor


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

    def find_changed(self, known: Sequence[Any], tensors: Sequence[Tensor]) -> Sequence[int]:
        self._count(len(tensors))
        return ()


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
        changed = self._recognition.find_changed(known, tensors)
        if not changed:
            self.found += known
        return changed
