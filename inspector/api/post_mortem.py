"""`inspector.post_mortem`: the app where a model raised."""

from __future__ import annotations

import sys

from ..engine.frames.raised import Raised, find_raised
from ..engine.passes.raised import stack_of
from ..errors import NoModelError, UsageError
from ..raised import say
from .at_stack import open_at

AGAIN = "the arguments of the model are as they were when it raised: what was written into them in place stays"


def post_mortem(error: BaseException | None = None) -> None:
    """Open the app where a model raised: at the module and the line, with the variables of every frame.

    The model and what it was called with are as they were left; nothing runs until a person asks for it. Where nobody
    sits at a terminal the same is printed to standard error, and the program goes on.

    Args:
        error: What was raised in a forward or a backward pass, or came of that. By default the one that is being
            handled, else the last one that ended what was typed at a prompt.

    Raises:
        UsageError: There is no error, or no model was at work where it was raised.
    """
    if error is None:
        error = sys.exc_info()[1] or getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    if not isinstance(error, BaseException):
        raise UsageError(
            "inspector.post_mortem needs an error, and none was raised", hint="inspector.post_mortem(error)"
        )
    raised = find_raised(error)
    if not raised.in_model:
        raise NoModelError(
            f"no forward or backward pass of a model was at work where this was raised: {say(error, 200)}",
            hint="python -m pdb looks at the rest of a program",
        )
    open_raised(raised)


def open_raised(raised: Raised) -> None:
    """The app, or the report, at this error."""
    model = raised.find_model()
    if model is None:
        raise UsageError(
            f"a backward pass raised, and no model is in sight there: {say(raised.error, 200)}",
            hint="call inspector.post_mortem where the model is a variable",
        )
    args, kwargs = raised.called_with(model)
    open_at(model, args, kwargs, (AGAIN,), lambda tree: stack_of(raised, tree))
