"""Rows that are made again each time they are asked for, of which there may be a million."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TypeVar, overload

Row = TypeVar("Row")


class MadeRows(Sequence[Row]):
    """A sequence that holds no row."""

    @abstractmethod
    def _row(self, index: int) -> Row:
        """The one with this number, from 0."""

    def __iter__(self) -> Iterator[Row]:
        return map(self._row, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        each = range(len(self))[index]
        return list(map(self._row, each)) if isinstance(each, range) else self._row(each)
