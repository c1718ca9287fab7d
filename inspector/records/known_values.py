"""Values that come again, told once: in the place of a container that was told before stands its number.

`Shortener` and `Restorer` go through the same values in the same order, and number each container after what it holds.
"""

from __future__ import annotations

from operator import is_

from msgspec.structs import replace

from .values import KnownValue, MappingValue, SequenceValue, Value

MOST = 50_000
"""Values within one, however they are told: more is not a value that somebody described."""


class Shortener:
    """Of values that are told one after the other. Keeps those that it numbered."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Value, KnownValue]] = {}  # by `id`, in the order of their numbers

    def shorten(self, value: Value) -> Value:
        """`value` with a number in the place of each container in it that was told before, or of itself."""
        if not isinstance(value, SequenceValue | MappingValue):
            return value
        known = self._known.get(id(value))
        if known is not None:
            return known[1]
        shorter = self.shorten_items(value)
        self._known[id(value)] = value, KnownValue("…", "", len(self._known))
        return shorter

    def shorten_items(self, value: MappingValue | SequenceValue) -> MappingValue | SequenceValue:
        """As `shorten`, for one that gets no number."""
        items = tuple([self.shorten(item) for item in value.items])
        return value if all(map(is_, items, value.items)) else replace(value, items=items)

    def mark(self) -> int:
        """For `forget_since`."""
        return len(self._known)

    def forget_since(self, mark: int) -> None:
        """What was shortened since then was not told after all."""
        while len(self._known) > mark:
            self._known.popitem()


class Restorer:
    """Gives back what a `Shortener` was given. Containers that were one are one again."""

    def __init__(self) -> None:
        self._known: list[tuple[Value, int]] = []  # and how many values they are

    def restore(self, value: Value) -> Value:
        """Raises `ValueError` where that is not what was told."""
        return self._restore(value)[0]

    def _restore(self, value: Value) -> tuple[Value, int]:
        if isinstance(value, KnownValue):
            if value.number >= len(self._known):
                raise ValueError(f"nothing was told under the number {value.number}")
            return self._known[value.number]
        if not isinstance(value, SequenceValue | MappingValue):
            return value, 1
        restored = self._restore_items(value)
        self._known.append(restored)
        return restored

    def restore_items(self, value: MappingValue) -> MappingValue:
        """As `restore`, for one that got no number."""
        restored = self._restore_items(value)[0]
        assert isinstance(restored, MappingValue)  # as it was given
        return restored

    def _restore_items(self, value: MappingValue | SequenceValue) -> tuple[MappingValue | SequenceValue, int]:
        found = [self._restore(item) for item in value.items]
        count = 1 + sum(each for _, each in found)
        if count > MOST:
            raise ValueError(f"a value of more than {MOST} values")
        items = tuple([item for item, _ in found])
        return (value if all(map(is_, items, value.items)) else replace(value, items=items)), count
