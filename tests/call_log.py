"""Calls as a call log is told of them, without a model that is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inspector.postmortem.record import CallLog
from inspector.records import CallStatus, MappingValue, Path, Value

NO_KWARGS = MappingValue("dict", (), (), 0)


@dataclass
class Told:
    """One call, as it is or before it returned."""

    index: int
    start: int
    depth: int = 0
    site: tuple[str, int] = ("", 0)
    step: int = 0
    inputs: tuple[Value, ...] = ()
    kwargs: MappingValue = NO_KWARGS
    number: int = 0
    in_step: int = 0
    end: int = -1
    ms: float = 0.0
    status: CallStatus = "unfinished"
    output: Value | None = None


class Writer(CallLog):
    """Names modules as it is told of them."""

    def __init__(self, fd: int) -> None:
        super().__init__(fd)
        self.paths: list[Path] = []

    def class_name(self, index: int) -> str:
        return "Linear"

    def enters(self, start: int, depth: int, name: str, **more: Any) -> None:
        """A call of the module with this dotted name."""
        path = tuple(name.split(".")) if name else ()
        if path not in self.paths:
            self.paths.append(path)
        self.enter(Told(self.paths.index(path), start, depth, **more), self)

    def leaves(self, start: int, end: int, output: Value | None = None) -> None:
        """The call with this start."""
        self.leave(Told(0, start, end=end, ms=0.5, status="ok", output=output))
