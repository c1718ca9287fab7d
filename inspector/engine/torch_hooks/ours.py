"""Hooks of ours in the dicts of torch: told from other people's by their class, and left out of every copy.

A model may be copied or pickled while hooks of ours are on it. `copy` and `pickle` both ask `copyreg.dispatch_table`
how to take an `OrderedDict` apart, which is what torch keeps hooks in: while there are hooks of ours, they are told of
all entries but ours. So the dicts themselves stay the very ones that handles and other people hold.
"""

from __future__ import annotations

import copyreg
import functools
import itertools
import os
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Set
from operator import is_
from typing import Any, ClassVar
from weakref import WeakSet, WeakValueDictionary

from torch import nn
from torch.nn.modules.module import _WrappedHook
from torch.utils.hooks import RemovableHandle

LOCK = threading.RLock()
"""Held while hooks of ours come and go, and while the hooks of a model are put back: both may happen on several threads
at once. Nothing else is done meanwhile, and nobody's code runs."""

_INERT = functools.partial(sys.audit, "hook left out")
"""What takes the place of a hook of ours where that alone is copied: it does nothing, and does not take this package
to be read."""


class OurHook:
    """What torch calls. One of them may be in many dicts."""

    __torch_unserializable__: ClassVar[bool] = True  # torch need not warn of tensors that are saved without it

    def __init__(self) -> None:
        self._ids: set[int] = set()

    @property
    def ids(self) -> Set[int]:
        """Those of the entries that are not taken off."""
        return self._ids

    def note(self, hook_id: int, is_on: bool) -> None:
        """An entry is on, or taken off."""
        (self._ids.add if is_on else self._ids.discard)(hook_id)

    @property
    def __name__(self) -> str:
        """torch.jit.script asks for it, to compile the hook."""
        raise AttributeError(
            "torch.jit.script cannot compile a model with hooks of inspector on it: script it outside of the block, or "
            "script copy.deepcopy(model), which is without them"
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Callable[..., None]:
        return _INERT

    def __reduce__(self) -> Any:
        return _INERT.__reduce__()


class OurHandle:
    """Of one entry. `remove` may be called again, and from any thread.

    There are two for each module, and of what torch gives for each, all but the dicts is left to go: it takes five
    times as much.
    """

    __slots__ = ("__weakref__", "_hook", "_hooks", "flags", "id")

    def __init__(self, handle: RemovableHandle, hook: OurHook) -> None:
        self.id: int = handle.id
        self.flags: tuple[Any, ...] = tuple(ref() for ref in handle.extra_dict_ref)  # the dicts that flag it
        self._hooks = handle.hooks_dict_ref()
        self._hook = hook

    def remove(self) -> None:
        """Take it off for good."""
        with LOCK:
            _taken_off.append(next(_numbers))
            self._hook.note(self.id, False)
            for held in (self._hooks, *self.flags):
                held.pop(self.id, None)
            if _LIVE.pop(self.id, None) is not None:
                _copy_as_ever()


class SharedHook(OurHook):
    """One hook for all modules of a model. There may be 100,000: what is kept of each entry is its id, and which module
    it is on. `DICTS` are the attributes that hold it and flag it, the hooks first."""

    DICTS: ClassVar[tuple[str, ...]]

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[int, nn.Module | tuple[Any, ...]] = {}  # by the id of the entry: its module, or the dicts
        # where these are not the module's own

    @property
    def ids(self) -> Set[int]:
        return self._places.keys()

    def put_on(self, module: nn.Module, put: Callable[..., Any], **options: Any) -> int:
        """As `register`; gives the id of the entry."""
        with LOCK:
            handle = put(self, **options)
            held = (handle.hooks_dict_ref(), *(ref() for ref in handle.extra_dict_ref))
            self._places[handle.id] = module if all(map(is_, held, _read_dicts(module, self.DICTS))) else held
            _SHARED.add(self)
            _copy_without_ours()
        return int(handle.id)

    def take_off(self, hook_id: int) -> None:
        """For good, from any thread, and once or again."""
        with LOCK:
            _taken_off.append(next(_numbers))
            for held in self._dicts_of(hook_id):
                held.pop(hook_id, None)
            if self._places.pop(hook_id, None) is not None and not self._places:
                _SHARED.discard(self)
                _copy_as_ever()

    def is_flagged(self, hook_id: int, flags: Mapping[Any, Any]) -> bool:
        """Whether the dict is one that flags the entry of this id."""
        return any(held is flags for held in self._dicts_of(hook_id)[1:])

    def _dicts_of(self, hook_id: int) -> tuple[Any, ...]:
        place = self._places.get(hook_id, ())
        return place if isinstance(place, tuple) else _read_dicts(place, self.DICTS)


def _read_dicts(module: nn.Module, names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(map(vars(module).get, names))


_numbers = itertools.count(1)
_taken_off: deque[int] = deque([0], maxlen=1)


def count_taken_off() -> int:
    """How many hooks of ours were taken off so far, on whichever thread."""
    return _taken_off[-1]


_LIVE: WeakValueDictionary[int, OurHandle] = WeakValueDictionary()
"""By id, every entry of ours that is not taken off. Whoever put it on keeps the handle; who never takes it off
shall not keep a model in memory."""
_SHARED: WeakSet[SharedHook] = WeakSet()
"""Those that have any entry."""


def register(put: Callable[..., Any], hook: OurHook, **options: Any) -> OurHandle:
    """Have torch call `hook`, by `put(hook, **options)`, which is one of its `register_…`. Raises what that does."""
    with LOCK:
        handle = OurHandle(put(hook, **options), hook)
        hook.note(handle.id, True)
        _copy_without_ours()
        _LIVE[handle.id] = handle
    return handle


def find_ours(hook: Any) -> OurHook | None:
    """The hook of ours that an entry is, also behind what torch wraps it in; None for other people's."""
    hook = hook.hook if type(hook) is _WrappedHook else hook
    return hook if isinstance(hook, OurHook) else None


def is_on(hook_id: int, hook: Any) -> bool:
    """Whether this entry is one of ours, and is not taken off."""
    found = find_ours(hook)
    return found is not None and hook_id in found.ids


def _holds_flag(hooks: Mapping[Any, Any], hook_id: Any) -> bool:
    """Whether the dict is one that flags our hook of this id."""
    if type(hook_id) is not int:
        return False
    with LOCK:
        ours = _LIVE.get(hook_id)
        if ours is not None:
            return any(flags is hooks for flags in ours.flags)
        return any(shared.is_flagged(hook_id, hooks) for shared in _SHARED)


class _WithoutOurs:
    """Takes an `OrderedDict` apart as whoever was asked `before`, or as it does it itself, and leaves out what is ours.

    There may be two: somebody who sets a way of their own while ours is asked may ask ours in it.
    """

    def __init__(self, before: Callable[[Any], Any] | None) -> None:
        self.before = before

    def __call__(self, whole: OrderedDict[Any, Any]) -> Any:
        parts: Any = self.before(whole) if self.before is not None else whole.__reduce__()
        kept = [(key, value) for key, value in list(whole.items()) if not _is_ours(whole, key, value)]
        if len(kept) == len(whole) or not isinstance(parts, tuple) or len(parts) < 5:
            return parts
        return (*parts[:4], iter(kept), *parts[5:])


def _copy_without_ours() -> None:
    asked = copyreg.dispatch_table.get(OrderedDict)
    if not isinstance(asked, _WithoutOurs):
        copyreg.dispatch_table[OrderedDict] = _WithoutOurs(asked)


def _copy_as_ever() -> None:
    """Where no hook of ours is left."""
    if _LIVE or _SHARED:
        return
    asked = copyreg.dispatch_table.get(OrderedDict)
    if not isinstance(asked, _WithoutOurs):
        return  # somebody set another one since, which may call ours
    if asked.before is None:
        del copyreg.dispatch_table[OrderedDict]
    else:
        copyreg.dispatch_table[OrderedDict] = asked.before


def _is_ours(whole: Mapping[Any, Any], key: Any, value: Any) -> bool:
    return find_ours(value) is not None or (value is True and _holds_flag(whole, key))


# A copy of this process that is made while another thread holds the lock would have nobody to give it back.
os.register_at_fork(before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=LOCK.release)
