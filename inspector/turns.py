"""Long work on an event loop in pieces, between which others come to an end of theirs."""

from __future__ import annotations

import asyncio
from time import monotonic

_TURNS = 16
"""Of the loop: in as many a key goes from the terminal through one widget after another to its frame. With a piece of a
few milliseconds in each, it would be seen after all of them."""
_PATIENCE = 0.05  # seconds, where those others have long work as well


async def give_way() -> None:
    """Let everybody else have their turns; returns at once where there is nobody."""
    until = monotonic() + _PATIENCE
    for _ in range(_TURNS):
        await asyncio.sleep(0)
        if monotonic() > until:
            break
