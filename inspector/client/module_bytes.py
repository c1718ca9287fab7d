"""The modules of very many calls, so that those of some modules are found at the speed of memory.

Calls that follow each other are of modules that lie near each other, so all but the lowest byte of their numbers is
the same for many: of those, one table tells which are meant.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator
from itertools import groupby, repeat
from operator import rshift

_FEWEST = 16
"""Calls in a run, on average, below which tables take longer than a look at each."""

Runs = list[tuple[int, int]]
"""How many calls follow each other, and what their modules' numbers are above the lowest byte."""


class ModuleBytes:
    """Of each call its module, in the order in which they are put in."""

    def __init__(self) -> None:
        self._pages: list[tuple[bytes, Runs] | array[int]] = []

    def extend(self, modules: array[int]) -> None:
        """Calls of these modules follow."""
        runs = [(len(list(run)), high) for high, run in groupby(map(rshift, modules, repeat(8)))]
        if len(runs) * _FEWEST > len(modules):
            self._pages.append(modules)
            return
        first = 0 if sys.byteorder == "little" else modules.itemsize - 1
        self._pages.append((modules.tobytes()[first :: modules.itemsize], runs))

    def flag(self, wanted: Iterable[int], most: int) -> bytes:
        """A 1 for each call of a wanted module, a 0 for any other; no module has a number of `most` or more."""
        meant = bytearray(most + 256)
        for module in wanted:
            meant[module] = 1
        return b"".join(self._flag(meant))

    def _flag(self, meant: bytearray) -> Iterator[bytes]:
        for page in self._pages:
            if isinstance(page, array):
                yield bytes(map(meant.__getitem__, page))
                continue
            low, runs = page
            start = 0
            for length, high in runs:
                table = meant[high << 8 : (high + 1) << 8]
                yield low[start : start + length].translate(table) if 1 in table else bytes(length)
                start += length
