"""One thing that was looked at, and what to do about it."""

from __future__ import annotations

from typing import Literal, NamedTuple

State = Literal["ok", "note", "bad"]
"""Fine; works, and could be better; does not work."""


class Check(NamedTuple):
    """`said` is how it is, `todo` what to do, "" for nothing."""

    group: str
    name: str
    said: str
    state: State = "ok"
    todo: str = ""
