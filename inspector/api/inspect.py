"""`inspector.inspect`: the caller's process is the engine, the app is a child on the same terminal."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from ..engine.changes.edits import StateDictFile
from ..engine.hooks.hook import Hook
from ..engine.passes.generating import check_generate
from ..engine.passes.training import PassSettings
from ..records import PassSummary
from ..text import for_stream
from .app import can_open, serve_app
from .captured import CapturedCall
from .check_model import check_budget, check_model
from .summary import summary

SHARED = "the model is your program's own: hooks act on calls from its other threads too, until the app is closed"


@dataclass(frozen=True)
class Inspected:
    """What a person did in the app, after it was closed; the model itself is as it was before.

    `trace` are the calls of the last pass in completion order, and `summary` says how it went, None without one.
    `hooks` are those that were on, ready for `inspector.hooks(model, s.hooks)`; `edits` are what was done to
    parameters, by the modules as they were named, and `loads` are the state dicts that were loaded.
    """

    summary: PassSummary | None
    trace: list[CapturedCall]
    hooks: dict[str, list[Hook]]
    edits: dict[str, list[Hook]]
    loads: list[StateDictFile]


def inspect(
    model: nn.Module,
    *args: Any,
    kwargs: Mapping[str, Any] | None = None,
    select: str = "",
    generate: int = 0,
    readonly: bool = False,
    budget: float | str = 0.0,
) -> Inspected | None:
    """Open the app on a live model, and return when it is closed.

    Passes run in this process, on copies of `args` and `kwargs`, and the model is as before afterwards: parameters,
    buffers, gradients, hooks, random states. What another thread of your program writes to the model meanwhile, such as
    an optimizer there, is left as it is, and the Log says so; `summary` and `sweep` there run between two passes, and
    these wait for them. Where nobody sits at a terminal (a notebook, a job, a DataLoader worker)
    nothing blocks: a text report is printed instead.

    Args:
        model: Any module.
        *args: Positional sample inputs of its forward; without any the input is guessed, or asked for.
        kwargs: Keyword sample inputs.
        select: Dotted path of the module to start at.
        generate: So many tokens: passes call `model.generate` in place of the model, and each token is a step.
        readonly: Nothing can be changed: no hooks, no edits, no loads. A configuration can say so too.

        budget: What our hooks may take, as a share of the pass without them: 0.1 or "10%". Statistics are left out
            for it, and the Log says of how many tensors; 0 for whatever they take. The app can change it.

    Raises:
        UsageError: The budget is no share, or the model has no `generate`.

    Returns:
        What was done and seen; None where nobody sits at a terminal.
    """
    check_model(model, "inspect")
    check_generate(model, PassSettings(generate=generate))
    share = check_budget(budget)
    if not can_open():
        _report_instead(model, args, dict(kwargs or {}), generate, share)
        return None
    session = serve_app(
        lambda session: session.adopt(model, args, dict(kwargs or {}), type(model).__name__, (SHARED,)),
        select,
        generate,
        readonly,
        share,
    )
    trace = [CapturedCall.of(session.subject.tree, call) for call in session.runner.last.calls]
    return Inspected(session.summary, trace, *session.left)


def _report_instead(
    model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], generate: int, budget: float
) -> None:
    warnings.warn("no terminal for the app: printing a summary instead", RuntimeWarning, stacklevel=3)
    text = summary(model, *args, kwargs=kwargs, generate=generate, budget=budget)
    print(for_stream(text, getattr(sys.stdout, "encoding", None)), end="")
