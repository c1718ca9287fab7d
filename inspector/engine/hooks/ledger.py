"""Every hook on a module, ours and other people's: listed, disabled and enabled in place.

Disabling deletes the entry from the same dict that torch and the user's handle know; enabling puts it back under the
same id, in the same place among the others, with the same flags, so that the user's handle removes it as before.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeVar

from torch import nn

from ...errors import UsageError
from ...records import HookRow
from ...text import encodable
from .dicts import BY_NAME, KINDS, LEGACY, HookKind, hook_dict, kind_name

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class _Disabled:
    """A hook that was taken out. `before` are the ids, enabled or not, that stood in front of it."""

    hook: Any
    flags: tuple[tuple[str, Any], ...]  # (attribute of the flag dict, the value it held)
    before: tuple[int, ...]


class Ledger:
    """Lists and toggles hooks.

    Args:
        ours: The ids of handles that belong to us, with the name of what each does.
    """

    def __init__(self, ours: Callable[[nn.Module], dict[int, str]]) -> None:
        self._ours = ours
        self._disabled: dict[int, dict[tuple[str, int], _Disabled]] = {}  # id(module) -> (kind, hook id) -> entry
        self._modules: dict[int, nn.Module] = {}

    def rows(self, module: nn.Module, fired: int = 0) -> tuple[HookRow, ...]:
        """Every hook of `module`, kinds in the order in which they fire; `fired` is how often ours did."""
        ours = self._ours(module)
        found: list[HookRow] = []
        for kind in KINDS:
            name = kind_name(module, kind)
            found += [
                _row(hook, hook_id, name, _flags(module, kind, hook_id), ours.get(hook_id), enabled, fired)
                for hook_id, hook, enabled in self._entries(module, kind)
            ]
        return tuple(found)

    def foreign(self, module: nn.Module) -> int:
        """How many enabled hooks of any kind on `module` are not ours."""
        total = sum(len(hook_dict(module, kind.attribute)) for kind in KINDS)
        return total - len(self._ours(module)) if total else 0

    def toggle(self, module: nn.Module, kind_named: str, hook_id: int, on: bool) -> None:
        """Raises `UsageError` where there is no such hook."""
        kind = BY_NAME.get("full_backward" if kind_named == LEGACY else kind_named)
        if kind is None:
            raise UsageError(f"no kind of hook is called {kind_named!r}", hint=f"the kinds are {', '.join(BY_NAME)}")
        key = kind.name, hook_id
        disabled = self._disabled.get(id(module), {})
        if on and key in disabled:
            self._enable(module, kind, hook_id)
        elif not on and hook_id in hook_dict(module, kind.attribute):
            self._disable(module, kind, hook_id)
        elif key not in disabled and hook_id not in hook_dict(module, kind.attribute):
            raise UsageError(f"no {kind_named} hook {hook_id} on this module", hint="it may have removed itself: r")

    def enable_all(self) -> None:
        """Put back whatever is still disabled."""
        for module_id, entries in list(self._disabled.items()):
            for kind_named, hook_id in list(entries):
                self._enable(self._modules[module_id], BY_NAME[kind_named], hook_id)

    def _entries(self, module: nn.Module, kind: HookKind) -> list[tuple[int, Any, bool]]:
        """(id, hook, enabled) in firing order, the disabled ones where they would stand."""
        entries = [(hook_id, hook, True) for hook_id, hook in hook_dict(module, kind.attribute).items()]
        for (kind_named, hook_id), gone in self._disabled.get(id(module), {}).items():
            if kind_named == kind.name:
                place = _place([entry[0] for entry in entries], gone.before)
                entries.insert(place, (hook_id, gone.hook, False))
        return entries

    def _disable(self, module: nn.Module, kind: HookKind, hook_id: int) -> None:
        hooks = hook_dict(module, kind.attribute)
        ids = [entry[0] for entry in self._entries(module, kind)]
        flags = tuple(
            (attribute, hook_dict(module, attribute).pop(hook_id))
            for _, attribute in kind.flags
            if hook_id in hook_dict(module, attribute)
        )
        gone = _Disabled(hooks.pop(hook_id), flags, tuple(ids[: ids.index(hook_id)]))
        self._modules[id(module)] = module
        self._disabled.setdefault(id(module), {})[kind.name, hook_id] = gone

    def _enable(self, module: nn.Module, kind: HookKind, hook_id: int) -> None:
        entries = self._disabled[id(module)]
        gone = entries.pop((kind.name, hook_id))
        if not entries:
            del self._disabled[id(module)], self._modules[id(module)]
        hooks = hook_dict(module, kind.attribute)
        _insert(hooks, hook_id, gone.hook, _place(list(hooks), gone.before))
        for attribute, value in gone.flags:
            flags = hook_dict(module, attribute)
            _insert(flags, hook_id, value, sum(other < hook_id for other in flags))  # in the order of registration


def _place(ids: list[int], before: tuple[int, ...]) -> int:
    """Where a hook belongs that once stood right after `before`: behind the last of them that is still there."""
    return max((ids.index(hook_id) + 1 for hook_id in before if hook_id in ids), default=0)


def _insert(hooks: MutableMapping[int, Any], hook_id: int, hook: Any, place: int) -> None:
    """Into the same dict object, so that everyone who holds it sees it."""
    later = [(other, hooks.pop(other)) for other in list(hooks)[place:]]
    hooks[hook_id] = hook
    for other, value in later:
        hooks[other] = value


def _flags(module: nn.Module, kind: HookKind, hook_id: int) -> tuple[str, ...]:
    return tuple(flag for flag, attribute in kind.flags if hook_id in hook_dict(module, attribute))


def _row(
    hook: Any, hook_id: int, kind: str, flags: tuple[str, ...], our_name: str | None, enabled: bool, fired: int
) -> HookRow:
    function = underlying(hook)
    code = _asked(function, "__code__", types.CodeType)
    return HookRow(
        hook_id,
        kind,
        our_name is not None,
        our_name or encodable(_asked(function, "__qualname__", str) or type(function).__name__, 120),
        encodable(_asked(function, "__module__", str) or "", 120),
        encodable(code.co_filename, 400) if code else "",
        code.co_firstlineno if code else 0,
        flags,
        enabled,
        fired=fired if our_name is not None else 0,
    )


def underlying(hook: Any) -> Any:
    """The function a person wrote: behind torch's own wrappers, partials and bound methods."""
    for _ in range(8):
        inner = vars(hook).get("hook") if type(hook).__name__ == "_WrappedHook" else None
        if inner is None and isinstance(hook, functools.partial):
            inner = hook.func
        if inner is None:
            break
        hook = inner
    return _asked(hook, "__func__", types.FunctionType) or hook


def _asked(hook: Any, name: str, kind: type[Kind]) -> Kind | None:
    try:
        found = getattr(hook, name, None)
    except Exception:  # a hook is any callable, and may refuse to be asked
        return None
    return found if isinstance(found, kind) else None
