"""A model under inspection, with everything of ours that is on it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from msgspec.structs import replace
from torch import nn

from ...errors import UsageError
from ...records import Changes, HookMarks, ModelInfo, ModuleRow, Path, Problem, Stack, Target
from ...text import encodable
from ..changes.applied import State
from ..changes.log import ChangeLog
from ..changes.recipe import Entry
from ..changes.since_typed import describe_added
from ..frames.code_frame import CodeFrame
from ..frames.stack import CodeStack, OpenCall
from ..inputs import Sample
from ..loading import Loaded
from ..modules.rows import KeptRows, module_rows
from ..modules.tree import ModuleTree, Node, walk
from ..modules.weight_rows import weight_rows
from ..modules.weight_tree import Weights, weight_tree
from ..passes.guarded import copy_guarded
from ..passes.raised import list_open, stack_of_pass
from ..passes.training import PassSettings
from ..recording.observers import Observers
from ..recording.recorder import Recorder
from ..restore.backup import TensorBackup
from ..restore.others import OtherThreads
from ..torch_hooks.ledger import Ledger
from ..torch_hooks.slots import reserve_ids
from ..usercode.telling import Tell, tell_nobody
from ..values.kernels import cpu_statistics
from . import weights_only
from .bare_pass import BarePass
from .model_info import facts_of, look_closer

NOT_COPIED = "the input is not all copied, and a pass may change it"

Show = Callable[[ModelInfo, Sequence[ModuleRow]], None]


def tell_nothing(info: ModelInfo, rows: Sequence[ModuleRow]) -> None:
    """A `Show` where nobody looks before all is there."""


HOW_READONLY = "it was opened so by --readonly, readonly=True or [view] readonly in the configuration"


@dataclass
class Subject:
    """Made when a model is opened, ended by `close`. `sample` is None while no input is known, `seed` that of the next
    pass."""

    target: Target
    generation: int
    tree: ModuleTree
    backup: TensorBackup
    observers: Observers
    ledger: Ledger
    change_log: ChangeLog
    rows: Sequence[ModuleRow]
    info: ModelInfo
    sample: Sample | None
    seed: int
    classes: tuple[str, ...]  # what a classifier's outputs are called, where that is known
    input_notes: tuple[str, ...] = ()  # those of `info.notes` that are about the sample
    typed: tuple[Entry, ...] = ()  # the hooks and edits that came with the target
    stack: CodeStack | None = None  # of what was raised or stands still, for as long as it is looked at
    bare: BarePass = field(init=False)
    _raised: CodeStack | None = None  # what a pass of ours raised, until the next one
    _stack_before: CodeStack | None = None  # a pass stands still

    def __post_init__(self) -> None:
        self.bare = BarePass(self.change_log)

    @classmethod
    def of(
        cls,
        loaded: Loaded,
        target: Target,
        generation: int,
        say: Callable[[str], None],
        tell: Tell = tell_nobody,
        show: Show = tell_nothing,
    ) -> Subject:
        """`show` is given what there is to be looked at, as soon as it is known."""
        tree = weight_tree(loaded.model) if isinstance(loaded.model, Weights) else walk(loaded.model)
        is_alone = weights_only.is_alone(tree)
        rows: Sequence[ModuleRow] = weight_rows(tree) if is_alone else module_rows(tree)
        if is_alone:
            info = weights_only.facts(tree, rows, target.target, loaded)
        else:
            info = facts_of(tree, rows, target.target, loaded)
            show(info, rows)
            rows = KeptRows(tree, rows)
            reserve_ids(tree)
        backup, observers = weights_only.no_backup() if is_alone else TensorBackup(tree, tell=tell), Observers(tree)
        ledger = Ledger(lambda module: subject.ours(module), None if is_alone else tree)
        if not is_alone:
            info = look_closer(info, tree, backup)
        subject = cls(
            target,
            generation,
            tree,
            backup,
            observers,
            ledger,
            ChangeLog(tree, backup, observers, ledger, say),
            rows,
            info,
            loaded.sample,
            target.seed,
            loaded.classes,
        )
        return subject

    def node(self, path: Path) -> Node:
        """Raises `UsageError` where there is none."""
        try:
            return self.tree.object_at(path)
        except KeyError:
            raise UsageError(
                f"no module {'.'.join(path)!r} in this model", hint="a path as the tree shows it"
            ) from None

    def check_callable(self) -> None:
        """Raises `UsageError` where these are weights without a model."""
        if not self.info.is_model:
            raise weights_only.refusal(self.target.target)

    def begin_run(self) -> None:
        """Raises `UsageError` where there is nothing to run."""
        self.check_callable()
        self._let_go()
        cpu_statistics.take_up()

    def keep_raised(self, error: BaseException, problem: Problem, recorder: Recorder) -> None:
        """Look at the frames of what a recorded pass raised until the next one begins, with everything that is in
        them."""
        found = stack_of_pass(error, problem, self.tree, list_open(recorder.failed, recorder.calls))
        if found is not None:
            self.stack = self._raised = found

    def _let_go(self) -> None:
        """Of what the last pass raised. An error and its frames know each other: without a collection they would stay
        for a while, and what they hold may be large."""
        if self._raised is not None:
            self.stack = None if self.stack is self._raised else self.stack
            self._raised = None
            gc.collect()

    def list_conditions(self) -> tuple[object, ...]:
        """What all passes have to share that are compared, besides the settings of a pass."""
        return self.sample, self.seed, self.change_log.baseline, self.observers.count(), cpu_statistics.is_in_use()

    def go_ahead(self, turn: Callable[[], AbstractContextManager[object]], say: Callable[[str], None] | None) -> bool:
        """Do a piece of what the next pass waits for; whether there was one. With `say`, which there is after the first
        pass, begin what makes the next ones quicker."""
        if self.backup.copy_next():
            return True
        if say is not None and "cpu" in (self.info.device or "cpu"):
            cpu_statistics.prepare(turn, say)
        return False

    def check_changeable(self) -> None:
        """Raises `UsageError` where nothing may be changed."""
        self.check_callable()
        if self.target.readonly:
            raise UsageError("read-only: nothing is changed in this model", hint=HOW_READONLY)

    def ours(self, module: nn.Module) -> dict[int, str]:
        """The ids of our hooks on `module`, those included that a person took away and may bring back."""
        added = {hook_id: str(member.attached.hook) for hook_id, member in self.change_log.added.of(module).items()}
        return {**self.observers.ours(module), **added}

    def our_ids(self) -> set[int]:
        """The ids of all hooks of ours, as in `ours`."""
        return self.observers.ids() | {member.id for member in self.change_log.added}

    def marks(self) -> HookMarks:
        """Which modules are observed, and which have hooks of others, hooks that were added, and edits."""
        if not self.info.is_model:
            return HookMarks(self.generation, bytes(len(self.tree.nodes)))
        objects = list(self.tree.objects())
        observed = bytearray(len(self.tree.nodes))
        for node in objects:
            observed[node.index] = 2 if node.index in self.observers.refused else int(self.observers.on(node))
        ours = self.observers.ids()
        foreign = {node.index: self.ledger.count_foreign(node.module, ours) for node in objects}
        return HookMarks(
            self.generation,
            bytes(observed),
            {index: count for index, count in foreign.items() if count > 0},
            dict(self.observers.refused),
            self.change_log.added.count_by_node(),
            tuple(sorted({write.node for write in self.change_log.edits.find_edited()})),
        )

    def changes(self) -> Changes:
        """What was changed since the model was opened, and what the baseline is."""
        change_log = self.change_log
        state, base = change_log.state(), change_log.baseline
        words = "the model as it was loaded" if base == State() else f"{len(base.active)} hooks and {base.edits} edits"
        return Changes(
            self.generation,
            change_log.changes(),
            change_log.count_altering(),
            change_log.count_disabled(),
            len(change_log.edits.find_edited()),
            words if state != base else f"{words}, as it is now",
            describe_added(change_log, self.typed, self.target.target),
        )

    def take_sample(self, sample: Sample | None, reached: int | None = None) -> None:
        """What the next passes are called with; of a guess that reaches few modules, how many."""
        self.sample = sample = sample.of(self.tree.root) if sample is not None else None
        text, origin = (encodable(sample.text, 300), sample.origin) if sample is not None else ("", "")
        shared = copy_guarded(sample).shared if sample is not None else ()
        notes = [note for note in self.info.notes if note not in self.input_notes]
        self.input_notes = tuple(encodable(f"{NOT_COPIED}: {each}", 400) for each in shared[:3])
        notes += self.input_notes
        self.info = replace(self.info, input=text, input_origin=origin, notes=tuple(notes), reached=reached)

    def compare_with_bare(self, ms: float, settings: PassSettings, number: int) -> float | None:
        """Of a pass that went well, what the last one without our hooks took; where it is one itself, the next are
        compared with it, unless it is the first of all, and cold. None for none."""
        if self.observers.count():
            return self.bare.find(self.sample, settings, self.target.grad)
        if number > 1:
            self.bare.take(ms, self.sample, settings, self.target.grad)
        return None

    def show_frames(
        self, frames: Sequence[CodeFrame] | None, at_line: bool = False, calls: Sequence[OpenCall] = ()
    ) -> Stack:
        """Look at these for as long as a pass stands still in `calls`, `at_line` of the innermost; with None again at
        what was looked at before."""
        if frames is not None:
            self._stack_before = self.stack
            self.stack = CodeStack(frames, self.tree, at_innermost=at_line, calls=calls)
        else:
            self.stack = self._stack_before
        return self.stack.describe() if self.stack is not None else Stack()

    def look_at_frames(self) -> Sequence[CodeFrame]:
        """Those of the stack that is looked at."""
        return self.stack.frames if self.stack is not None else ()

    def close(self) -> None:
        """Leave the model as it was before."""
        self.stack = self._raised = None
        self.change_log.close()
        self.observers.remove_all()
        if self.backup.had_others or OtherThreads(self.tree):  # of what they wrote since the last pass nothing is known
            return
        self.backup.restore()
