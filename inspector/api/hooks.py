"""The library's hooks: put on a model for the length of a `with` block, and always taken off."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from types import TracebackType
from typing import Any, TypeVar

from torch import nn

from ..engine.hooks.attached import Attached
from ..engine.hooks.hook import Hook
from ..engine.hooks.kinds import BY_NAME
from ..engine.hooks.never_fired import Circumstances
from ..engine.hooks.outcomes import conclude
from ..engine.hooks.recording import Recording
from ..engine.hooks.session_state import HookState
from ..engine.hooks.spec import parse_hook
from ..engine.hooks.turns import ObserveFilter
from ..engine.modules.inlined import find_inlined
from ..engine.modules.rows import badges_of
from ..engine.modules.selector import ROOT, select
from ..engine.modules.tree import Node, walk
from ..engine.passes.unhooked import may_run_unseen
from ..engine.recording.observers import Observers
from ..engine.recording.recorder import Recorder
from ..engine.restore.hook_writes import HookWrites
from ..engine.source.class_name import class_name
from ..engine.torch_hooks.blocks import Block
from ..engine.torch_hooks.eager import untraced
from ..engine.torch_hooks.graph import GraphHooks
from ..errors import HookError, HookWarning
from ..records import WORST_FIRST, HookOutcome
from ..records.badges import Badge
from .captured import CapturedCall
from .check_model import check_model

Value = TypeVar("Value")
Wanted = Mapping[str, "Hook | str | Sequence[Hook | str]"]


class Hooks:
    """Hooks on the modules that were named, while the `with` block runs.

    `calls` are those of modules with `observe()`, `recorded` the tensors of `record()` by run and place. What became of
    the hooks is in `outcomes`, and in `fired`, `changed` and `faults`; where a hook failed, the model's call went on as
    if it were off. A step is a call of the model itself. Another `with` block of the same hooks begins anew.
    """

    def __init__(
        self,
        model: nn.Module,
        wanted: Wanted,
        say: Callable[[str], object] = print,
        strict: bool = False,
        keep: bool = False,
    ) -> None:
        self._tree = walk(model)
        self._block = Block(self._tree)
        self._observers = Observers(self._tree, self._block)
        self._state = HookState(lambda text: _ignore(say(text)), self._block)
        self._writes: HookWrites | None = None
        self._graph_hooks = GraphHooks()
        self._recorder = self._make_recorder()
        self._used = False
        self._keep = keep
        self._strict = strict
        self._counted: list[tuple[Node, Attached | ObserveFilter]] = []
        self._handles: list[Any] = []
        for where, hooks in wanted.items():
            nodes = select(self._tree, where)
            for hook in [hooks] if isinstance(hooks, (Hook, str)) else hooks:
                self._take(parse_hook(hook) if isinstance(hook, str) else hook, nodes)

    def _take(self, hook: Hook, nodes: list[Node]) -> None:
        for node in nodes:
            self._counted.append((node, self._make(hook, node)))

    def _make(self, hook: Hook, node: Node) -> Attached | ObserveFilter:
        if hook.kind.acts == "observe":
            return ObserveFilter(hook, self._state, node.module)
        return Attached(hook, node.module, ".".join(self._tree.paths[node.index]), self._state)

    def _make_recorder(self) -> Recorder:
        return Recorder(
            self._tree,
            filters=self._observers.filters,
            steps=self._state.steps,
            gradients=True,
            graph_hooks=self._graph_hooks,
        )

    def _start(self) -> None:
        """Whatever was counted in an earlier block with these hooks begins anew."""
        if self._used:
            self._state.start()
            for _, hook in self._counted:
                hook.start()
            self._recorder = self._make_recorder()
        self._used = True
        self._writes = None if self._keep else HookWrites(self._tree)
        if self._writes is not None:
            self._state.writing = self._writes.writing

    def __enter__(self) -> Hooks:
        self._block.enter()
        try:
            self._start()
            step_hook = self._state.steps.register(self._tree.root)
            self._handles += [step_hook] if step_hook is not None else []
            for _, hook in self._counted:
                if isinstance(hook, Attached):
                    self._handles.append(hook.register())
            for node, hook in self._counted:  # behind all others: they see what the network sees
                if isinstance(hook, ObserveFilter):
                    self._observers.add(node, hook)
        except BaseException:
            self._remove()
            raise
        self._observers.recorder = self._state.recorder = self._recorder
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._observers.recorder = self._state.recorder = None
        self._remove()
        self._state.end_step()
        self._recorder.finish(error)
        left = self._writes.take_back() if self._writes is not None else []
        if left:
            warnings.warn("\n".join(left), HookWarning, stacklevel=2)
        self._tell(error)

    def _tell(self, error: BaseException | None) -> None:
        """Of the hooks that failed, never fired or changed nothing; where the block raised, of those that failed."""
        told = [each for each in self.outcomes if each.kind != "fine" and (error is None or each.kind == "failed")]
        told.sort(key=lambda each: WORST_FIRST.index(each.kind))
        serious = [each for each in told if each.kind != "changed nothing"]
        if self._strict and serious and error is None:
            raise HookError(_list_sentences(serious), hint="on.outcomes has all of them")
        if told:
            warnings.warn(_list_sentences(told), HookWarning, stacklevel=3)

    def _remove(self) -> None:
        self._block.close()
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        for _, hook in self._counted:
            if isinstance(hook, Attached):
                hook.graph.stop_looking()
                hook.leave_tensors()
        self._graph_hooks.remove()
        self._observers.remove_all()
        self._block.leave()

    @property
    def calls(self) -> list[CapturedCall]:
        """Of the modules with `observe()`, in completion order."""
        self._recorder.settle()
        return [CapturedCall.of(self._tree, call) for call in self._recorder.calls]

    @property
    def recorded(self) -> dict[str, Recording]:
        """What `record` hooks kept, by the name they were given."""
        model = class_name(self._tree.root)
        return {run: Recording(tensors, model) for run, tensors in self._state.recordings.items()}

    @property
    def outcomes(self) -> list[HookOutcome]:
        """What became of every hook so far: `path`, `hook`, `fired`, `changed`, `fault`, `unfired` (why it never fired)
        and `sentence`, which is empty where all is fine."""
        known = Circumstances(
            self._tree,
            lambda node: badges_of(node.module) + (Badge("inlined"),) * (node.index in self._inlined),
            {node.index for node, hook in self._counted if hook.tally.calls},
            entered=self._state.steps.count > 0,
            last_step=self._state.steps.count - 1,
            refused=self._observers.refused,
            may_run_unseen=partial(may_run_unseen, self._tree),
        )
        return [conclude(hook.hook, node, hook.tally, known) for node, hook in self._counted]

    @cached_property
    def _inlined(self) -> set[int]:
        return find_inlined(self._tree)

    @property
    def faults(self) -> list[Exception]:
        """The last exception of each hook that raised, or whose `where` is not there: the model's call went on as if
        that hook were off."""
        faults = [hook.tally.fault for _, hook in self._counted]
        return [fault for fault in faults if fault is not None]

    @property
    def fired(self) -> dict[str, int]:
        """How often each hook was carried out: `{"fc: scale(2)": 1}`."""
        return self._by_name([outcome.fired for outcome in self.outcomes])

    def _by_name(self, values: Sequence[Value]) -> dict[str, Value]:
        """One value for each hook, in the order in which they were given; of equal ones the second ends in `(2)`."""
        found: dict[str, Value] = {}
        for (node, hook), value in zip(self._counted, values, strict=True):
            name = key = f"{'.'.join(self._tree.paths[node.index]) or ROOT}: {hook.hook}"
            numbers = itertools.count(2)
            while key in found:
                key = f"{name} ({next(numbers)})"
            found[key] = value
        return found

    @property
    def changed(self) -> dict[str, bool | None]:
        """Whether each hook changed a bit of what it is on: `{"fc: scale(2)": True}`. None for one that only looks or
        did not fire, and where there are no values to compare."""
        return self._by_name([outcome.changed for outcome in self.outcomes])

    def __repr__(self) -> str:
        """A line for each hook."""
        return "\n".join(f"{each.place}: {each.sentence or _fired_words(each.fired)}" for each in self.outcomes)


def _fired_words(fired: int) -> str:
    return "fired once" if fired == 1 else f"fired {fired:,} times"


def _list_sentences(outcomes: Sequence[HookOutcome], shown: int = 10) -> str:
    """One a line; past the first ones how many there are more."""
    lines = [f"{each.place} {each.sentence}" for each in outcomes[:shown]]
    python = any(each.kind == "changed nothing" and each.hook.startswith("python(") for each in outcomes)
    hint = ["a function that is only to look is inspector.python(f, looks=True)"] * python
    more = [f"and {len(outcomes) - shown} more: see on.outcomes"] if len(outcomes) > shown else []
    return "\n".join([*lines, *more, *hint])


def _ignore(value: object) -> None:
    return None


@untraced
def hooks(model: nn.Module, wanted: Wanted, *, strict: bool = False, keep: bool = False) -> Hooks:
    """Put hooks on modules for the length of a `with` block.

    Compiled models run eagerly meanwhile, and other threads with blocks of their own are not touched: see `capture`.

    Afterwards the parameters are what they were, bit for bit, also where the block is left by an exception. What
    somebody else wrote meanwhile, such as an optimizer, is not taken back: such a parameter is left, and a warning
    names it. A graph that was made in the block needs the parameters of the block: run backward before its end.

    A hook that failed, one that never fired (with the reason) and one that changed nothing are told at the end of the
    block, in one `HookWarning`.

    Args:
        model: Any module.
        wanted: What is put where: `{"fc": inspector.scale(2), "class:Conv2d": inspector.noise(0.1, on="input")}`. A
            module is named by its dotted path, a glob, `class:NAME`, or several of these with commas, and behind `~`
            what is left out: `"layer4.*, ~class:ReLU"`. `"(root)"` and `""` are the model itself, which `"*"` leaves
            out. Several hooks on the same modules are a list; each may be text, as in `"scale(2)"`.
        strict: At the end of the block raise `HookError` where a hook failed or never fired, unless the block raised.
        keep: Leave what hooks with `on="parameters"` wrote.

    Raises:
        NotAModule: A TypeError too: what was given is no module.
        UsageError: A module or a hook cannot be understood.
        InspectorError: On entering: the block is inside compiled code, or torch is too old for a compiled model.
    """
    check_model(model, "hooks")
    return Hooks(model, wanted, strict=strict, keep=keep)


def python(function: Callable[..., Any], *, looks: bool = False, **options: Any) -> Hook:
    """A hook that is a function of one's own: called as `function(module, args, kwargs, output)` on the output,
    `(module, args, kwargs)` on the input, `(module)` on parameters, `(module, gradient)` on the gradient and
    `(module, state_dict, prefix)` on state dicts. On parameters it is called after each call of the module, or with
    `at="before"` before it.

    Args:
        function: What it returns, unless that is None, takes the place of the output, input or gradient.
        looks: It is only to look, so that nobody is warned where it changes nothing.
        options: As every kind takes them: `on`, `where`, `call`, `every`, `when`, `at`.
    """
    return replace(BY_NAME["python"](**options), function=function, looks=looks)
