"""Every hook there is, ours and other people's: listed, disabled and enabled in place.

Disabling deletes the entry from the same dict that torch and the user's handle know; enabling puts it back under the
same id, in the same place among the others, with the same flags, so that the user's handle removes it as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Set
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec.structs import replace
from torch import nn

from ...errors import UsageError
from ...records import HookRow, Path
from ..modules.tree import ModuleTree
from . import slots
from .dicts import GLOBAL_KINDS, MODULE_KINDS, OPTIMIZER_KINDS, TENSOR_KINDS, hook_dict
from .rows import row_of, why_locked
from .slots import HookSlot, SlotKey
from .timed import unwrap_timed


class Counts(Protocol):
    """How often other people's hooks fired; a `Meter` knows."""

    def tally(self, key: SlotKey, hook_id: int) -> tuple[int, float]:
        """Times, and milliseconds spent in it."""


@dataclass(frozen=True)
class _Disabled:
    """A hook that was taken out. `before` are the ids, enabled or not, that stood in front of it."""

    slot: HookSlot
    hook: Any
    flags: tuple[tuple[str, Any], ...]  # (flag, the value its dict held)
    before: tuple[int, ...]


class Ledger:
    """Lists and toggles hooks.

    Args:
        ours: The ids of handles that belong to us, on a module and on the tensors it holds, with what each does.
        tree: The model. A tensor that several of its modules hold is listed at the first of them.
    """

    def __init__(self, ours: Callable[[nn.Module], dict[int, str]], tree: ModuleTree | None = None) -> None:
        self._ours = ours
        self._tree = tree if tree is not None else ModuleTree()
        self._later = slots.later_places(self._tree)
        self._disabled: dict[SlotKey, dict[int, _Disabled]] = {}

    def rows(
        self, module: nn.Module, fired: int = 0, *, path: Path | None = None, counts: Counts | None = None
    ) -> tuple[HookRow, ...]:
        """Every hook of `module` and of the tensors it holds, kinds in the order in which they fire.

        Args:
            module: Where to look.
            fired: How often ours did.
            path: Of the module, for the rows.
            counts: Of the others.
        """
        return self._rows(self._slots(module), self._ours(module), path, fired, counts)

    def process_rows(self, counts: Counts | None = None) -> tuple[HookRow, ...]:
        """The hooks that fire for every module and every optimizer."""
        return self._rows(slots.of_process(), {}, None, 0, counts)

    def count_foreign(self, module: nn.Module, besides: Set[int] = frozenset()) -> int:
        """How many enabled hooks of any kind on `module` and its tensors are not ours; where it has none but those with
        the ids in `besides`, which are ours, that is quick to say."""
        found = [s for s in slots.with_hooks(module, besides=besides) if not self._is_listed_before(module, s)]
        ids = [hook_id for slot in found for hook_id in slot.hooks]
        ours = self._ours(module) if ids else {}
        return sum(hook_id not in ours for hook_id in ids)

    def hook(self, module: nn.Module | None, kind: str, hook_id: int, of: str = "") -> Any:
        """The hook itself, on or off. Raises `UsageError` where there is none; `module` is None for the process."""
        slot = self._slot(module, kind, of)
        found = next((hook for other, hook, _ in self._entries(slot) if other == hook_id), None) if slot else None
        if found is None:
            raise _no_hook(kind, hook_id, of)
        return unwrap_timed(found)

    def toggle(self, module: nn.Module | None, kind: str, hook_id: int, on: bool, of: str = "") -> None:
        """Switch one hook. Nothing happens where it is so already.

        Args:
            module: What it is on, None for a hook of the process.
            kind: As its row says.
            hook_id: Likewise.
            on: Whether it should fire.
            of: The tensor that holds it, where that is not the module itself.

        Raises:
            UsageError: There is no such hook, or it cannot be switched.
        """
        slot = self._slot(module, kind, of)
        if slot is None or not any(entry[0] == hook_id for entry in self._entries(slot)):
            raise _no_hook(kind, hook_id, of)
        locked = why_locked(slot.owner, slot.kind)
        if locked:
            raise UsageError("this hook cannot be switched", where=locked, hint="take it off where it was put on")
        enabled = hook_id in slot.hooks
        if on and not enabled:
            self._enable(slot.key, hook_id)
        elif enabled and not on:
            self._disable(slot, hook_id)

    def enable_all(self) -> None:
        """Put back whatever is still disabled."""
        for key, entries in list(self._disabled.items()):
            for hook_id in list(entries):
                self._enable(key, hook_id)

    def _disable(self, slot: HookSlot, hook_id: int) -> None:
        ids = [entry[0] for entry in self._entries(slot)]
        flags = tuple((flag, held.pop(hook_id)) for flag, held in slot.flag_dicts() if hook_id in held)
        gone = _Disabled(slot, unwrap_timed(slot.hooks.pop(hook_id)), flags, tuple(ids[: ids.index(hook_id)]))
        self._disabled.setdefault(slot.key, {})[hook_id] = gone

    def _enable(self, key: SlotKey, hook_id: int) -> None:
        gone = self._disabled[key].pop(hook_id)
        if not self._disabled[key]:
            del self._disabled[key]
        hooks = hook_dict(gone.slot.owner, gone.slot.kind.attribute)  # as it is now, should somebody have set another
        _insert(hooks, hook_id, gone.hook, _place(list(hooks), gone.before))
        values = dict(gone.flags)
        for flag, held in gone.slot.flag_dicts():
            if flag in values:  # in the order of registration
                _insert(held, hook_id, values[flag], sum(other < hook_id for other in held))

    def _slots(self, module: nn.Module) -> Iterator[HookSlot]:
        yield from slots.of_module(module)
        for slot in slots.of_tensors(module):
            if not self._is_listed_before(module, slot):
                yield slot

    def _is_listed_before(self, module: nn.Module, slot: HookSlot) -> bool:
        """It is of a tensor that an earlier module holds, too."""
        return bool(slot.of) and self._later.get((id(module), slot.of)) is slot.owner

    def _slot(self, module: nn.Module | None, kind: str, of: str) -> HookSlot | None:
        """The dict that hooks of this kind are in. Raises `UsageError` for a kind there is not."""
        known = (*MODULE_KINDS, *TENSOR_KINDS) if module is not None else (*GLOBAL_KINDS, *OPTIMIZER_KINDS)
        named = next((one for one in known if kind in (one.name, one.legacy)), None)
        if not kind or named is None:
            kinds = ", ".join(one.name for one in known)
            raise UsageError(f"no kind of hook is called {kind!r}", hint=f"the kinds are {kinds}")
        places = _all_of(module) if module is not None else slots.of_process()
        return next((slot for slot in places if slot.kind is named and slot.of == of), None)

    def _entries(self, slot: HookSlot) -> list[tuple[int, Any, bool]]:
        """(id, hook, enabled) in firing order, the disabled ones where they would stand."""
        now = list(slot.hooks.items())  # a pass on another thread may add some meanwhile
        entries = [(hook_id, hook, True) for hook_id, hook in now]
        for hook_id, gone in self._disabled.get(slot.key, {}).items():
            place = _place([entry[0] for entry in entries], gone.before)
            entries.insert(place, (hook_id, gone.hook, False))
        return entries

    def _flags(self, slot: HookSlot, hook_id: int) -> list[str]:
        gone = self._disabled.get(slot.key, {}).get(hook_id)
        if gone is not None:
            return [flag for flag, _ in gone.flags]
        return [flag for flag, held in slot.flag_dicts() if hook_id in held]

    def _rows(
        self, found: Iterator[HookSlot], ours: dict[int, str], path: Path | None, fired: int, counts: Counts | None
    ) -> tuple[HookRow, ...]:
        known = [slot for slot in found if slot.hooks or slot.key in self._disabled]
        return tuple(
            replace(row, ours=True, name=ours[row.id], fired=fired) if row.id in ours else row
            for slot in known
            for row in self._rows_on(slot, path, counts)
        )

    def _rows_on(self, slot: HookSlot, path: Path | None, counts: Counts | None) -> Iterator[HookRow]:
        """As if all were other people's."""
        entries = self._entries(slot)
        prepended = _find_prepended([entry[0] for entry in entries])
        for hook_id, hook, enabled in entries:
            times, ms = counts.tally(slot.key, hook_id) if counts is not None else (0, 0.0)
            yield row_of(
                hook,
                hook_id,
                slot.name,
                flags=(*self._flags(slot, hook_id), *(["prepend"] if hook_id in prepended else [])),
                enabled=enabled,
                locked=why_locked(slot.owner, slot.kind),
                fired=times,
                ms=ms,
                path=path,
                of=slot.of,
            )


def _all_of(module: nn.Module) -> Iterator[HookSlot]:
    yield from slots.of_module(module)
    yield from slots.of_tensors(module)


def _no_hook(kind: str, hook_id: int, of: str) -> UsageError:
    where = f"{of} of this module" if of else "this module"
    return UsageError(f"no {kind} hook {hook_id} on {where}", hint="it may have removed itself: r")


def _find_prepended(ids: list[int]) -> set[int]:
    """The ids in front of a smaller one: ids grow as hooks are registered."""
    found: set[int] = set()
    smallest: int | None = None
    for hook_id in reversed(ids):
        if smallest is not None and hook_id > smallest:
            found.add(hook_id)
        smallest = hook_id if smallest is None else min(smallest, hook_id)
    return found


def _place(ids: list[int], before: tuple[int, ...]) -> int:
    """Where a hook belongs that once stood right after `before`: behind the last of them that is still there."""
    return max((ids.index(hook_id) + 1 for hook_id in before if hook_id in ids), default=0)


def _insert(hooks: MutableMapping[int, Any], hook_id: int, hook: Any, place: int) -> None:
    """Into the same dict object, so that everyone who holds it sees it."""
    later = [(other, hooks.pop(other)) for other in list(hooks)[place:]]
    hooks[hook_id] = hook
    for other, value in later:
        hooks[other] = value
