"""The parameters of the forward that runs."""

from __future__ import annotations

import difflib
import inspect
import shlex
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from ...errors import UsageError
from ...text import encodable
from ..modules.walk import children_of

VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def parameters(model: nn.Module) -> tuple[inspect.Parameter, ...]:
    """Of `model.forward`, seen through wrappers that pass everything on; empty where it cannot be told."""
    exported = _read_exported(model)
    if exported is not None:
        return exported
    seen: set[int] = set()
    while not isinstance(model, torch.jit.ScriptModule):
        own, wrapped = _signature(getattr(model, "forward", None)), children_of(model)
        passes_on = own and all(parameter.kind in VARIADIC for parameter in own) and len(wrapped) == 1
        if not passes_on or id(model) in seen:
            return own
        seen.add(id(model))
        model = wrapped[0]
    return _read_scripted(model)


def list_asked(model: nn.Module) -> tuple[inspect.Parameter, ...]:
    """What to give forward: its required parameters, else its first, as models that take one of several inputs do."""
    return list_required(model) or list_optional(model)[:1]


def list_optional(model: nn.Module) -> tuple[inspect.Parameter, ...]:
    """The parameters that a call may leave out, those that are given by their names alone last."""
    optional = [p for p in parameters(model) if p.default is not p.empty and p.kind not in VARIADIC]
    return tuple(sorted(optional, key=lambda p: p.kind is p.KEYWORD_ONLY))


def list_required(model: nn.Module) -> tuple[inspect.Parameter, ...]:
    """The parameters a call must give; a lone `*args` counts as one positional parameter."""
    every = parameters(model)
    needed = [p for p in every if p.default is p.empty and p.kind not in VARIADIC]
    if not needed and any(p.kind is p.VAR_POSITIONAL for p in every):
        return (inspect.Parameter("input", inspect.Parameter.POSITIONAL_ONLY),)
    return tuple(needed)


def check_call(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    propose: Callable[[nn.Module], Mapping[str, str]] = lambda model: {},
) -> None:
    """Raise `UsageError` where forward cannot be called with these arguments. `propose` gives a spec for each parameter
    that it knows one for."""
    own = _read_exported(model) or _signature(getattr(model, "forward", None))
    if not own or isinstance(model, torch.jit.ScriptModule):
        return
    signature = inspect.Signature(own)
    reason = _misfit(signature, args, kwargs)
    if reason:
        raise UsageError(
            encodable(f"the inputs do not fit forward: {reason}", 300),
            where=encodable(f"{type(model).__name__}.forward{signature}", 400),
            hint=_hint(kwargs, [p.name for p in own if p.kind not in VARIADIC], propose(model)),
        )


def _misfit(signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        unknown = [name for name in kwargs if name not in signature.parameters]
        takes_any = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
        return f"it has no parameter {unknown[0]!r}" if unknown and not takes_any else str(error)
    return ""


def _hint(kwargs: dict[str, Any], names: list[str], proposed: Mapping[str, str]) -> str:
    if not names:
        return "forward takes no input"
    close = [difflib.get_close_matches(name, names, 1) for name in kwargs if name not in names]
    if close and close[0]:
        return encodable(f"did you mean {close[0][0]}=…?")
    wanted = " ".join(f"-i {shlex.quote(f'{name}={proposed[name]}')}" for name in names if name in proposed)
    return encodable(f"for example {wanted or ' '.join(f'-i {name}=SPEC' for name in names)}", 400)


def _signature(forward: Callable[..., Any] | None) -> tuple[inspect.Parameter, ...]:
    if forward is None:
        return ()
    try:
        return tuple(inspect.signature(forward).parameters.values())
    except (TypeError, ValueError, NameError):  # builtins without a signature, and odd callables
        return ()


def _read_exported(model: nn.Module) -> tuple[inspect.Parameter, ...] | None:
    """Of a program that `torch.export.unflatten` made a model of: how its inputs have to be given is fixed."""
    if type(model).__module__ != "torch.export.unflatten":
        return None
    calls = vars(model).get("module_call_graph")
    signature = calls[0].signature if isinstance(calls, list) and calls else None
    if signature is None:
        return None
    positional, keywords = signature.in_spec.children()
    count = positional.num_children
    names = [*(signature.forward_arg_names or ())][:count]
    names += [f"input_{number}" for number in range(len(names), count)]
    return tuple(
        inspect.Parameter(name, kind)
        for kind, each in (
            (inspect.Parameter.POSITIONAL_ONLY, names),
            (inspect.Parameter.KEYWORD_ONLY, keywords.context or ()),
        )
        for name in each
    )


def _read_scripted(model: torch.jit.ScriptModule) -> tuple[inspect.Parameter, ...]:
    try:
        arguments = getattr(model.forward, "schema").arguments[1:]  # noqa: B009 (no stub knows ScriptMethod)
    except (AttributeError, RuntimeError):  # compiled without a forward
        return ()
    empty = inspect.Parameter.empty
    return tuple(
        inspect.Parameter(
            argument.name,
            inspect.Parameter.KEYWORD_ONLY if argument.kwarg_only else inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=argument.default_value if argument.has_default_value() else empty,
            annotation=str(argument.type),
        )
        for argument in arguments
    )
