"""What a person changed in a model under inspection: hooks added, hooks switched off, parameters edited.

Every change can be undone and made again. A hook that was removed, or whose addition was undone, is taken out of
torch's hook dict and kept, so that it comes back under the same id and in the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from ...errors import UsageError
from ...records import Change, Path, Problem
from ...text import encodable
from ..hooks.attached import Attached
from ..hooks.hook import Hook
from ..hooks.session_state import HookState
from ..hooks.spec import parse_hook
from ..hooks.targets import find
from ..hooks.turns import ObserveFilter
from ..modules.tree import ModuleTree, Node
from ..recording.observers import Observers
from ..restore.guard import TensorBackup
from ..torch_hooks.ledger import Ledger
from .applied import Addition, AppliedHook, Foreign, State, describe_fault
from .edits import Edits


@dataclass
class _Done:
    label: str
    undo: Callable[[], None]
    redo: Callable[[], None]
    undone: bool = False


class ChangeLog:
    """Args:
    tree: The model.
    backup: Is told of parameters that are edited.
    observers: The observe hooks; they stay the last ones of their modules, so that they see what the network sees.
    ledger: Takes hooks out of torch's dicts and puts them back.
    say: Receives a line for the Log panel.
    """

    def __init__(
        self, tree: ModuleTree, backup: TensorBackup, observers: Observers, ledger: Ledger, say: Callable[[str], None]
    ) -> None:
        self.tree = tree
        self.observers = observers
        self.ledger = ledger
        self.hook_state = HookState(say)
        self.edits = Edits(backup)
        self.additions: list[Addition] = []
        self.baseline = State()
        self._foreign_off: set[Foreign] = set()
        self._on: dict[int, list[AppliedHook]] = {}  # id(module) -> ours, hidden ones too
        self._done: list[_Done] = []

    def add(self, where: str, hook: Hook) -> None:
        """Put a hook on every module that `where` names.

        Raises:
            UsageError: No module is named so, or none takes it. Nothing was done.
        """
        nodes = self.check(where, hook)
        if hook.kind.acts == "observe":
            self.observe(nodes, True, None if hook == parse_hook("observe()") else hook)
            return
        addition = Addition(where, hook, self._attach(hook, nodes))
        self.additions.append(addition)
        members = addition.members
        self._did(
            f"add {hook} to {where or '(root)'}", lambda: self._set(members, False), lambda: self._set(members, True)
        )

    def check(self, where: str, hook: Hook) -> list[Node]:
        """What `add` would put it on. Raises `UsageError`."""
        nodes = find(self.tree, where)
        if hook.kind.acts != "observe":
            Attached(hook, nodes[0].module, "", self.hook_state)  # its arguments are looked at when it is made
        return nodes

    def check_edit(self, where: str, hook: Hook) -> list[Node]:
        """What `edit` would change. Raises `UsageError`."""
        if hook.on != "parameters" or hook.kind.acts != "tensor":
            raise UsageError(f"{hook.kind.name} does not edit parameters", hint="write scale(2), zero() or prune(0.5)")
        return self.check(where, hook)

    def _attach(self, hook: Hook, nodes: list[Node]) -> list[AppliedHook]:
        members: list[AppliedHook] = []
        why = ""
        for node in nodes:
            if isinstance(node.module, torch.jit.ScriptModule):
                why = why or "scripted and traced modules run compiled code, where no hook fires"
                continue
            attached = Attached(hook, node.module, ".".join(self.tree.paths[node.index]), self.hook_state)
            try:
                added = AppliedHook(node, attached, attached.register())
                members.append(added)
                self._on.setdefault(id(node.module), []).append(added)
            except Exception as error:  # ScriptModules refuse, and so may any override of register_*
                why = why or f"{type(error).__name__}: {error}"
            self.observers.stay_last(node)
        if not members:
            raise UsageError(encodable(f"no hook can be put there: {why}", 400))
        return members

    def replace(self, path: Path, kind: str, hook_id: int, hook: Hook) -> None:
        """Put another hook in the place of one of ours, wherever that was added to. Raises `UsageError`."""
        addition = self._addition_of(self._own(path, kind, hook_id))
        self.check(addition.where, hook)
        old = [member for member in addition.members if member.present]
        new = Addition(addition.where, hook, self._attach(hook, [member.node for member in old]))
        self.additions.append(new)

        def swap(to_new: bool) -> None:
            self._set(old, not to_new)
            self._set(new.members, to_new)

        self._set(old, False)
        self._did(f"change {addition.hook} to {hook}", lambda: swap(False), lambda: swap(True))

    def remove(self, path: Path, kind: str, hook_id: int) -> None:
        """Raises `UsageError` where it is not one of ours."""
        member = self._own(path, kind, hook_id)
        self._set([member], False)
        label = f"remove {member.attached.hook} from {member.attached.path or '(root)'}"
        self._did(label, lambda: self._set([member], True), lambda: self._set([member], False))

    def toggle(self, node: Node | None, kind: str, hook_id: int, on: bool, of: str = "") -> None:
        """Switch one hook, anybody's; `node` is None for one of the whole process. Raises `UsageError` where there is
        none."""
        own = next((m for m in self._members() if m.node is node and m.kind == kind and m.id == hook_id), None)
        if own is not None and own.present:
            words, switch = str(own.attached.hook), partial(self._switch, own)
        else:
            words, switch = kind, partial(self._switch_foreign, (node.index if node else -1, kind, of, hook_id))
        name = "the process" if node is None else ".".join(self.tree.paths[node.index]) or "(root)"
        switch(on)
        self._did(f"{'enable' if on else 'disable'} {words} on {name}", lambda: switch(not on), lambda: switch(on))

    def switch_off(self, paths: tuple[str, ...]) -> None:
        """Switch off what was added last on these modules, as a part of its addition."""
        for member in self.additions[-1].members if self.additions else ():
            if member.attached.path in paths:
                self._switch(member, False)

    def disable_all(self) -> None:
        """Every hook of ours, the observing ones too."""
        members = [member for member in self._members() if member.active]
        observed = [node for node in self.tree.objects() if self.observers.on(node)]
        filters = dict(self.observers.filters)

        def switch(on: bool) -> None:
            for member in members:
                self._switch(member, on)
            for node in observed:
                self._observe(node, on, filters.get(node.index))

        if not members and not observed:
            raise UsageError("no hook of ours is on")
        switch(False)
        self._did(f"disable all {len(members) + len(observed)}", lambda: switch(True), lambda: switch(False))

    def observe(self, nodes: list[Node], on: bool, hook: Hook | None = None) -> None:
        """Turn the observe hook of these modules on or off; `hook` says what of them is looked at, without it all."""
        observers = self.observers
        before = [(node, observers.on(node), observers.filters.get(node.index)) for node in nodes]
        before = [
            (node, was, observe_filter)
            for node, was, observe_filter in before
            if was != on or (on and (hook or observe_filter))
        ]

        def switch() -> None:
            for node, _, _ in before:
                self._observe(node, on, ObserveFilter(hook, self.hook_state) if hook is not None else None)

        def back() -> None:
            for node, was, observe_filter in before:
                self._observe(node, was, observe_filter)

        switch()
        if before:
            some = ".".join(self.tree.paths[before[0][0].index]) or "(root)"
            more = f" and {len(before) - 1} more" if len(before) > 1 else ""
            words = str(hook) if hook is not None else f"observe {'on' if on else 'off'}"
            self._did(f"{words}: {some}{more}", back, switch)

    def _observe(self, node: Node, on: bool, observe_filter: ObserveFilter | None) -> None:
        if on:
            self.observers.add(node, observe_filter)
        else:
            self.observers.remove(node)

    def edit(self, where: str, hook: Hook) -> None:
        """Change parameters now. Raises `UsageError`."""
        edit = self.edits.plan(where, hook, self.check_edit(where, hook))
        self.edits.make(edit)
        self._did(f"edit {where or '(root)'}: {hook}", self.edits.unmake, lambda: self.edits.make(edit))

    def undo(self) -> None:
        """Raises `UsageError` where nothing is left."""
        last = next((done for done in reversed(self._done) if not done.undone), None)
        if last is None:
            raise UsageError("nothing to undo")
        last.undo()
        last.undone = True
        self._clamp_baseline()

    def redo(self) -> None:
        """Raises `UsageError` where nothing was undone."""
        first = next((done for done in self._done if done.undone), None)
        if first is None:
            raise UsageError("nothing to redo")
        first.redo()
        first.undone = False

    def take_baseline(self) -> None:
        """From now on the model as it is now is what is compared with."""
        self.baseline = self.state()

    def changes(self) -> tuple[Change, ...]:
        return tuple(Change(encodable(done.label, 200), done.undone) for done in self._done)

    def _did(self, label: str, undo: Callable[[], None], redo: Callable[[], None]) -> None:
        self._done = [done for done in self._done if not done.undone]
        self._done.append(_Done(label, undo, redo))
        self._clamp_baseline()

    def _clamp_baseline(self) -> None:
        """A baseline has no edits that are no longer there."""
        base = self.baseline
        self.baseline = State(base.active, base.off, min(base.edits, len(self.edits.made)))

    def state(self) -> State:
        active = frozenset(id(member.attached) for member in self._members() if member.active and member.alters)
        return State(active, frozenset(self._foreign_off), len(self.edits.made))

    @contextmanager
    def as_in(self, state: State) -> Iterator[None]:
        """For a while, only what was in force then; hooks that were not are on their modules and do nothing."""
        undone = self.edits.rewind(state.edits)
        muted = [m for m in self._members() if m.active and m.alters and id(m.attached) not in state.active]
        switched = [m for m in self._members() if not m.active and id(m.attached) in state.active]
        others = state.off ^ self._foreign_off
        for member in muted:
            member.attached.muted = True
        try:
            for member in switched:
                self._put(member, True)
            for key in others:
                self._toggle_foreign(key, key not in state.off)
            yield
        finally:
            for key in others:
                self._toggle_foreign(key, key in state.off)
            for member in switched:
                self._put(member, False)
            for member in muted:
                member.attached.muted = False
            for edit in undone:
                self.edits.make(edit)

    def active(self) -> list[AppliedHook]:
        return [member for member in self._members() if member.active]

    def altering(self) -> int:
        return sum(member.alters for member in self.active())

    def disabled(self) -> int:
        return len(self._foreign_off) + sum(m.present and not m.on for m in self._members())

    def added(self) -> dict[int, int]:
        """How many hooks were added to each node."""
        found: dict[int, int] = {}
        for member in self._members():
            if member.present:
                found[member.node.index] = found.get(member.node.index, 0) + 1
        return found

    def of(self, module: nn.Module) -> dict[int, AppliedHook]:
        """Ours on this module by id, also those that are hidden."""
        return {member.id: member for member in self._on.get(id(module), ())}

    def start(self) -> None:
        """A pass, or a run of batches, begins."""
        self.hook_state.batch = 0
        for member in self.active():
            member.attached.start()
        for observe_filter in self.observers.filters.values():
            observe_filter.start()

    def faults(self) -> tuple[Problem, ...]:
        """What went wrong in hooks of ours since `start`."""
        added = [(member.attached.hook, member.node, member.attached.fault) for member in self.active()]
        seen = [(each.hook, self.tree.nodes[index], each.fault) for index, each in self.observers.filters.items()]
        found = [(hook, node, fault) for hook, node, fault in (*added, *seen) if fault is not None]
        return tuple(describe_fault(hook, self.tree.paths[node.index], fault) for hook, node, fault in found[:20])

    def in_force(self) -> tuple[dict[str, list[Hook]], dict[str, list[Hook]]]:
        """Hooks by the dotted paths of their modules, and edits by what they were made to, each in order."""
        hooks: dict[str, list[Hook]] = {}
        edits: dict[str, list[Hook]] = {}
        for member in self.active():
            hooks.setdefault(member.attached.path, []).append(member.attached.hook)
        for edit in self.edits.made:
            edits.setdefault(edit.where, []).append(edit.hook)
        return hooks, edits

    def close(self) -> None:
        """Take everything back."""
        self.edits.rewind(0)
        self.ledger.enable_all()
        for member in self._members():
            member.handle.remove()
        self.additions.clear()
        self._on.clear()
        self._done.clear()

    def _members(self) -> Iterator[AppliedHook]:
        return (member for addition in self.additions for member in addition.members)

    def _addition_of(self, member: AppliedHook) -> Addition:
        return next(addition for addition in self.additions if member in addition.members)

    def _own(self, path: Path, kind: str, hook_id: int) -> AppliedHook:
        node = self.tree.object_at(path)
        for member in self._members():
            if member.node is node and member.kind == kind and member.id == hook_id and member.present:
                return member
        raise UsageError("this hook was not added here", hint="space switches any hook off and on")

    def _set(self, members: list[AppliedHook], present: bool) -> None:
        for member in members:
            was = member.active
            member.present = present
            if member.active != was:
                self._put(member, member.active)

    def _switch(self, member: AppliedHook, on: bool) -> None:
        if member.on != on:
            member.on = on
            if member.present:
                self._put(member, on)

    def _put(self, member: AppliedHook, on: bool) -> None:
        self.ledger.toggle(member.node.module, member.kind, member.id, on)

    def _switch_foreign(self, key: Foreign, on: bool) -> None:
        self._toggle_foreign(key, on)
        (self._foreign_off.discard if on else self._foreign_off.add)(key)

    def _toggle_foreign(self, key: Foreign, on: bool) -> None:
        index, kind, of, hook_id = key
        self.ledger.toggle(self.tree.nodes[index].module if index >= 0 else None, kind, hook_id, on, of)
