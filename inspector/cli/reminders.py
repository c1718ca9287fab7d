"""What somebody in front of a report that does not come is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain, repeat

FIRST = 10.0
"""Seconds after which it is said what is waited for. Most of what takes that long is honest work."""


def delays() -> Iterator[float]:
    """Seconds between one reminder and the next: a log of a long pass shall not fill with them."""
    return chain([FIRST, 50.0, 240.0], repeat(600.0))


@contextlib.asynccontextmanager
async def reminding(what: str, say: Callable[[str], object]) -> AsyncIterator[None]:
    """As long as the block takes, `say` now and then that it is `what` that is waited for, and what ends it."""
    task = asyncio.create_task(_remind(what, say))
    try:
        yield
    finally:
        task.cancel()


async def _remind(what: str, say: Callable[[str], object]) -> None:
    waited = 0.0
    for seconds in delays():
        await asyncio.sleep(seconds)
        waited += seconds
        say(f"inspector: still waiting for {what}, for {waited:.0f} s now; ctrl+c ends it\n")
