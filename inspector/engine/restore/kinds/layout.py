"""Where objects of a type store attributes: in a dict, in slots. Read and written past whatever their class does."""

from __future__ import annotations

from collections.abc import Iterator
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any, NamedTuple

from ...source.running import Types, mro, namespace
from ...values.objects import slots
from ...values.per_type import PerType
from .kind import MISSING

NONE: dict[str, Any] = {}
_SLOTS = Types(GetSetDescriptorType, MemberDescriptorType)


class Layout(NamedTuple):
    """What reads the dict of such an object, and its slots by name."""

    dict_slot: Any
    slots: dict[str, MemberDescriptorType]

    @property
    def is_empty(self) -> bool:
        return self.dict_slot is None and not self.slots

    def read_dict(self, owner: Any) -> dict[str, Any] | None:
        """The dict itself; None where there is none."""
        held = None if self.dict_slot is None else self.dict_slot.__get__(owner)
        return held if type(held) is dict else None

    def read_slots(self, owner: Any) -> dict[str, Any]:
        """What is in them, `MISSING` for one that was never filled."""
        return {name: _read(slot, owner) for name, slot in self.slots.items()} if self.slots else NONE

    def restore_slots(self, owner: Any, then: dict[str, Any]) -> Iterator[str]:
        """Fill them as they were; yields the names of those that were not so."""
        for name, value in then.items():
            if _read(self.slots[name], owner) is not value:
                _write(self.slots[name], owner, value)
                yield name


def _find_layout(kind: type) -> Layout:
    return Layout(_dict_slot(kind), slots(kind))


layout_of = PerType(_find_layout)


def _dict_slot(kind: type) -> Any:
    """What reads the dict of such an object; a class may hide it behind a property of the same name."""
    for each in mro(kind):
        found = namespace(each).get("__dict__")
        if type(found) in _SLOTS:
            return found
    return None


def _read(slot: MemberDescriptorType, owner: Any) -> Any:
    try:
        return slot.__get__(owner)
    except AttributeError:  # never filled
        return MISSING


def _write(slot: MemberDescriptorType, owner: Any, value: Any) -> None:
    if value is MISSING:
        slot.__delete__(owner)
    else:
        slot.__set__(owner, value)
