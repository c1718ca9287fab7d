"""What a person changed in a model under inspection: hooks added, hooks switched off, parameters edited.

Every change can be undone and made again. A hook that was removed, or whose addition was undone, is taken out of
torch's hook dict and kept, so that it comes back under the same id and in the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial as bind
from typing import NamedTuple

from ...errors import UsageError
from ...records import Change, HookOutcome, Path, Problem
from ...text import encodable
from ..hooks.attached import Attached
from ..hooks.hook import Hook
from ..hooks.never_fired import Circumstances
from ..hooks.outcomes import conclude
from ..hooks.session_state import HookState
from ..hooks.spec import parse_hook
from ..hooks.turns import ObserveFilter
from ..modules.selector import select
from ..modules.tree import ModuleTree, Node
from ..recording.observers import Observers
from ..restore.backup import TensorBackup
from ..torch_hooks.ledger import Ledger
from ..usercode.telling import Tell, tell_nobody
from .added_hooks import AddedHooks
from .applied import Foreign, State, describe_fault
from .edits import Edit, Edits, Load, ParameterWrite, StateDictFile
from .load import plan_load
from .undo import UndoStack

TOLD = 20
"""Hooks that failed, of which each is told as a problem."""


class InForce(NamedTuple):
    """Hooks by the dotted paths of their modules, edits by what they were made to, and the state dicts loaded."""

    hooks: dict[str, list[Hook]]
    edits: dict[str, list[Hook]]
    loads: list[StateDictFile]


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
        self._backup = backup
        self.observers = observers
        self.ledger = ledger
        self._say = say
        self.hook_state = HookState(say)
        self.edits = Edits(backup, self._tell_left)
        self.added = AddedHooks(tree, observers, ledger, self.hook_state)
        self.baseline = State()
        self._foreign_off: set[Foreign] = set()
        self._undo = UndoStack()

    def add(self, where: str, hook: Hook) -> None:
        """Put a hook on every module that `where` names.

        Raises:
            UsageError: No module is named so, or none takes it. Nothing was done.
        """
        nodes = self.check(where, hook)
        if hook.kind.acts == "observe":
            self.observe(nodes, True, None if hook == parse_hook("observe()") else hook)
            return
        members = self.added.add(where, hook, nodes).members
        label = f"add {hook} to {where or '(root)'}"
        self._did(label, lambda: self.added.show(members, False), lambda: self.added.show(members, True))

    def check(self, where: str, hook: Hook) -> list[Node]:
        """What `add` would put it on. Raises `UsageError`."""
        nodes = select(self.tree, where)
        if hook.kind.acts != "observe":
            Attached(hook, nodes[0].module, "", self.hook_state)  # its arguments are looked at when it is made
        return nodes

    def check_edit(self, where: str, hook: Hook) -> list[Node]:
        """What `edit` would change. Raises `UsageError`."""
        if hook.on != "parameters" or hook.kind.acts != "tensor":
            raise UsageError(f"{hook.kind.name} does not edit parameters", hint="write scale(2), zero() or prune(0.5)")
        if hook.at != hook.kind.moment:
            raise UsageError("an edit is made now, before any call", hint="leave at= away, or add a hook with a")
        return self.check(where, hook)

    def replace(self, path: Path, kind: str, hook_id: int, hook: Hook) -> None:
        """Put another hook in the place of one of ours, wherever that was added to. Raises `UsageError`."""
        addition = self.added.addition_of(self.added.own(path, kind, hook_id))
        self.check(addition.where, hook)
        old = addition.present
        new = self.added.add(addition.where, hook, [member.node for member in old])

        def swap(to_new: bool) -> None:
            self.added.show(old, not to_new)
            self.added.show(new.members, to_new)

        self.added.show(old, False)
        self._did(f"change {addition.hook} to {hook}", lambda: swap(False), lambda: swap(True))

    def remove(self, path: Path, kind: str, hook_id: int) -> None:
        """Raises `UsageError` where it is not one of ours."""
        member = self.added.own(path, kind, hook_id)
        self.added.show([member], False)
        label = f"remove {member.attached.hook} from {member.attached.path or '(root)'}"
        self._did(label, lambda: self.added.show([member], True), lambda: self.added.show([member], False))

    def toggle(self, node: Node | None, kind: str, hook_id: int, on: bool, of: str = "") -> None:
        """Switch one hook, anybody's; `node` is None for one of the whole process. Raises `UsageError` where there is
        none."""
        own = self.added.find(node, kind, hook_id)
        if own is not None and own.present:
            words, switch = str(own.attached.hook), bind(self.added.switch, own)
        else:
            words, switch = kind, bind(self._switch_foreign, (node.index if node else -1, kind, of, hook_id))
        name = "the process" if node is None else ".".join(self.tree.paths[node.index]) or "(root)"
        switch(on)
        self._did(f"{'enable' if on else 'disable'} {words} on {name}", lambda: switch(not on), lambda: switch(on))

    def switch_off(self, paths: tuple[str, ...]) -> None:
        """Switch off what was added last on these modules, as a part of its addition."""
        additions = self.added.additions
        for member in additions[-1].members if additions else ():
            if member.attached.path in paths:
                self.added.switch(member, False)

    def disable_all(self) -> None:
        """Every hook of ours, the observing ones too."""
        members = self.added.active()
        observed = [node for node in self.tree.objects() if self.observers.on(node)]
        filters = dict(self.observers.filters)

        def switch(on: bool) -> None:
            for member in members:
                self.added.switch(member, on)
            for node in observed:
                self._observe(node, on, filters.get(node.index))

        if not members and not observed:
            raise UsageError("no hook of ours is on", hint="space puts one on again")
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
                self._observe(node, on, ObserveFilter(hook, self.hook_state, node.module) if hook is not None else None)

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
            self.observers.remove(node.index)

    def edit(self, where: str, hook: Hook) -> None:
        """Change parameters now. Raises `UsageError`."""
        edit = self.edits.plan(where, hook, self.check_edit(where, hook))
        self.edits.make(edit)
        self._did(f"edit {where or '(root)'}: {hook}", self.edits.unmake, lambda: self.edits.make_again(edit))

    def load(self, file: str, renames: tuple[str, ...] = (), partial: bool = False, tell: Tell = tell_nobody) -> None:
        """Load a state dict now; see `plan_load`. Raises `InspectorError`, with nothing done."""
        load = plan_load(self.tree, self._backup, file, renames, partial, tell)
        self.edits.make(load)
        self._did(str(load.source), self.edits.unmake, lambda: self.edits.make_again(load))

    def _tell_left(self, write: ParameterWrite) -> None:
        name = ".".join((*self.tree.paths[write.node], write.name))
        self._say(encodable(f"{name} was also written by something else than the edit: it is left as it is", 300))

    def undo(self) -> None:
        """Raises `UsageError` where nothing is left."""
        self._undo.undo()
        self._clamp_baseline()

    def redo(self) -> None:
        """Raises `UsageError` where nothing was undone."""
        self._undo.redo()

    def take_baseline(self) -> None:
        """From now on the model as it is now is what is compared with."""
        self.baseline = self.state()

    def changes(self) -> tuple[Change, ...]:
        """In order, those that were undone last."""
        return self._undo.changes()

    def _did(self, label: str, undo: Callable[[], None], redo: Callable[[], None]) -> None:
        self._undo.push(label, undo, redo)
        self._clamp_baseline()

    def _clamp_baseline(self) -> None:
        """A baseline has no edits that are no longer there."""
        base = self.baseline
        self.baseline = State(base.active, base.off, min(base.edits, len(self.edits.made)))

    def state(self) -> State:
        """What is in force now."""
        active = frozenset(id(member.attached) for member in self.added if member.active and member.alters)
        return State(active, frozenset(self._foreign_off), len(self.edits.made))

    @contextmanager
    def as_in(self, state: State) -> Iterator[None]:
        """For a while, only what was in force then; hooks that were not are on their modules and do nothing."""
        undone = self.edits.rewind(state.edits)
        muted = [m for m in self.added if m.active and m.alters and id(m.attached) not in state.active]
        switched = [m for m in self.added if not m.active and id(m.attached) in state.active]
        others = state.off ^ self._foreign_off
        for member in muted:
            member.attached.muted = True
        try:
            for member in switched:
                self.added.put(member, True)
            for key in others:
                self._toggle_foreign(key, key not in state.off)
            yield
        finally:
            for key in others:
                self._toggle_foreign(key, key in state.off)
            for member in switched:
                self.added.put(member, False)
            for member in muted:
                member.attached.muted = False
            for edit in undone:
                self.edits.make_again(edit)

    def count_altering(self) -> int:
        """How many hooks of ours are on and change something."""
        return sum(member.alters for member in self.added.active())

    def count_disabled(self) -> int:
        """How many hooks are off, anybody's."""
        return len(self._foreign_off) + sum(m.present and not m.on for m in self.added)

    def start(self) -> None:
        """A pass, or a run of batches, begins."""
        self.hook_state.start()
        for _, hook in self._counted():
            hook.start()

    def conclude(self, known: Circumstances) -> tuple[tuple[HookOutcome, ...], tuple[Problem, ...]]:
        """What became of every hook that was added, since `start`; and of the first that failed, the faults."""
        for member in self.added:
            member.attached.outcome = None
        counted = list(self._counted())
        for node, hook in counted:
            hook.outcome = conclude(hook.hook, node, hook.tally, known)
        outcomes = tuple(hook.outcome for _, hook in counted if hook.outcome is not None)
        failed = [(hook.hook, self.tree.paths[node.index], hook.tally.fault) for node, hook in counted]
        faults = [describe_fault(hook, path, fault) for hook, path, fault in failed if fault is not None]
        return outcomes, tuple(faults[:TOLD])

    def expect(self) -> tuple[HookOutcome, ...]:
        """What there is to say of every hook that was added, as long as there was no pass."""
        known = Circumstances(self.tree, lambda node: (), entered=False)
        return tuple(conclude(hook.hook, node, hook.tally, known) for node, hook in self._counted())

    def _counted(self) -> Iterator[tuple[Node, Attached | ObserveFilter]]:
        """The hooks that were added and are on, with the modules they are on."""
        yield from ((member.node, member.attached) for member in self.added.active())
        yield from ((self.tree.nodes[index], each) for index, each in self.observers.filters.items())

    def in_force(self) -> InForce:
        """What is on now, each in order."""
        hooks: dict[str, list[Hook]] = {}
        edits: dict[str, list[Hook]] = {}
        loads = [edit.source for edit in self.edits.made if isinstance(edit, Load)]
        for member in self.added.active():
            hooks.setdefault(member.attached.path, []).append(member.attached.hook)
        for edit in self.edits.made:
            if isinstance(edit, Edit):
                edits.setdefault(edit.where, []).append(edit.hook)
        return InForce(hooks, edits, loads)

    def close(self) -> None:
        """Take everything back."""
        self.edits.rewind(0)
        self.ledger.enable_all()
        self.added.remove_all()
        self._undo.clear()

    def _switch_foreign(self, key: Foreign, on: bool) -> None:
        self._toggle_foreign(key, on)
        (self._foreign_off.discard if on else self._foreign_off.add)(key)

    def _toggle_foreign(self, key: Foreign, on: bool) -> None:
        index, kind, of, hook_id = key
        self.ledger.toggle(self.tree.nodes[index].module if index >= 0 else None, kind, hook_id, on, of)
