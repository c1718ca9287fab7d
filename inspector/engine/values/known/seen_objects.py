"""Objects that were described by their attributes, to be found again as they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....records import MappingValue


class SeenObject:
    """An object that was described by its attributes: of those that are the same plain objects as then, and are kept
    for that, nothing is said anew."""

    __slots__ = ("described", "header", "ids", "kept", "kind", "loose")

    def __init__(
        self,
        value: object,
        header: Any,
        held: dict[str, object],
        record: MappingValue,
        is_leaf: Callable[[object], bool],
    ) -> None:
        self.kind = type(value)
        self.header = header
        parts = [*held.values(), *held]
        self.ids = [*map(id, parts)]
        self.loose = [number for number, part in enumerate(parts) if not is_leaf(part)]
        self.described = [record.items[number] for number in self.loose], record  # in one: threads may share it
        self.kept = [part for part in parts if is_leaf(part)]
