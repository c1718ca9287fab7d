"""Something done a little later, for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.message_pump import MessagePump


def after(seconds: float, pump: MessagePump, call: Callable[[], object]) -> asyncio.TimerHandle:
    """Call it among the messages of `pump` when so many seconds are over.

    A timer of Textual that comes to its first look too late, on a busy machine, takes its only time for one that was
    missed and never calls; one of no seconds divides by them.
    """
    return asyncio.get_running_loop().call_later(seconds, pump.call_later, call)
