"""The hooks that a person added to modules: put on, taken out of torch's dicts for a while, and found again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import torch
from torch import nn

from ...errors import UsageError
from ...raised import say
from ...records import Path
from ...text import encodable
from ..hooks.attached import Attached
from ..hooks.hook import Hook
from ..hooks.session_state import HookState
from ..modules.tree import ModuleTree, Node
from ..recording.observers import Observers
from ..torch_hooks.ledger import Ledger
from .applied import Addition, AppliedHook


class AddedHooks:
    """Every hook that was ever added, those that were removed too: they can come back under the same id.

    Args:
        tree: The model.
        observers: The observe hooks; they stay the last ones of their modules, so that they see what the network sees.
        ledger: Takes hooks out of torch's dicts and puts them back.
        state: What the hooks share.
    """

    def __init__(self, tree: ModuleTree, observers: Observers, ledger: Ledger, state: HookState) -> None:
        self.additions: list[Addition] = []
        self._tree = tree
        self._observers = observers
        self._ledger = ledger
        self._state = state
        self._on: dict[int, list[AppliedHook]] = {}  # id(module) -> those on it

    def __iter__(self) -> Iterator[AppliedHook]:
        return (member for addition in self.additions for member in addition.members)

    def add(self, where: str, hook: Hook, nodes: Sequence[Node]) -> Addition:
        """Put `hook` on these modules, which `where` names.

        Raises:
            UsageError: None of them takes it.
        """
        interpreted = [node for node in nodes if not isinstance(node.module, torch.jit.ScriptModule)]
        why = "" if interpreted else "scripted and traced modules run compiled code, where no hook fires"
        members: list[AppliedHook] = []
        for node in interpreted:
            try:
                members.append(self._apply(hook, node))
            except Exception as error:  # any override of register_* may refuse
                why = why or say(error)
            self._observers.stay_last(node)
        if not members:
            raise UsageError(encodable(f"no hook can be put there: {why}", 400), hint="name other modules")
        self.additions.append(Addition(where, hook, members))
        return self.additions[-1]

    def _apply(self, hook: Hook, node: Node) -> AppliedHook:
        attached = Attached(hook, node.module, ".".join(self._tree.paths[node.index]), self._state)
        applied = AppliedHook(node, attached, attached.register())
        self._on.setdefault(id(node.module), []).append(applied)
        return applied

    def own(self, path: Path, kind: str, hook_id: int) -> AppliedHook:
        """Raises `UsageError` where there is none of ours, or it was removed."""
        found = self.find(self._tree.object_at(path), kind, hook_id)
        if found is None or not found.present:
            raise UsageError("this hook was not added here", hint="space switches any hook off and on")
        return found

    def find(self, node: Node | None, kind: str, hook_id: int) -> AppliedHook | None:
        """The one of this kind and id on a module; None where that is somebody else's."""
        return next((each for each in self if each.node is node and each.kind == kind and each.id == hook_id), None)

    def addition_of(self, member: AppliedHook) -> Addition:
        """As a part of which it was added."""
        return next(addition for addition in self.additions if member in addition.members)

    def of(self, module: nn.Module) -> dict[int, AppliedHook]:
        """Those on this module by id, also those that are hidden."""
        return {member.id: member for member in self._on.get(id(module), ())}

    def active(self) -> list[AppliedHook]:
        """Those that fire."""
        return [member for member in self if member.active]

    def count_by_node(self) -> dict[int, int]:
        """How many were added to each node, those that are off included."""
        return dict(Counter(member.node.index for member in self if member.present))

    def show(self, members: Sequence[AppliedHook], present: bool) -> None:
        """Remove them, or bring them back as they were."""
        for member in members:
            was = member.active
            member.present = present
            if member.active != was:
                self.put(member, member.active)

    def switch(self, member: AppliedHook, on: bool) -> None:
        """Switch one off or on."""
        if member.on != on:
            member.on = on
            if member.present:
                self.put(member, on)

    def put(self, member: AppliedHook, on: bool) -> None:
        """Into torch's dict or out of it, whatever is said of it elsewhere."""
        self._ledger.toggle(member.node.module, member.kind, member.id, on)

    def remove_all(self) -> None:
        """For good."""
        for member in self:
            member.handle.remove()
        self.additions.clear()
        self._on.clear()
