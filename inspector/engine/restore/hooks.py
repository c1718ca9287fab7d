"""The hooks of tensors and of the process as they were before a pass. Those of modules are kept with the modules."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import torch
from torch import Tensor

from ..torch_hooks.dicts import PROCESS, TENSOR_KINDS, HookKind, dicts_of, held_dict
from ..values.unwrap import read
from .hook_dicts import leave_hooks, put_in, restore_hooks
from .theirs import Theirs

HookDict = MutableMapping[int, Any]
DictPlace = tuple[int, str]  # (index of the tensor, attribute)

_ATTRIBUTES = tuple(name for name in dicts_of(TENSOR_KINDS) if hasattr(Tensor, name))

_LEFT = "another thread changes them too: left as they are"


class KeptHooks:
    """Args:
    named: The tensors to look after, and what they are called.
    """

    def __init__(self, named: list[tuple[str, Tensor]]) -> None:
        self._named = named
        self._of_tensors = {place: (hooks, dict(hooks)) for place, hooks in self._held().items()}
        self._of_process = [(kind, now, {name: dict(hooks) for name, hooks in now.items()}) for kind, now in _process()]
        self._full = [(owner, kind.full, vars(owner).get(kind.full)) for owner, kinds in PROCESS for kind in kinds]

    def leave_to(self, theirs: Theirs) -> list[str]:
        """What other threads put on, and took off, stays so. Returns it in words."""
        words: list[str] = []
        for kind, held, kept in self._of_process if theirs.put_on or theirs.taken_off else ():
            for name, entries in held.items():
                stays = leave_hooks(entries, kept.get(name, {}), theirs.put_on, theirs.taken_off)
                if stays.keys() != kept.get(name, {}).keys():
                    kept[name] = dict(stays)
                    words.append(f"{_say(kind.attribute)} ({_LEFT})")
        for place, now in self._held_or_gone() if theirs.put_on or theirs.taken_off else ():
            hooks, then = self._of_tensors.get(place, (now, {}))
            left = leave_hooks(now or {}, then, theirs.put_on, theirs.taken_off)
            if hooks is not None and left.keys() != then.keys():
                self._of_tensors[place] = hooks, dict(left)
                words.append(f"{self._words(place)} ({_LEFT})")
        return words

    def restore(self) -> list[str]:
        """Put back what changed, in the very dicts. Returns it in words: "fc.weight: backward hooks"."""
        changed = [self._words(place) for place, now in self._held_or_gone() if self._put_back(place, now)]
        changed += [_say(kind.attribute) for kind, now, then in self._of_process if restore_hooks(kind, now, then)]
        for owner, flag, value in self._full:
            if flag and vars(owner).get(flag) is not value:
                setattr(owner, flag, value)
        return changed

    def _held(self) -> dict[DictPlace, HookDict]:
        """Every dict there is now; few tensors have one."""
        found: dict[DictPlace, HookDict] = {}
        with torch._C.DisableTorchFunctionSubclass():  # once for all: a subclass is told of what is read
            for index, (_, tensor) in enumerate(self._named):
                for attribute in _ATTRIBUTES:
                    hooks = read(tensor, attribute)
                    if hooks is not None:
                        found[index, attribute] = hooks
        return found

    def _held_or_gone(self) -> list[tuple[DictPlace, HookDict | None]]:
        now = self._held()
        return [(place, now.get(place)) for place in {**self._of_tensors, **now}]

    def _put_back(self, place: DictPlace, now: HookDict | None) -> bool:
        """Whether anything had changed."""
        hooks, then = self._of_tensors.get(place, (now, {}))
        assert hooks is not None  # every place was held before or is now
        moved = now is not hooks
        if moved:  # somebody set another dict, or None: autograd calls the one that was set last
            index, attribute = place
            setattr(self._named[index][1], attribute, hooks)
        return put_in(hooks, then) or moved

    def _words(self, place: DictPlace) -> str:
        index, attribute = place
        return f"{self._named[index][0]}: {_say(attribute)}"


def _process() -> Iterator[tuple[HookKind, dict[str, HookDict]]]:
    """The hooks of the process: of each kind the dicts by their names."""
    for owner, kinds in PROCESS:
        for kind in kinds:
            found = {name: hooks for name in dicts_of((kind,)) if (hooks := held_dict(owner, name)) is not None}
            yield kind, found


def _say(attribute: str) -> str:
    return attribute.strip("_").replace("_", " ")
