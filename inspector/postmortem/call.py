"""What a call log is told of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..records import CallStatus, MappingValue, Path, Value

Site = tuple[str, int]
"""The file and line that call a module."""


class ModuleNames(Protocol):
    """Those of a tree."""

    @property
    def paths(self) -> Sequence[Path]: ...

    def class_name(self, index: int) -> str: ...


class CallInside(Protocol):
    """A call, before its module runs and after it; the fields are those of `CallRow` and `CallDetail`."""

    index: int  # of the module
    number: int
    start: int
    end: int
    depth: int
    step: int
    in_step: int
    ms: float
    status: CallStatus
    inputs: tuple[Value, ...]
    kwargs: MappingValue
    output: Value | None
    site: Site
