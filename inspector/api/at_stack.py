"""The app, or a report in its place, at a stack of frames: of an error, or of code that stands still."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace
from torch import nn

from ..engine.frames.stack import CodeStack
from ..engine.modules.tree import ModuleTree, walk
from ..engine.session import Session
from ..records import Opened
from ..report.stacks.text import render_stack
from ..text import for_stream
from .app import can_open, serve_app

FindStack = Callable[[ModuleTree], CodeStack]


def open_at(
    model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], notes: tuple[str, ...], find_stack: FindStack
) -> None:
    """Open the app on a model at a stack, and return when it is closed; without a terminal, report the stack.

    Args:
        model: What was at work.
        args: What it was called with, where that is known.
        kwargs: Likewise, by keyword.
        notes: What a person has to know of it.
        find_stack: Makes the stack for the tree of the model.
    """
    if can_open():
        serve_app(lambda session: _adopt(session, model, args, kwargs, notes, find_stack), "")
    else:
        report(find_stack(walk(model)))


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
) -> Opened:
    session.terms = replace(session.terms, run=False)
    opened = session.adopt(model, args, kwargs, type(model).__name__, notes)
    stack = session.subject.stack = find_stack(session.subject.tree)
    return replace(opened, stack=stack.describe())
