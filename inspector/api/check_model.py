"""What is given to the library in the place of a model, or of a share, is told before anything is done with it."""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import Any

import torch
from torch import nn

from ..errors import UsageError
from ..raised import message_of
from ..text import encodable
from ..value_text import read_share

_OTHERS: tuple[tuple[type | tuple[type, ...], str, str], ...] = (
    (torch.jit.ScriptFunction, "a scripted function, which has no modules", "pass the module that it is part of"),
    (Mapping, "a mapping of the class {}, such as a state dict", "fill a model first: model.load_state_dict(state)"),
    ((list, tuple), "several values in a {}", "pass one of them, or torch.nn.ModuleList(models)"),
    (torch.Tensor, "a tensor", "the model comes first, its inputs after it"),
)


class NotAModule(UsageError, TypeError):
    """What was given is no `torch.nn.Module`."""


def check_model(model: Any, verb: str) -> None:
    """Raise `NotAModule` where `model` is none, with what it is and what to pass to `inspector.VERB`."""
    if isinstance(model, nn.Module):
        return
    what, hint = _describe(model)
    raise NotAModule(
        encodable(f"inspector.{verb} takes a torch.nn.Module, and got {what}", 300),
        hint=encodable(hint, 300),
        kind="TypeError",
    )


def check_budget(budget: Any) -> float:
    """A `Budget` from the share that was given, a number or text. Raises `UsageError` where it is neither."""
    try:
        share = read_share(budget) if isinstance(budget, str) else float(budget)
        if not 0 <= share <= 100:
            raise ValueError(f"{share} is no share from 0 to 100")
    except (TypeError, ValueError) as error:
        raise UsageError(
            encodable(f"budget: {message_of(error)}", 300), hint="a tenth of the pass is budget=0.1 or budget='10%'"
        ) from None
    return share


def _describe(value: Any) -> tuple[str, str]:
    """What it is, and what to pass instead. Nothing of it is run."""
    kind = type(value)
    if value is None:
        return "None", "pass the model itself; a function that builds one has to return it"
    if kind is str:
        return f"the text {value[:100]!r}", f"build it first, or on the command line: inspector {value[:100]}"
    if issubclass(kind, type):
        return f"the class {value.__name__}", f"make an instance: {value.__name__}(...)"
    if kind is FunctionType:
        return f"the function {value.__name__}", f"pass what it builds, if it builds a model: {value.__name__}(...)"
    for base, what, hint in _OTHERS:
        if issubclass(kind, base):
            return what.format(kind.__name__), hint
    if kind.__name__ == "ExportedProgram":  # torch.export is not imported to find out
        return "an exported program", "pass torch.export.unflatten(program)"
    return f"an object of the class {kind.__name__}", "pass the model itself"
