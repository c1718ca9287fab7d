"""A pickle read for what it would do, with nothing of it done: what it imports, how much it makes, where it ends.

A checkpoint with 300,000 names has 12 million operations. Those whose arguments have a fixed length are passed over
together, by a regular expression; what is left to look at one by one are strings and imports.
"""

from __future__ import annotations

import mmap
import pickletools
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from .bloat import MAX_IMPORTS, MAX_TEXT

Bytes = bytes | mmap.mmap

_LINE = 1 << 16
"""Bytes of an argument that ends with its line."""
_RUN = 2_000
"""Operations that one match passes over at most: a regular expression remembers each of them."""

_STOP, _GLOBAL, _INST, _STACK_GLOBAL, _MEMOIZE, _BINPUT = b".ci\x93\x94q"
_LONG_BINPUT = ord("r")
_TEXT_PUT, _TEXT_GET = b"pg"
_GETS = {ord("h"): 1, ord("j"): 4}
_PUTS = {_BINPUT: 1, _LONG_BINPUT: 4}
_STRINGS = frozenset(b"X\x8c\x8dV")
_MEMO = frozenset((*_GETS, *_PUTS, _MEMOIZE))
_NEVER_PASSED_OVER = frozenset((_STOP, _STACK_GLOBAL, _LONG_BINPUT))

_SIZES = {ord(op.code): op.arg.n if op.arg is not None else 0 for op in pickletools.opcodes}
_PREFIXES = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}


class UnreadableError(Exception):
    """A pickle that is cut off, too long or no pickle."""


class BloatedError(UnreadableError):
    """A pickle that makes too much. Carries why."""


class _NamesFromMemoError(Exception):
    """What is imported can only be told by following what the pickle remembers."""


@dataclass
class Told:
    """What a pickle would do. `imports` are module and name, `marks` those of the strings asked for that it has."""

    imports: dict[tuple[str, str], None] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)
    end: int = 0  # behind its last operation


def tell(data: Bytes, start: int, stop: int, most: int, marks: Collection[str] = ()) -> Told:
    """What the pickle does that begins at byte `start` and ends before `stop`.

    Args:
        data: It lies in these bytes.
        start: Its first byte.
        stop: How far is looked.
        most: Operations that it may have.
        marks: Strings to look for.

    Raises:
        UnreadableError: It is no pickle, or does not end in time; `BloatedError` where it makes too much.
    """
    stop = min(stop, len(data))
    try:
        return _Reader(data, start, stop, most, marks, follows_memo=False).read()
    except _NamesFromMemoError:
        return _Reader(data, start, stop, most, marks, follows_memo=True).read()


class _Reader:
    """One way through a pickle. One that `follows_memo` sees each string that is put away and fetched again: an import
    may take its names from there."""

    def __init__(
        self, data: Bytes, start: int, stop: int, most: int, marks: Collection[str], follows_memo: bool
    ) -> None:
        self._data, self._at, self._stop, self._most = data, start, stop, most
        self._longest = stop - start
        self._marks = {mark.encode(): mark for mark in marks}
        self._follows = follows_memo
        self._passed_over, self._one = _expressions(follows_memo, self._longest)
        self._counts = self._longest > most  # an operation takes a byte or more
        self._operations = 0
        self._memo: dict[int, str] = {}
        self._last = ("", "")
        self._told = Told()

    def read(self) -> Told:
        code = -1
        while code != _STOP:
            self._pass_over()
            code = self._next_code()
            self._carry_out(code)
        self._told.end = self._at
        return self._told

    def _pass_over(self) -> None:
        begin = self._at
        while (found := self._passed_over(self._data, self._at, self._stop)) and found.end() > self._at:
            self._at = found.end()
        if self._counts:
            self._count(sum(1 for _ in self._one(self._data, begin, self._at)))

    def _count(self, operations: int) -> None:
        self._operations += operations
        if self._operations > self._most:
            raise BloatedError(f"its pickle makes more than {self._most:,} objects")

    def _next_code(self) -> int:
        if self._at >= self._stop:
            raise UnreadableError
        self._at += 1
        if self._counts:
            self._count(1)
        return int(self._data[self._at - 1])

    def _carry_out(self, code: int) -> None:
        size = _SIZES.get(code)
        if size is None:
            raise UnreadableError
        if code == _STACK_GLOBAL:
            self._import_last()
        elif code in _MEMO:
            self._use_memo(code)
        elif size >= 0:
            self._take(size)
        elif size == pickletools.UP_TO_NEWLINE:
            self._take_line(code)
        else:
            self._take_text(code, _PREFIXES[size])

    def _take(self, size: int) -> bytes:
        if size > self._stop - self._at:
            raise UnreadableError
        self._at += size
        return bytes(self._data[self._at - size : self._at])

    def _take_number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "little")

    def _take_text(self, code: int, prefix: int) -> None:
        size = self._take_number(prefix)
        if MAX_TEXT < size <= self._stop - self._at:
            raise BloatedError(f"a value in its pickle takes {size:,} bytes")
        self._see(code, self._take(size))

    def _take_line(self, code: int) -> None:
        line = self._read_line()
        if code in (_GLOBAL, _INST):
            self._import(line.decode(), self._read_line().decode())
        elif code == _TEXT_PUT:
            self._put(int(line))
        elif code == _TEXT_GET:
            self._get(int(line))
        else:
            self._see(code, line)

    def _read_line(self) -> bytes:
        end = self._data.find(b"\n", self._at, min(self._at + _LINE, self._stop))
        if end < 0:
            raise UnreadableError
        return self._take(end + 1 - self._at)[:-1]

    def _see(self, code: int, text: bytes) -> None:
        if code not in _STRINGS:
            return
        if text in self._marks:
            self._told.marks.add(self._marks[text])
        if self._follows:
            self._last = self._last[1], text.decode("utf-8", "surrogatepass")

    def _use_memo(self, code: int) -> None:
        if code == _MEMOIZE:
            self._put(len(self._memo))
        elif code in _PUTS:
            self._put(self._take_number(_PUTS[code]))
        else:
            self._get(self._take_number(_GETS[code]))

    def _put(self, number: int) -> None:
        """Python makes room for as many objects as the highest number says."""
        if not 0 <= number <= self._longest:
            raise BloatedError(f"its pickle gives an object the number {number:,}")
        if self._follows:
            self._memo[number] = self._last[1]

    def _get(self, number: int) -> None:
        self._last = self._last[1], self._memo.get(number, "")

    def _import_last(self) -> None:
        if not self._follows:
            raise _NamesFromMemoError
        self._import(*self._last)

    def _import(self, module: str, name: str) -> None:
        self._told.imports[module, name] = None
        if len(self._told.imports) > MAX_IMPORTS:
            raise BloatedError(f"its pickle imports more than {MAX_IMPORTS:,} names")


Match = Callable[[Bytes, int, int], "re.Match[bytes] | None"]
Find = Callable[[Bytes, int, int], "Iterator[re.Match[bytes]]"]


@lru_cache(maxsize=32)
def _expressions(follows_memo: bool, longest: int) -> tuple[Match, Find]:
    """For a run of operations, and for one of them."""
    singly = _NEVER_PASSED_OVER | (_MEMO if follows_memo else frozenset())
    choices = [
        b"[%s]%s" % (b"".join(re.escape(bytes([code])) for code in sorted(codes)), b"." * size)
        for size, codes in _by_size(singly).items()
    ]
    if not follows_memo:
        choices.append(b"r%s" % _low_number(longest))
    one = b"|".join(choices)
    return (
        re.compile(b"(?s:%s){0,%d}" % (one, _RUN)).match,
        re.compile(b"(?s:%s)" % one).finditer,
    )


def _by_size(without: Collection[int]) -> dict[int, list[int]]:
    """Operations by the length of their argument, where that is fixed."""
    found: dict[int, list[int]] = {}
    for code, size in _SIZES.items():
        if size >= 0 and code not in without:
            found.setdefault(size, []).append(code)
    return found


def _low_number(longest: int) -> bytes:
    """For four bytes that are a number below `longest`; not for all of them."""
    high = longest >> 16
    return b"..[\\x00-\\x%02x]\\x00" % (high - 1) if 0 < high < 256 else b"...\\x00" if high else b"..\\x00\\x00"
