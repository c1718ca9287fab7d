"""The dicts of hooks of one module as they were, put back; but ours come and go as they please.

A block may be opened or closed on another thread while a pass is guarded. Which hooks of ours are on is known anyhow:
those that are stay, and those that were taken off meanwhile do not come back.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, MutableMapping, Set
from typing import Any

from ..torch_hooks.dicts import HookKind
from ..torch_hooks.ours import LOCK, find_ours, is_on

Hooks = Mapping[int, Any]


def restore_hooks(kind: HookKind, now: Mapping[str, Any], then: Mapping[str, Hooks]) -> bool:
    """Put back the hooks of one kind, in the very dicts. Whether anything had changed.

    Args:
        kind: Of the hooks.
        now: The dicts by their names, flags too.
        then: What they held; nothing for an empty one.
    """
    names = [name for name in (kind.attribute, *(flag for _, flag in kind.flags)) if isinstance(now.get(name), dict)]
    if not any(now[name] or then.get(name) for name in names):
        return False
    with LOCK:
        return _restore(kind.attribute, names, now, then)


def _restore(attribute: str, names: list[str], now: Mapping[str, Any], then: Mapping[str, Hooks]) -> bool:
    gone, on = _find_ours(now.get(attribute, {}), then.get(attribute, {}))
    changed = [put_in(now[name], _choose(now[name], then.get(name, {}), gone, on)) for name in names]
    return any(changed)


def leave_hooks(now: Hooks, then: Hooks, put_on: Set[int], taken_off: Set[int]) -> Hooks:
    """What one dict held then, but with these on, where they are now, and those off."""
    return _choose(now, then, taken_off & then.keys(), put_on & now.keys())


def _choose(now: Hooks, then: Hooks, gone: Set[int], on: Set[int]) -> Hooks:
    """What was there, and of ours what is on now, where it is now."""
    wanted = [hook_id for hook_id in then if hook_id not in gone]
    place = 0
    for hook_id in now:
        if hook_id in on and hook_id not in then:
            wanted.insert(place, hook_id)
        place = wanted.index(hook_id) + 1 if hook_id in wanted else place
    return {hook_id: then[hook_id] if hook_id in then else now[hook_id] for hook_id in wanted}


def _find_ours(now: Hooks, then: Hooks) -> tuple[set[int], set[int]]:
    """The ids of ours that were taken off meanwhile, and of those that are on."""
    ours = {hook_id: hook for hook_id, hook in {**then, **now}.items() if find_ours(hook) is not None}
    on = {hook_id for hook_id, hook in ours.items() if is_on(hook_id, hook)}
    return ours.keys() - on, on


def put_in(now: MutableMapping[Any, Any], wanted: Mapping[Any, Any]) -> bool:
    """Make `now` hold what is wanted, in that order. Whether it did not. What is in both is never missing meanwhile:
    the module may be called on another thread."""
    if len(now) == len(wanted) and all(
        key is other and now[key] is value for key, (other, value) in zip(list(now), wanted.items(), strict=True)
    ):
        return False
    for key in [key for key in now if key not in wanted]:
        del now[key]
    for key, value in wanted.items():
        if key not in now or now[key] is not value:
            now[key] = value
    if list(now) != list(wanted):
        for key in wanted:
            _move_to_end(now, key)
    return True


def _move_to_end(hooks: MutableMapping[Any, Any], key: Any) -> None:
    if isinstance(hooks, OrderedDict):
        hooks.move_to_end(key)
    else:
        hooks[key] = hooks.pop(key)
