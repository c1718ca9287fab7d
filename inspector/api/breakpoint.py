"""`inspector.breakpoint`: the app in the middle of somebody's own code, which goes on when it is closed."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import Any

import torch
from torch import nn

from ..engine.frames.code_frame import CodeFrame, frames_around
from ..engine.frames.modules import called_with, find_root
from ..engine.frames.raised import find_held
from ..engine.frames.variables import read_variables
from ..engine.hooks.conditions import Condition, parse_condition
from ..engine.stopping.lines import STEPS
from ..engine.stopping.program import HeldProgram
from ..engine.torch_hooks.eager import untraced
from ..engine.values.nested import tensors_in
from ..engine.values.unwrap import no_numbers
from ..errors import UsageError
from ..postmortem.frames import is_ours
from ..raised import message_of
from ..text import encodable, visible
from .app import can_open
from .at_hand import reach
from .at_stack import open_at
from .attended import why_unattended
from .check_model import check_model
from .stepping import step_on

When = bool | str | Callable[[], object]

STANDS = "your program stands still at inspector.breakpoint, and goes on when you say so, or close the app"

_compiler: Any = torch._C._dynamo.eval_frame

_passed_over: set[tuple[str, int]] = set()
"""The places, by file and line, where it was said that nobody can be asked."""
_open: list[FrameType] = []
"""Where it stands still, while it does."""


@untraced
def breakpoint(
    model: nn.Module | None = None,
    *args: Any,
    kwargs: Mapping[str, Any] | None = None,
    when: When = True,
) -> None:
    """Open the app here, with the frames that led here and their variables, and go on when it is closed.

    It may stand anywhere: in a training loop, in a forward that runs. What the person does to the model is undone when
    the app is closed; variables that a line of Python binds in the frames stay, and what it writes into other tensors.
    With a step, and where it goes on, the program has the terminal until it stands still again; the app waits.

    `PYTHONBREAKPOINT=inspector.breakpoint` makes `breakpoint()` mean this. Where nobody sits at a terminal each place
    reports once and nothing blocks; ranks but the first and DataLoader workers only say so.

    Args:
        model: What to look at. By default the model whose forward runs here, else the largest that a variable of the
            innermost frame with any holds.
        *args: Positional sample inputs of its forward, for passes in the app. By default what it was called with.
        kwargs: Keyword sample inputs.
        when: Whether to stop: a truth value, a function that is called for one, or a condition such as `"nan > 0"`, on
            any tensor of the inputs given here, without any on any tensor in a variable of this function.

    Raises:
        KeyboardInterrupt: The person ended the program.
        UsageError: No model is in sight here, or the condition cannot be understood.
    """
    if model is not None:
        check_model(model, "breakpoint")
    compiler = _compiler.set_eval_frame(None)  # which would go on to compile what is called here
    try:
        given = dict(kwargs or {})
        why = _find_reason(when, {**dict(enumerate(args)), **given}, _find_caller())
        if why is not None:
            stop(model, args, given, why)
    finally:
        _compiler.set_eval_frame(compiler)


if hasattr(_compiler, "skip_code"):  # torch of then compiles what it breaks its graph at
    _compiler.skip_code(breakpoint.__code__)


def stop(model: nn.Module | None, args: tuple[Any, ...], kwargs: dict[str, Any], why: str) -> None:
    """As `breakpoint` does, for a reason in words."""
    frame = _find_caller()
    if _is_passed_over(frame, why):
        return
    frames = frames_around(frame)
    while len(frames) > 1 and is_ours(frames[-1].file):  # a door in a trainer
        frames.pop()
    found = model if model is not None else _find_model(frames)
    given = (args, kwargs) if args or kwargs else called_with(frames, found)
    _stand_still(HeldProgram.at_line(frames, why), found, *given)


def _stand_still(held: HeldProgram, model: nn.Module, args: tuple[Any, ...] = (), kwargs: Any = None) -> None:
    """Until the person lets it go on, and then as far as they want it to go."""
    _open.append(held.frames[-1].frame)
    try:
        how = open_at(model, args, dict(kwargs or {}), (STANDS,), held.stack, held)
    finally:
        _open.pop()
    if how == "abort":
        raise KeyboardInterrupt
    if how in STEPS:
        step_on(how, held, model, partial(_stand_still_again, model))


def _stand_still_again(model: nn.Module, held: HeldProgram) -> None:
    _stand_still(held, model, *called_with(held.frames, model))


def _find_caller() -> FrameType:
    """The innermost frame that is not of this file: the compiler puts more of them on the way here."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename == __file__ and frame.f_back is not None:
        frame = frame.f_back
    return frame


def _is_passed_over(frame: FrameType, why: str) -> bool:
    """Whether nobody is asked here, and nothing more is said of it."""
    place = frame.f_code.co_filename, frame.f_lineno
    where = f"inspector.breakpoint at {visible(place[0][-300:])}:{place[1]}" + (why and f" ({visible(why)})")
    if _open:  # a pass of the app comes by; its Log has what is printed here
        print(f"{where} was passed over: the app is open already")
        return True
    with reach():
        if can_open():
            return False
    if place in _passed_over:
        return True
    _passed_over.add(place)
    who = why_unattended()
    because = f"this is {who}" if who else f"there is no terminal for the app{_advise()}: a report is printed, once"
    warnings.warn_explicit(f"{where} does not stop: {because}", RuntimeWarning, *place)
    return bool(who)


def _advise() -> str:
    """What gives it one, where a test runs."""
    return ", which pytest --inspect has" if "PYTEST_CURRENT_TEST" in os.environ else ""


def _find_reason(when: When, given: Mapping[Any, object], frame: FrameType) -> str | None:
    """What a condition found, and where; None where nobody wants to stop here, "" where that has no reason."""
    if not isinstance(when, str):
        return "" if (when() if callable(when) else when) else None
    condition = _parse(when)
    if condition is None:
        return ""
    for name, value in (given or read_variables(frame) or {}).items():
        for tensor in tensors_in(value):
            if not no_numbers(tensor) and condition.holds(tensor):
                return f"{name if type(name) is str else f'input {name}'}: {condition.explain(tensor)}"
    return None


def _parse(text: str) -> Condition | None:
    try:
        return parse_condition(text)
    except ValueError as error:
        raise UsageError(
            encodable(f"when={text!r}: {message_of(error)}", 500), hint="such as when='nan > 0' or when='shape[0] != 8'"
        ) from None


def _find_model(frames: Sequence[CodeFrame]) -> nn.Module:
    model = find_root(frames)
    model = model if model is not None else find_held(frames)
    if model is None:
        raise UsageError(
            "inspector.breakpoint found no model here: no forward runs, and no variable holds a module",
            hint="inspector.breakpoint(model), or inspector.breakpoint(model, x)",
        )
    return model
