"""One hook of ours on one module: what torch calls, and how it acts on nested values, gradients and parameters.

It never raises into the model's call: what goes wrong is told as a fault, and the call goes on as if the hook were off.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from copy import copy
from functools import partial
from time import perf_counter
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ...records import HookOutcome
from ..modules.tree import own_tensors, walk
from ..torch_hooks.eager import is_traced, untraced
from ..torch_hooks.ours import OurHandle, OurHook, register
from ..torch_hooks.outputs import Watch
from ..values import nested
from ..values.parts import is_tensor
from ..values.unwrap import has_floats
from ..values.value_path import Step, change_inside, part_at, replace_at, split
from .context import HookContext
from .graphs import is_stop
from .hook import PARAMETERS, Hook
from .kind import Drawing, read_generators, rewind
from .parameters import GraphWatch, find_parameters, telling_busy, write_parameters
from .python_code import PythonHook
from .session_state import HookState
from .substitute import check_dtype
from .tally import Tally
from .turns import Repeats, Turn, Turns


class Attached:
    """A hook on a module. `tally` says what became of it since `start`, `outcome` what did in the last pass."""

    def __init__(self, hook: Hook, module: nn.Module, path: str, state: HookState) -> None:
        self.hook = hook
        self.module = module
        self.path = path
        self.state = state
        self.tally = Tally()
        self.outcome: HookOutcome | None = None
        self.muted = False  # on its module, and doing nothing
        self._act: Any = None
        self._turns = Turns(hook, state.steps)
        self._repeats = Repeats()
        self.graph = GraphWatch(module, state)
        self._on_tensors: list[RemovableHandle] = []
        self.start()

    def start(self) -> None:
        """Another pass begins: counts and generators start again. Raises `UsageError` where the kind cannot be made of
        these arguments, or there is no baseline."""
        self.state.check(self.hook)
        self.tally = Tally()
        self.graph.start()
        self._turns.start()
        self._repeats.start()
        self._on_tensors.clear()  # they went with their pass
        python = self.hook.kind.acts == "python"
        self._act = PythonHook.of(self.hook) if python else self.hook.kind.make(**self.hook.arguments)

    def register(self) -> OurHandle:
        """Put it on its module, behind the hooks that are there."""
        module, on = self.module, self.hook.on
        untyped: Any = module  # torch before 2.5 has private names alone
        if on == "input":
            return register(module.register_forward_pre_hook, Trigger(self, Attached._before), with_kwargs=True)
        if on == "state_dict":
            put = getattr(untyped, "register_state_dict_post_hook", untyped._register_state_dict_hook)
            return register(put, Trigger(self, Attached._edit_saved))
        if on == "load_state_dict":
            older = partial(untyped._register_load_state_dict_pre_hook, with_module=True)
            put = getattr(untyped, "register_load_state_dict_pre_hook", older)
            return register(put, Trigger(self, Attached._loading))
        if on == PARAMETERS and self.hook.at == "before":
            return register(module.register_forward_pre_hook, Trigger(self, Attached._edit_before), with_kwargs=True)
        after = {PARAMETERS: Attached._edit_after, "grad": Attached._watch}.get(on, Attached._after)
        return register(module.register_forward_hook, Trigger(self, after), with_kwargs=True)

    def leave_tensors(self) -> None:
        """Take it off the tensors whose gradients it still waits for."""
        for handle in self._on_tensors:
            handle.remove()
        self._on_tensors.clear()

    def acts_on(self, module: nn.Module) -> bool:
        """Whether a call of this module, here and now, is for it."""
        return module is self.module and self.state.sees()

    def call(self, work: Callable[..., Any], values: tuple[Any, ...]) -> Any:
        """What torch calls, timed and kept from raising."""
        if self.muted or is_traced():  # values are not values then, and what is done to them stays in the graph
            return None
        tally, altered = self.tally, None
        began, fired, effect = perf_counter(), tally.fired, copy(tally.effect)
        try:
            altered = work(self, *values)
        except Exception as error:  # a hook is arithmetic on whatever comes, and a person's own code
            if is_stop(error):
                raise
            tally.fault = error
            if self.hook.alters:
                tally.fired, tally.effect = fired, effect  # what it made of the tensors before is left out
        finally:
            took = perf_counter() - began
            tally.seconds += took
            self.state.took(self.module, took, altered is not None, entering=self.hook.on == "input")
        return altered

    def _next_turn(self) -> Turn | None:
        """The call that begins or ends now, None where nothing is done in it. One that checkpointing makes again is the
        one that it was the first time."""
        if self._repeats.runs():
            differs = self.hook.kind.acts == "context" or isinstance(self._act, Drawing)
            if self.hook.on != "grad":
                looks = differs and not self.hook.alters
                return None if looks else self._repeats.next(differs)
            if self._repeats.is_known(differs):
                return self._repeats.next(differs)
        turn = self._turns.next(self.tally)
        if self.state.steps.may_run_backward:
            self._repeats.note(turn, read_generators(self._act) if isinstance(self._act, Drawing) else None)
        return turn

    def _before(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        turn = self._next_turn()
        if turn is None:
            return None
        if isinstance(self._act, PythonHook):
            return self._run((args, kwargs), lambda act: act.inputs(module, args, kwargs))
        keyed = bool(self.hook.steps) and isinstance(self.hook.steps[0].key, str)
        which = kwargs if keyed else args if self.hook.steps else (args, kwargs)
        with self._drawing_again():
            new = self._alter(which, turn, (args, kwargs))
        if new is which:
            return None
        return (args, new) if keyed else (new, kwargs) if self.hook.steps else new

    def _after(self, module: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> Any:
        turn = self._next_turn()
        if turn is None:
            return None
        if isinstance(self._act, PythonHook):
            return self._run(output, lambda act: act.output(module, args, kwargs, output))
        with self._drawing_again():
            new = self._alter(output, turn, output)
        return None if new is output else new

    def _watch(self, module: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        """Gradients are taken from the output's tensors: module backward hooks refuse in-place operations."""
        turn = self._next_turn()
        if turn is None:
            return
        leaves = _number_leaves(output)
        outside, inside = split(output, self.hook.steps)
        chosen = part_at(output, outside)
        part_at(chosen, inside)  # where there is no such part, that is a fault of this call
        for tensor in nested.tensors_in(chosen):
            if tensor.requires_grad:
                self.tally.awaited += 1
                watch = Watch(partial(self._call_gradient, turn, leaves.get(id(tensor), 0), inside))
                self._on_tensors.append(tensor.register_hook(watch))  # type: ignore[no-untyped-call]

    def _call_gradient(self, turn: Turn, leaf: int, inside: tuple[Step, ...], gradient: Tensor) -> Any:
        return self.call(Attached._gradient, (gradient, turn, leaf, inside))

    def _gradient(self, gradient: Tensor, turn: Turn, leaf: int, inside: tuple[Step, ...]) -> Tensor | None:
        if isinstance(self._act, PythonHook):
            return cast("Tensor | None", self._run(gradient, lambda act: act.gradient(self.module, gradient)))
        with torch.no_grad():
            new = change_inside(gradient, inside, lambda part: self._one(part, turn, leaf, inside))
        return None if new is gradient else new

    def _edit_before(self, module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        if self.graph.computes_again():
            return
        turn = self._turns.next(self.tally)
        if torch.is_grad_enabled():
            self.graph.look(Trigger(self, Attached._note_graph))
        if turn is not None:
            self._edit(turn)
            self.graph.written(turn.call > 0)

    def _note_graph(self, module: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        self.graph.note(output, (args, kwargs))

    def _edit_after(self, module: nn.Module, args: Any, kwargs: dict[str, Any], output: Any) -> None:
        if self.graph.computes_again():
            return
        turn = self._turns.next(self.tally)
        if torch.is_grad_enabled():
            self.graph.note(output, (args, kwargs))
        if turn is None:
            return
        if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in nested.tensors_in(output)):
            # the graph still needs the parameters as they are
            self.state.later(lambda: self.call(Attached._edit, (turn,)))
        else:
            self._edit(turn)
            self.graph.written(True)

    def _edit(self, turn: Turn) -> None:
        python = isinstance(self._act, PythonHook)
        with self.state.writing(self.module, python):
            if python:
                self._edit_freely()
            else:
                self._edit_own(turn)

    def _edit_own(self, turn: Turn) -> None:
        named = find_parameters(self.module, self.hook.where)
        with torch.no_grad():  # all are made before one is written: where one fails, none is changed
            made = [(name, tensor, self._one(tensor, turn, leaf)) for leaf, (name, tensor) in enumerate(named)]
        write_parameters(made, self.state.graphs)

    def _edit_freely(self) -> None:
        """By a person's function, which may do anything to its module."""
        effect = self.tally.effect
        before = effect.keep([] if effect.differs else _held(self.module)) if self.hook.alters else None
        with telling_busy(self.module, self.state.graphs):
            self._act.parameters(self.module)
        if before is not None:
            effect.compare_value(before, _held(self.module))  # it may have put others in their place
        self.tally.fired += 1

    def _edit_saved(self, module: nn.Module, state: dict[str, Any], prefix: str, metadata: Any) -> None:
        self._keys(state, prefix)

    def _loading(self, module: nn.Module, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        self._keys(state, prefix)

    def _keys(self, state: dict[str, Any], prefix: str) -> None:
        self.tally.calls += 1
        effect, python = self.tally.effect, isinstance(self._act, PythonHook)
        before = effect.keep(list(state.items()), in_place=python)
        if isinstance(self._act, PythonHook):
            self._act.keys(self.module, state, prefix)
        else:
            self._act(state, prefix)
        effect.compare_value(before, list(state.items()))
        self.tally.fired += 1

    def _alter(self, value: Any, turn: Turn, whole: Any) -> Any:
        """`value` with what the hook makes of its floating tensors, first to last; itself where that is nothing new.
        It is all of `whole`, or holds the part of it that is chosen."""
        # a cache that comes in is the caller's: written to a copy, what the module puts in would be lost to it
        enter = nested.without_state if self.hook.on == "input" and not self.hook.steps else nested.enter_all
        leaves = _number_leaves(whole, enter) if self.hook.kind.acts == "context" else {}
        then = self.state.find_then(self.hook, self.module, turn, whole)

        outside, inside = split(value, self.hook.steps)
        named = leaves.get(id(part_at(value, outside)), 0)

        def one(tensor: Tensor) -> Tensor:
            given = turn, leaves.get(id(tensor), 0), (), then.get(id(tensor))
            return self._one(tensor, *given) if has_floats(tensor) else tensor

        def part(found: Any) -> Any:
            if self.hook.steps and is_tensor(found):  # named: its dtype is no reason to leave it
                return self._one(found, turn, named, inside)
            return nested.replace(found, one, enter)

        return replace_at(value, self.hook.steps, part)

    @contextlib.contextmanager
    def _drawing_again(self) -> Iterator[None]:
        """Draw in a call that is made again what was drawn in it the first time."""
        act = self._act
        if not (isinstance(act, Drawing) and self._repeats.runs()):
            yield
            return
        later = read_generators(act)
        rewind(act, self._repeats.states)
        try:
            yield
        finally:
            rewind(act, later)

    def _one(
        self, tensor: Tensor, turn: Turn, leaf: int, inside: tuple[Step, ...] = (), then: Tensor | None = None
    ) -> Tensor:
        """What takes the place of the tensor, which is the part `inside` of the one with the number `leaf`, and was
        `then` in the baseline."""
        if not self._holds(tensor, then):
            return tensor
        if self.hook.kind.acts == "context":
            last = self.hook.choice.last
            new = self._act(tensor, HookContext(self.path, self.hook.on, turn, leaf, self.state, last, inside))
        else:
            new = self._act(tensor)
        new = tensor if new is None else cast(Tensor, new)
        check_dtype(tensor, new)
        if self.hook.alters:
            self.tally.effect.compare(tensor, new)
        self.tally.fired += 1
        return new

    def _holds(self, tensor: Tensor, then: Tensor | None) -> bool:
        """Whether the condition is true of it; without one always."""
        if self.hook.condition is None:
            return True
        self.tally.tested += 1
        return self.hook.condition.holds(tensor, then)

    def _run(self, value: Any, function: Callable[[PythonHook], Any]) -> Any:
        """What a person's function gives, which may also write to `value` in place."""
        before = self.tally.effect.keep(value) if self.hook.alters else None
        result = function(self._act)
        self.tally.effect.compare_value(before, value if result is None else result)
        self.tally.fired += 1
        return result


class Trigger(OurHook):
    """What torch calls. It does nothing on another module, such as a copy that shares the dict."""

    def __init__(self, attached: Attached, work: Callable[..., Any]) -> None:
        super().__init__()
        self.attached = attached
        self._work = work

    @untraced
    def __call__(self, module: nn.Module, *values: Any) -> Any:
        attached = self.attached
        return attached.call(self._work, (module, *values)) if attached.acts_on(module) else None


def _number_leaves(value: Any, enter: nested.Enter = nested.enter_all) -> dict[int, int]:
    """By `id`, which tensor of the value each is: so a tensor that `where` names has the number that it has without."""
    return {id(tensor): number for number, tensor in enumerate(nested.tensors_in(value, enter))}


def _held(module: nn.Module) -> list[Tensor]:
    """The parameters and buffers of a module and of those below it: what a person's function may write to."""
    return [
        tensor
        for node in walk(module).objects()
        for which in ("_parameters", "_buffers")
        for _, tensor in own_tensors(node.module, which)
    ]
