"""Constructor KEY=VALUE: from text to keyword arguments that the class or factory accepts."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ...errors import UsageError
from ...text import encodable
from .literals import argument

_REFUSED = re.compile(r"(unexpected keyword argument|multiple values for(?: keyword)? argument) '(\w+)'")
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def values(pairs: Collection[tuple[str, str]]) -> dict[str, Any]:
    """Python literals where the text is one, the text itself otherwise."""
    return {key: argument(text) for key, text in pairs}


def signature_of(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError, NameError):  # builtins without one, and odd callables
        return None


def list_missing(function: Callable[..., Any], kwargs: Mapping[str, Any]) -> list[str]:
    """Names of the required parameters that `kwargs` does not give."""
    signature = signature_of(function)
    every = signature.parameters.values() if signature else ()
    return [p.name for p in every if p.default is p.empty and p.kind not in _VARIADIC and p.name not in kwargs]


def list_unknown(function: Callable[..., Any], kwargs: Mapping[str, Any]) -> list[str]:
    """Names in `kwargs` that the function does not take."""
    names = list_accepted(function)
    return [] if names is None else [key for key in kwargs if key not in names]


def list_accepted(function: Callable[..., Any]) -> list[str] | None:
    """Keyword names the function takes; None where it takes any, or cannot tell."""
    signature = signature_of(function)
    if signature is None or any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values()):
        return None
    return [p.name for p in signature.parameters.values() if p.kind not in (*_VARIADIC, p.POSITIONAL_ONLY)]


def check(function: Callable[..., Any], kwargs: Mapping[str, Any], shown: str) -> None:
    """Raise `UsageError` where the function cannot be called with `kwargs`."""
    for name in list_unknown(function, kwargs):
        raise refusal(shown, name, list_accepted(function) or [])
    lacking = list_missing(function, kwargs)
    if lacking:
        raise UsageError(
            encodable(f"{shown} needs {', '.join(lacking)}", 400),
            where=encodable(f"{shown}{signature_of(function) or ''}", 400),
            hint=encodable(f"inspector {shown} {' '.join(f'{name}=VALUE' for name in lacking)}", 400),
        )


def refusal(shown: str, name: str, names: Collection[str]) -> UsageError:
    """The error for one argument that is not taken, with the names that are."""
    close = difflib.get_close_matches(name, names, 1)
    taken = f"it takes {', '.join(names)}" if names else "it takes no arguments"
    return UsageError(
        encodable(f"{shown} takes no argument {name!r}", 400),
        where=encodable(taken, 1_000),
        hint=encodable(f"did you mean {close[0]}=…?" if close else f"leave out {name}=", 300),
    )


def refuse_call(error: TypeError, kwargs: Mapping[str, Any], shown: str, names: Collection[str]) -> UsageError | None:
    """The error for an argument of ours that a builder of models refused or sets itself; None for other errors.

    Args:
        error: What the call raised.
        kwargs: What was typed.
        shown: The builder.
        names: What it takes.
    """
    match = _REFUSED.search(str(error))
    if match is None or match.group(2) not in kwargs:
        return None
    key = match.group(2)
    if match.group(1).startswith("multiple"):
        return UsageError(
            f"{shown} sets {key} itself", where=f"{key} is what makes it {shown}", hint=f"leave out {key}="
        )
    return refusal(shown, key, names)
