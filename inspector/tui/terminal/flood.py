"""What is left out where more comes from the terminal at once than anybody types, or the app could do in time."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Key, MouseEvent
from textual.message import Message

FLOOD = 1_024
"""Bytes of one read: what a person types waits in smaller amounts, even while the app is busy for seconds."""

DONE_OF_A_FLOOD = 64
"""Keys and mouse reports of one read of a flood that are handed on: the last, with what somebody typed after it."""


def thin_flood(messages: Sequence[Message], read: int) -> tuple[list[Message], int]:
    """Of what `read` bytes were: what to hand on, and how many keys and mouse reports to leave out."""
    if read < FLOOD:
        return list(messages), 0
    done = [message for message in messages if isinstance(message, (Key, MouseEvent))]
    left_out = set(map(id, done[:-DONE_OF_A_FLOOD]))
    return [message for message in messages if id(message) not in left_out], len(left_out)
