"""Stands still where a person wants a pass to: which calls those are, and what takes the place of their values.

Hooks of ours see every call of every module for as long as a pass may stop. What is put in the place of a value is so
in the model's own call; the guard of the pass puts back afterwards what it puts back after any pass.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import repeat
from time import perf_counter
from types import FrameType
from typing import Any, cast

import torch
from torch import Tensor, nn

from ...raised import say
from ...records import AnyEvent, GoOn, Paused, Stop, StopOn, Stops
from ...text import encodable
from ..frames.code_frame import CodeFrame, is_written
from ..frames.modules import read_owner
from ..hooks.graphs import in_backward, is_stop
from ..hooks.session_state import HookState
from ..hooks.turns import Turn
from ..modules.tree import ModuleTree
from ..passes.baseline import Baseline
from ..recording.observers import Observers
from ..torch_hooks.outputs import Watch
from ..values import nested
from .armed import ArmedStop
from .here import frames_here
from .lines import STEPS, Lines, Step
from .pause import Order
from .scope import FrameScope, Scope, list_inputs, take_inputs
from .standstill import ShowFrames, Standstill
from .stop_hooks import listening_everywhere
from .under_way import Open, Place, UnderWay


class Stopper:
    """Of one model. `standstill` is what a client talks to while a pass stands still; `set` may be called from any
    thread.

    Args:
        tree: The model.
        generation: Which of those that were opened.
        observers: Their hooks stay behind those of this.
        state: Knows the running step, and who records.
        emit: Receives what there is to tell.
        look: See `Standstill`.
        show: Likewise.
    """

    def __init__(
        self,
        tree: ModuleTree,
        generation: int,
        observers: Observers,
        state: HookState,
        emit: Callable[[AnyEvent], None],
        look: Callable[[], Sequence[CodeFrame]],
        show: ShowFrames,
    ) -> None:
        self._tree = tree
        self._generation = generation
        self._observers = observers
        self._state = state
        self._emit = emit
        self._stops: Sequence[ArmedStop] = ()
        self._step: Step | None = None  # how far a person wants to go now
        self._lines = Lines(tree, self._see_line)
        self._under_way = UnderWay(state.steps)
        self._raised: BaseException | None = None  # was stopped for
        self.baseline: Baseline | None = None  # of the next pass, where it differs
        state.find_baseline = self.find_then
        self.standstill = Standstill(observers, emit, look, show)

    def set(self, stops: Sequence[Stop]) -> Stops:
        """These are the stops from now on; one that stays as it is keeps its count. Raises `UsageError`, with nothing
        done."""
        known = {armed.stop: armed for armed in self._stops}
        self._stops = [known.get(stop) or ArmedStop(stop, self._tree) for stop in stops]
        return self.list_stops()

    def list_stops(self) -> Stops:
        """All of them, with what became of each."""
        return Stops(self._generation, tuple(armed.row for armed in self._stops))

    @contextlib.contextmanager
    def listening(self, inner: AbstractContextManager[object]) -> Iterator[None]:
        """For a pass that may stop, inside of `inner`."""
        self.standstill.start()
        if not any(armed.stop.enabled for armed in self._stops):
            with inner:
                yield
            return
        self._step = self._raised = None
        self._under_way = UnderWay(self._state.steps)
        for armed in self._stops:
            armed.start()
        try:
            listening = listening_everywhere(self._tree, self._observers, self)
            with inner, listening as refused, self._lines.of_pass():
                self._blame_refusals(refused)
                self._tell_lines()
                yield
        finally:
            self._step = self._raised = None
            self._emit(self.list_stops())

    def _blame_refusals(self, refused: Mapping[int, str]) -> None:
        """A stop that cannot be met says so."""
        for armed in self._stops:
            if armed.code is None and armed.node in refused:
                armed.fault = f"this module takes no hooks, and passes do not stop at it: {refused[armed.node]}"

    def _tell_lines(self) -> None:
        """Of those that are wanted from now on."""
        codes = [armed.code for armed in self._stops if armed.code is not None and armed.stop.enabled]
        self._lines.tell(codes, self._step is not None and self._step.how != "module")

    def before(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A module is called."""
        index = self._tree.index_of_object.get(id(module))
        if index is None or self.standstill.evaluates:
            return None
        self._lines.follow_thread()
        turn = self._under_way.enter(index)
        given = list_inputs(args, kwargs)
        found = self._visit(Place("before", index, turn), module, given, (args, kwargs))
        return None if found is None else take_inputs(given, found)

    def after(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
        """A module has returned, or something was raised in it."""
        index = self._tree.index_of_object.get(id(module))
        if index is None or self.standstill.evaluates:
            return None
        call = self._under_way.leave(index)
        raised = sys.exc_info()[1]
        if output is None and raised is not None and raised is not call.before:
            self._see_raised(call, module, args, kwargs, raised)
            return None
        given = {"output": output, "args": args, "kwargs": kwargs}
        found = self._visit(Place("after", index, call.turn), module, given, output)
        if found is not None:
            output = found["output"]
        # of all modules where of any: a person may step from one to the next
        if torch.is_grad_enabled() and any(each.stop.on == "gradient" and each.stop.enabled for each in self._stops):
            self._await_gradients(index, call.turn, module, output)
        return None if found is None else output

    def _of(self, index: int) -> Iterator[ArmedStop]:
        return (armed for armed in self._stops if armed.node == index and armed.stop.enabled)

    def _visit(self, place: Place, module: nn.Module, given: Mapping[str, Any], value: Any) -> dict[str, Any] | None:
        """Stand still here where somebody wants that. The given values as they are after it, None where they are the
        same."""
        due = [armed for armed in self._of(place.node) if armed.stop.on == place.on and armed.is_due(place.turn)]
        to_next = self._ends_step(place.on, module)
        if not due and not to_next:
            return None
        began = perf_counter()
        scope = Scope(given, {"module": module})
        then = self.find_then(module, place.turn, value) if place.on == "after" else {}
        for armed, why in [(armed, armed.find_reason(value, scope, then)) for armed in due]:
            if why is not None and self._meet(armed, place, scope, why):
                to_next = False
        if to_next:
            self._hold(Stop(0, place.on), place, scope)
        altered = any(scope.given[name] is not given[name] for name in given)
        self._state.took(module, perf_counter() - began, altered, entering=place.on == "before")
        return scope.given if altered else None

    def _ends_step(self, on: StopOn, module: nn.Module) -> bool:
        """Whether the call of this module, or in the backward pass its gradient, is where a person wanted to go to."""
        step = self._step
        if step is None or on not in ("before", "gradient"):
            return False
        if on == "gradient":
            return step.how == "module" or not step.frames
        code = getattr(getattr(type(module), "forward", None), "__code__", None)
        return step.ends_at_module(len(self._under_way.calls) - 1, self._lines.tells(code))

    def _see_line(self, frame: FrameType, number: int) -> None:
        """A line is about to run."""
        if self.standstill.evaluates:
            return
        code, step = frame.f_code, self._state.steps.number
        at_line = [a for a in self._stops if a.code is code and a.line == number and a.stop.enabled]
        due = [a for a in at_line if self._runs_in(a, frame) and a.is_due(a.count_run(step))]
        to_next = self._step is not None and self._step.ends_at_line(frame)
        if not due and not to_next:
            return
        scope, line, began = FrameScope(frame), CodeFrame(frame, number), perf_counter()
        place = self._place_line(line)
        for armed, why in [(armed, armed.find_reason(None, scope)) for armed in due]:
            if why is not None and self._meet(armed, place, scope, why, line):
                to_next = False
        if to_next:
            self._hold(Stop(0, "line"), place, scope, "", line)
        self._state.took(self._tree.nodes[place.node].module, perf_counter() - began, False, entering=False)

    def _runs_in(self, armed: ArmedStop, frame: FrameType) -> bool:
        """Whether the line runs in a call of the stop's module, or in a method of it that others call."""
        if armed.stop.everywhere:
            return True
        line = CodeFrame(frame, armed.line)
        owner = self._tree.index_of_object.get(id(read_owner(line)))
        return armed.node in (owner, self._place_line(line).node)

    def _place_line(self, line: CodeFrame) -> Place:
        """In the call that is under way; where checkpointing makes a part of one again, in that of its `self`."""
        calls = self._under_way.calls
        if calls:
            return Place("line", calls[-1].node, calls[-1].turn)
        node = self._tree.index_of_object.get(id(read_owner(line)), 0)
        return Place("line", node, self._under_way.last_of(node))

    def find_then(self, module: nn.Module, turn: tuple[int, int], output: object) -> Mapping[int, Tensor]:
        """What the tensors of this output were in the baseline, where that is another pass; see `FindBaseline`."""
        index = self._tree.index_of_object.get(id(module))
        known = self.baseline is not None and index is not None
        return self.baseline.pair((index, *turn), output) if known else {}  # type: ignore[union-attr,arg-type]

    def _meet(self, armed: ArmedStop, place: Place, scope: Scope, why: str, line: CodeFrame | None = None) -> bool:
        """A stop is hit: write its line, or stand still; whether it did."""
        armed.hits += 1
        if not armed.stop.log:
            self._emit(self.list_stops())
            self._hold(armed.stop, place, scope, why, line)
            return True
        path = ".".join(self._tree.paths[place.node]) or "(root)"
        where = f"{path} {place.on}" if line is None else f"{os.path.basename(line.file)}:{line.line}"
        at = f"{where}, call {place.turn.call}" + (f", step {place.turn.step}" if place.turn.step else "")
        armed.fault = self.standstill.say(encodable(at, 200), armed.stop.log, scope) or armed.fault
        return False

    def _hold(self, stop: Stop, place: Place, scope: Scope, why: str = "", line: CodeFrame | None = None) -> None:
        """Raises `Cancelled` where the pass shall end here."""
        turn = place.turn
        frames = frames_here(self._raised if place.on == "exception" else None)
        if place.on != "line" and not any(map(_says_something, frames, repeat(place.on))):
            frames = []  # what calls the model for us, and runs its backward pass
        event = Paused(
            self._generation,
            0,
            stop.id,
            place.on,
            self._tree.paths[place.node],
            turn.call,
            turn.step,
            encodable(why, 500),
            place.on != "gradient" and in_backward(),
            (),
            stop.timeout,
            encodable(line.file, 1_000) if line is not None else "",
            line.line if line is not None else 0,
            encodable(line.text(), 300) if line is not None else "",
        )
        order = self.standstill.hold(event, scope, frames, self._under_way.list_open(place))
        self._step = self._step_from(order, [each.frame for each in frames[::-1]]) if order in STEPS else None
        self._tell_lines()
        if self._step is not None:
            has_lines = any(self._lines.tells(frame.f_code) for frame in self._step.frames)
            self._step = self._step._replace(has_lines=has_lines)

    def _step_from(self, order: Order, frames: Sequence[FrameType]) -> Step:
        """How far to go from here; `frames` are those that run, the innermost first."""
        kept = tuple(frames)
        if order == "out":
            own = next((at for at, frame in enumerate(kept) if self._lines.is_own(frame.f_code)), -1)
            kept = kept[own + 1 :]
        return Step(cast(GoOn, order), threading.get_ident(), kept, len(self._under_way.calls) - 1, False)

    def _see_raised(self, call: Open, module: nn.Module, args: Any, kwargs: Any, raised: BaseException) -> None:
        """Stop once for what is raised, in the innermost module."""
        if raised is self._raised or is_stop(raised) or not isinstance(raised, Exception):
            return
        self._raised = raised
        path = self._tree.paths[call.node]
        due = [a for a in self._stops if a.stop.on == "exception" and a.stop.enabled and a.is_due(call.turn)]
        scope = Scope({"args": args, "kwargs": kwargs}, {"module": module, "error": raised})
        for armed in due:
            if self._tree.paths[armed.node] == path[: len(self._tree.paths[armed.node])]:
                self._meet(armed, Place("exception", call.node, call.turn), scope, say(raised, 400))

    def _await_gradients(self, index: int, turn: Turn, module: nn.Module, output: Any) -> None:
        for tensor in nested.tensors_in(output):
            if tensor.requires_grad:
                watch = Watch(partial(self._see_gradient, index, turn, module))
                tensor.register_hook(watch)  # type: ignore[no-untyped-call]

    def _see_gradient(self, index: int, turn: Turn, module: nn.Module, gradient: Tensor) -> Tensor | None:
        found = self._visit(Place("gradient", index, turn), module, {"grad": gradient}, gradient)
        return None if found is None else found["grad"]


def _says_something(frame: CodeFrame, on: StopOn) -> bool:
    """Whether it is worth seeing where a pass stands still so."""
    return is_written(frame.file) or (on != "gradient" and frame.origin() == "torch")
