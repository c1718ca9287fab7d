"""What a message is: a request of the app, or an event of the engine."""

from __future__ import annotations

from .base import Count, Record


class Request(Record, frozen=True, tag=True):
    """Gets exactly one reply: the record named in its docstring, or `Failed`."""


class ModelRequest(Request, frozen=True):
    """Of the model that is open. `generation` says which one that was when it was asked; of another, `Failed`."""

    generation: Count


class Event(Record, frozen=True, tag=True):
    """Sent unasked, or as the reply to a request."""
