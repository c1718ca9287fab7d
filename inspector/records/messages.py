"""What a message is: a request of the app, or an event of the engine."""

from __future__ import annotations

from .base import Count, Record


class Request(Record, frozen=True, tag=True):
    """Gets exactly one reply: the record named in its docstring, or `Failed`."""


class ModelRequest(Request, frozen=True):
    """Of the model that is open. `generation` says which one that was when it was asked; of another, `Failed`."""

    generation: Count


class Query(ModelRequest, frozen=True):
    """Only reads: the model, what is on it, the last pass."""


class Look(Query, frozen=True):
    """Is answered while a pass runs as well, so that the screen follows the cursor."""


class Event(Record, frozen=True, tag=True):
    """Sent unasked, or as the reply to a request."""
