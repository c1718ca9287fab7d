"""The app, or a report in its place, at a stack of frames: of an error, or of code that stands still."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec.structs import replace
from torch import nn

from ..engine.frames.stack import CodeStack
from ..engine.modules.tree import ModuleTree, walk
from ..engine.session import Session
from ..engine.stopping.program import HeldProgram
from ..records import GoOn, Opened
from ..report.stacks.text import render_stack
from ..text import for_stream
from .app import can_open, serve_app, serve_held
from .at_hand import reach
from .stepping import stop_stepping

FindStack = Callable[[ModuleTree], CodeStack]


def open_at(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    notes: tuple[str, ...],
    find_stack: FindStack,
    held: HeldProgram | None = None,
) -> GoOn | None:
    """Open the app on a model at a stack, and return when it is closed; without a terminal, report the stack. How the
    program is to go on, where a person said it.

    Args:
        model: What was at work.
        args: What it was called with, where that is known.
        kwargs: Likewise, by keyword.
        notes: What a person has to know of it.
        find_stack: Makes the stack for the tree of the model.
        held: The program, where it stands still there.
    """
    stop_stepping()
    with reach():
        can_ask = can_open()
    if not can_ask:
        report(find_stack(walk(model)))
        return None
    adopt = partial(_adopt, model=model, args=args, kwargs=kwargs, notes=notes, find_stack=find_stack, held=held)
    with reach():
        session = serve_app(adopt, "") if held is None else serve_held(adopt)
    return session.runner.stopper.standstill.order


def report(stack: CodeStack) -> None:
    """Write the lines that led there, and the variables of the innermost that somebody wrote, to standard error."""
    shown = stack.describe()
    start = shown.frames[shown.start].number if shown.frames else 0
    text = render_stack(shown, stack.locals_of(start))
    if sys.stderr is not None:  # as under pythonw
        print(for_stream(text, getattr(sys.stderr, "encoding", None)), end="", file=sys.stderr, flush=True)


def _adopt(
    session: Session,
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    notes: tuple[str, ...],
    find_stack: FindStack,
    held: HeldProgram | None,
) -> Opened:
    session.terms = replace(session.terms, run=False)
    opened = session.adopt(model, args, kwargs, type(model).__name__, notes)
    stack = session.subject.stack = find_stack(session.subject.tree)
    shown, paused = stack.describe(), None
    if held is not None:
        session.runner.stopper.standstill.program = held
        paused = held.describe(session.generation, session.subject.tree, shown)
    return replace(opened, stack=shown, paused=paused)
