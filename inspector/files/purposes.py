"""What files are read for, and how large one for that may be."""

from __future__ import annotations

from typing import NamedTuple

_MB, _GB = 1 << 20, 1 << 30


class Purpose(NamedTuple):
    """`what` is the end of a sentence: "a recipe". `most` are the bytes that a file for it may have."""

    what: str
    most: int


SOURCE = Purpose("Python source", 16 * _MB)
RECIPE = Purpose("a recipe", 4 * _MB)
CONFIG = Purpose("a config", 16 * _MB)
INDEX = Purpose("an index of shards", 128 * _MB)
STATE = Purpose("what is kept between sessions", 32 * _MB)
IMAGE = Purpose("an image", 256 * _MB)
INPUT = Purpose("an input", 8 * _GB)
PROGRAM = Purpose("a program", 256 * _GB)
"""It is read into memory; so is what a hook puts in, and what was recorded."""
TENSORS = Purpose("recorded tensors", 256 * _GB)
WEIGHTS = Purpose("weights", 1 << 50)
"""They are mapped, not read: a file may be larger than the memory."""
