"""How often other people's hooks fire during a pass, and how long they take.

For the time of a pass every foreign hook gives its place to a `Timed`, under the same id and in the same order; torch
calls that, and that calls the hook.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Set
from types import TracebackType
from typing import Any

from ..modules.tree import ModuleTree
from . import slots
from .dicts import FIRED_IN_A_PASS, hook_dict
from .slots import HookSlot, SlotKey
from .timed import Tally, Timed, unwrap_timed


class Meter:
    """Counts from `with` to its end, and answers after it.

    Args:
        tree: The model.
        ours: The ids of handles that belong to us, on modules and on the tensors they hold; these are not timed.
        like: The meter of a pass since which no hook of the model was put on or taken off.
    """

    def __init__(self, tree: ModuleTree, ours: Set[int] = frozenset(), like: Meter | None = None) -> None:
        self._tree = tree
        self._ours = ours
        self._known = like._slots if like is not None else None
        self._slots: list[HookSlot] = []  # those with a foreign hook; they keep the owners, and so their ids, alive
        self._tallies: dict[tuple[SlotKey, int], Tally] = {}
        self._put: set[int] = set()  # ids of what was put in, which `_timed` keeps alive
        self._timed: list[Timed] = []

    def __enter__(self) -> Meter:
        self._slots = list(self._everywhere())
        for slot in self._slots:
            for hook_id in [hook_id for hook_id in slot.hooks if hook_id not in self._ours]:
                self._time(slot, hook_id)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Hooks that were removed meanwhile stay removed, those that were added stay."""
        for slot in self._slots:
            self._put_back(slot.hooks)
            self._put_back(hook_dict(slot.owner, slot.kind.attribute))  # another, where somebody copied the dict
        self._timed.clear()
        self._put.clear()
        self._ours = frozenset()  # of 100,000 modules twice as many, that nobody asks about any more

    def tally(self, key: SlotKey, hook_id: int) -> tuple[int, float]:
        """Times, and milliseconds spent in the hook and in all it called; zeros for one that was not timed."""
        tally = self._tallies.get((key, hook_id))
        return (tally.times, tally.seconds * 1e3) if tally is not None else (0, 0.0)

    def _time(self, slot: HookSlot, hook_id: int) -> None:
        tally = self._tallies[slot.key, hook_id] = Tally()
        timed = Timed(slot.hooks[hook_id], tally)
        self._timed.append(timed)
        self._put.add(id(timed))
        slot.hooks[hook_id] = timed

    def _put_back(self, hooks: MutableMapping[int, Any]) -> None:
        for hook_id, hook in list(hooks.items()):
            if id(hook) in self._put:
                hooks[hook_id] = unwrap_timed(hook)

    def _everywhere(self) -> Iterator[HookSlot]:
        """Every dict with foreign hooks that may fire in a pass, once: several modules may hold the same tensor."""
        if self._known is not None:
            yield from self._known
            return
        yield from (slot for slot in slots.of_process() if not slot.hooks.keys() <= self._ours)
        seen: set[SlotKey] = set()
        for node in self._tree.objects():
            for slot in slots.with_hooks(node.module, FIRED_IN_A_PASS, self._ours):
                if slot.key not in seen:
                    seen.add(slot.key)
                    yield slot
