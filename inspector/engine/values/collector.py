"""Python's garbage collector out of the way while very many objects are made and none is dropped: it would look through
all of them again and again: with 300,000 names that takes longer than all else."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """It is as it was afterwards."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
