"""numpy's arrays."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from ..place import ITEM
from .containers import same
from .kind import Budget, Change, Kept, Parts

_SAMPLE = 10_000
"""Elements looked at of an array that is too large to be copied."""


class KeptArray(Kept):
    """`content` are its bytes, of an array of objects those; a sample of it where that was too much."""

    __slots__ = ("content", "form", "is_sample", "writeable")

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        plain = _plain(owner)
        self.form = _form(plain)
        self.writeable = plain.flags.writeable
        if plain.dtype.kind == "O":
            self.is_sample = not budget.take_items(plain.size)
        else:
            self.is_sample = plain.dtype.hasobject or not budget.take_bytes(plain.nbytes)
        self.content = self._read(plain)

    @classmethod
    def claims(cls, kind: type) -> bool:
        numpy = sys.modules.get("numpy")
        return numpy is not None and issubclass(kind, numpy.ndarray)

    def _read(self, plain: Any) -> Any:
        if self.is_sample:
            return plain.flat[:: max(plain.size // _SAMPLE, 1)].tobytes()
        return plain.ravel().tolist() if plain.dtype.kind == "O" else plain.tobytes()

    def parts(self) -> Parts:
        return ((ITEM, item) for item in self.content) if type(self.content) is list else ()

    def restore(self) -> Iterator[Change]:
        if _plain(self.owner).flags.writeable != self.writeable:
            _set_writeable(self.owner, self.writeable)
            yield Change("writeable")
        yield from self._restore()

    def _restore(self) -> Iterator[Change]:
        if _form(_plain(self.owner)) != self.form:
            self._reform()
            yield Change("form")
        plain = _plain(self.owner)
        now = self._read(plain)
        if same(now, self.content) if type(self.content) is list else now == self.content:
            return
        if self.is_sample:
            yield Change("", "too large to be copied")
        else:
            plain[...] = self._content_as(plain)
            yield Change()

    def _content_as(self, plain: Any) -> Any:
        numpy = sys.modules["numpy"]
        if type(self.content) is not list:
            return numpy.frombuffer(self.content, plain.dtype).reshape(plain.shape)
        items = numpy.empty(len(self.content), object)
        for index, item in enumerate(self.content):
            items[index] = item
        return items.reshape(plain.shape)

    def _reform(self) -> None:
        """It was resized, reshaped or given another dtype in place."""
        ndarray = sys.modules["numpy"].ndarray
        shape, dtype, strides = self.form
        if _plain(self.owner).dtype != dtype:
            vars(ndarray)["dtype"].__set__(self.owner, dtype)
        if _plain(self.owner).shape != shape:
            ndarray.resize(self.owner, shape, refcheck=False)
        if _plain(self.owner).strides != strides:
            vars(ndarray)["strides"].__set__(self.owner, strides)


def _plain(array: Any) -> Any:
    """Past whatever a subclass makes of its methods."""
    ndarray = sys.modules["numpy"].ndarray
    return ndarray.view(array, ndarray)


def _set_writeable(array: Any, writeable: bool) -> None:
    vars(sys.modules["numpy"].ndarray)["flags"].__get__(array).writeable = writeable


def _form(plain: Any) -> tuple[tuple[int, ...], Any, tuple[int, ...]]:
    return plain.shape, plain.dtype, plain.strides
