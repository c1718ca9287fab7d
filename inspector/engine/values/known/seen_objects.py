"""Objects that were described by their attributes, to be found again as they were."""

from __future__ import annotations

from itertools import compress
from typing import Any, NamedTuple

from ....records import MappingValue, Value
from .leaves import LEAVES
from .seen_rows import SeenRows


class SeenList(NamedTuple):
    """What is in the only list of an object, and what was said of that."""

    rows: SeenRows
    record: MappingValue
    room: int
    """How many things are shown in it."""


class SeenObject:
    """An object that was described by its attributes: of those that are the same plain objects as then, and are kept
    for that, nothing is said anew."""

    __slots__ = ("described", "header", "ids", "in_list", "kept", "kind", "loose", "width")

    def __init__(self, value: object, header: Any, held: dict[str, object]) -> None:
        self.kind = type(value)
        self.header = header
        self.width = len(held)
        parts = (*held.values(), *held)
        self.ids = [*map(id, parts)]
        # of a class the same is said each time: its name, as of those whose objects are described
        fixed = [id(type(part)) in LEAVES or issubclass(type(part), type) for part in parts]
        self.loose = [number for number, is_fixed in enumerate(fixed) if not is_fixed]
        self.kept = [*compress(parts, fixed)]
        self.in_list: SeenList | None = None  # of one in which nothing but a list can change

    def keep(self, record: MappingValue) -> None:
        """What was said of it."""
        self.described: tuple[list[Value], MappingValue] = [record.items[number] for number in self.loose], record
