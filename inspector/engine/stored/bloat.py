"""Files that take far more memory than they have bytes: small zips that unpack to gigabytes, pickles that make millions
of objects, headers that claim what is not there.

What is allowed grows with the file, so that ordinary files of any size pass; a floor leaves small ones alone.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence

from ...errors import UsageError
from ...text import encodable

FREE_BYTES = 128 << 20
"""What any file may take beyond its own size."""
BYTES_PER_BYTE = 4
"""Weights that were compressed unpack to less than twice their size, half of them zeros to less than four times."""
FREE_OPERATIONS = 2_000_000
"""Of a pickle; each makes at most some hundred bytes."""
BYTES_PER_OPERATION = 2
"""A file has at least so many for each operation of its pickle; one that torch wrote has ten, and hardly three where
all its tensors lie in one storage."""
MAX_TEXT = 1 << 26
"""Bytes of one string in a pickle, which may take four times as many."""
MAX_IMPORTS = 10_000
"""Names that a pickle imports."""
MAX_LABEL = 1 << 20
"""Bytes of a member of a zip that says how the others were saved: a word or a number, of which torch makes messages."""
LABELS = frozenset({"version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"})


def most_bytes(size: int) -> int:
    """What the contents of a file of `size` bytes may take in memory."""
    return FREE_BYTES + BYTES_PER_BYTE * size


def most_operations(size: int) -> int:
    """How many operations the pickles in a file of `size` bytes may have."""
    return FREE_OPERATIONS + size // BYTES_PER_OPERATION


def explain_bloat(entries: Sequence[zipfile.ZipInfo], size: int) -> str:
    """Why a zip of `size` bytes is not to be unpacked, told from its directory; empty where it may be."""
    if sum(entry.compress_size for entry in entries) > size:
        return "its members overlap"
    for entry in entries:
        if entry.file_size > MAX_LABEL and entry.filename.partition("/")[2] in LABELS:
            return f"{entry.filename} holds {entry.file_size:,} bytes in place of a word"
    return explain_size((entry.file_size for entry in entries), size)


def explain_size(sizes: Iterable[int], size: int) -> str:
    """The same for what would take `sizes` bytes in memory."""
    total = sum(sizes)
    return f"{size:,} bytes would become {total:,} in memory" if total > most_bytes(size) else ""


def refuse_bloated(name: str, why: str) -> UsageError:
    """The error for a file that takes too much."""
    return UsageError(
        encodable(f"{name} is not unpacked: {why}", 400),
        where="so few bytes make so much in a file that was made to fill the memory, and hardly in any other",
        hint="where it is yours, save it again without compression",
        kind="Bloated",
    )
