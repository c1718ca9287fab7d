"""How a call log lies in its file, for who writes it and who reads it.

    0 .. 64 KiB    what faulthandler writes: where Python was when the process died, or when it was asked
    then           the header: the mark of the step that runs, 0 where none does, and entries that found no room
    then           slots of one size (`Tag`): modules that were entered, calls that returned, tensors, containers
    then           bodies of the step, of any size: a `Began`, values, and containers that no slot has room for
    .. the end     bodies that stay when the step is over, the newest first: names, and what many values have in common

A slot ends with the mark of its step and its tag, which are written last: one that a step before left there, or that
the process died in, is none of this step. Whatever is told is told once, and where that is stands for it from then on,
counted from the header.
"""

from __future__ import annotations

import enum
import struct

from ..records import CallStatus, Path
from ..records.base import Count, Row

FAULTS = 64 * 1024
"""Bytes at the start of the file that faulthandler has to itself; a multiple of every page size."""
ROOM = 128 * 1024 * 1024
"""Bytes of the file, taken from memory as they are written."""

HEADER = struct.Struct("=QQ")
SLOTS = 64
"""Where slots begin, from the header."""
ENTERED = struct.Struct("=Q11I36xQ")
"""Start, module, line that calls, call, depth, step, call in the step, keyword arguments, how many positional ones, the
first three of them (or, of more, a container of all), and mark and tag."""
LEFT = struct.Struct("=QQdII56xQ")
"""Start, end, milliseconds, place of the status in `STATUSES`, output, and mark and tag."""
LEFT_MEASURED = struct.Struct("=QQdII4d3QQ")
"""The same with a `MEASURED` for an output, which is at this slot from then on."""
MEASURED = struct.Struct("=28xI4d3QQ")
"""A tensor with statistics: the body of such a one without the numbers, the least, the greatest, the mean, the standard
deviation, NaNs, infinities, zeros, and mark and tag."""
SLOT = MEASURED.size
FEW = 20
"""Items of a container that a slot has room for."""

BODY = struct.Struct("=I")
"""How many bytes of msgpack follow; of a `LARGE` container how many items, and then what its slot would begin with."""
LARGE = 1 << 31
"""Added to that."""

NOTHING = 0
"""Where nothing is."""
STATUSES: tuple[CallStatus, ...] = ("ok", "raised", "unfinished")


class Tag(enum.IntEnum):
    """What a slot is."""

    ENTERED = 0
    LEFT = 1
    LEFT_MEASURED = 2
    MEASURED = 3
    CONTAINER = 4


TAGS = 8
"""A mark is a multiple of this, and greater than those of the steps before."""


class Began(Row, frozen=True):
    """A pass starts, and everything before is forgotten."""

    doing: str  # "the forward pass", in words
    generation: Count
    number: Count  # of the pass; 0 for one whose calls nobody is shown


class NamedModule(Row, frozen=True):
    """A module, by its number in the tree."""

    number: Count
    path: Path
    class_name: str


class Line(Row, frozen=True):
    """A line that calls modules."""

    file: str
    line: int


def container(items: int) -> struct.Struct:
    """A container of so many items: the body of the same without them (`NOTHING` for positional arguments), how many
    they are, each of them, and mark and tag."""
    return struct.Struct(f"=II{items}I{4 * (FEW - items)}xQ")


def find_middle(room: int) -> int:
    """Where slots end and bodies begin, from the header, in a file of so many bytes."""
    return SLOTS + (room - FAULTS) * 3 // 4 // SLOT * SLOT
