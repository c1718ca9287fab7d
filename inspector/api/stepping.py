"""A program on its way from where it stood still to where a person wants it next. Nothing is open meanwhile."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, FrameType
from typing import Any

from torch import nn

from ..engine.frames.code_frame import CodeFrame, frames_around, is_written
from ..engine.modules.tree import ModuleTree, walk
from ..engine.recording.observers import Observers
from ..engine.stepping.tracer import LineTracer
from ..engine.stopping.codes import functions_of, list_codes
from ..engine.stopping.here import frames_here
from ..engine.stopping.lines import Step
from ..engine.stopping.program import HeldProgram
from ..engine.stopping.scope import Scope, list_inputs, take_inputs
from ..engine.stopping.stop_hooks import listening_everywhere
from ..records import GoOn

Arrive = Callable[[HeldProgram], object]
_current: list[Stepping] = []
"""The one that is under way."""


def step_on(how: GoOn, held: HeldProgram, model: nn.Module, arrive: Arrive) -> None:
    """Let the program go on from there, and call `arrive` where it stands still next, with that: at a line that is one
    of somebody's own, or before a call of a module of `model`. Where it ends before, nothing is called.

    Args:
        how: See `GoOn`; neither "continue" nor "abort".
        held: Where it stood still.
        model: The model that was looked at.
        arrive: May raise, which the program does there.
    """
    stop_stepping()
    _current.append(Stepping(how, held, walk(model), arrive))


def stop_stepping() -> None:
    """The program stands still where nobody stepped to, or its app is open for something else."""
    while _current:
        _current.pop().end()


class Stepping:
    """Hooks on the model and traced lines, from the start to `end`. See `step_on`."""

    def __init__(self, how: GoOn, held: HeldProgram, tree: ModuleTree, arrive: Arrive) -> None:
        own = _leave_out_others(held.frames)
        frames = tuple(each.frame for each in reversed(own))
        codes = {id(frame.f_code): frame.f_code for frame in frames}
        if how == "into":
            codes |= {id(code): code for code in _list_own(own, tree)}
        self._codes = codes
        self._step = Step(how, threading.get_ident(), frames[how == "out" :], 0, True)
        self._arrive = arrive
        self._exits = contextlib.ExitStack()
        self._exits.enter_context(listening_everywhere(tree, Observers(tree), self))
        if how != "module":
            self._exits.enter_context(LineTracer(self, codes.values()))

    def end(self) -> None:
        """Nothing is traced, and no hook is there any more."""
        self._exits.close()

    def before(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """As `Heard` has it."""
        code = getattr(getattr(type(module), "forward", None), "__code__", None)
        if not self._step.ends_at_module(0, id(code) in self._codes):
            return None
        given = list_inputs(args, kwargs)
        held = HeldProgram(frames_here(), Scope(given, {"module": module}), module)
        stop_stepping()
        self._arrive(held)
        return take_inputs(given, held.scope.given)

    def after(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
        """As above."""

    def entered(self, frame: FrameType) -> bool:
        """As `LineObserver` has it."""
        return True

    def line(self, frame: FrameType, number: int) -> None:
        """As above. Passes in the app are traced too: Python does not, in what is called from here."""
        if self._step.ends_at_line(frame):
            stop_stepping()
            sys.call_tracing(self._arrive, (HeldProgram.at_line(frames_around(frame)),))

    def left(self, frame: FrameType, value: object) -> None:
        """As above."""

    def raised(self, frame: FrameType, error: BaseException | None) -> None:
        """As above."""


def _leave_out_others(frames: Sequence[CodeFrame]) -> list[CodeFrame]:
    """From the outermost that is the person's own on, those that somebody wrote: what runs it, such as pytest, is not
    stepped through."""
    first = next((at for at, each in enumerate(frames) if each.origin() == "yours"), 0)
    return [each for each in frames[first:] if is_written(each.file)]


def _list_own(frames: Sequence[CodeFrame], tree: ModuleTree) -> Iterator[CodeType]:
    """The code that a step may go into: of the model, and of the files of the frames."""
    yield from list_codes(tree)
    for each in frames:
        if type(each.frame.f_globals) is dict:
            yield from functions_of(each.frame.f_globals)
