"""A named object -> a model: an instance is taken, a class constructed, a factory called."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from keyword import iskeyword
from types import FunctionType, ModuleType
from typing import Any

from torch import nn

from ...errors import UsageError
from ...records import Target
from ...text import encodable
from ..inputs.sample import Arguments
from ..usercode import arguments
from ..usercode.importing import find_import, is_file
from ..usercode.running import call
from .files.exported import is_program, unflatten
from .target import Built, write_arguments

_TAKEN = ("torch", "sys", "made")
"""Names that the script uses where it imports another one."""
_WANTED = "a module, (module, args) or (module, args, kwargs)"


def construct(found: Any, kwargs: Mapping[str, Any], shown: str) -> Built:
    """The model that `found` is or makes.

    Raises:
        UsageError: It is neither a module, a class nor a factory, or does not take these arguments.
        TargetError: Its own code raised.
    """
    if isinstance(found, nn.Module):
        if kwargs:
            raise UsageError(
                encodable(f"{shown} is a module already; {next(iter(kwargs))}=… has nothing to go to", 400),
                hint="KEY=VALUE is for classes and factories",
            )
        return Built(found)
    if is_program(found):
        return unflatten(found)
    if not callable(found):
        raise UsageError(
            encodable(f"{shown} is a {type(found).__name__}, not a module, a class or a factory", 400),
            hint=encodable(f"to see what is in it: inspector {shown.partition(':')[0]}", 300),
        )
    arguments.check(found, kwargs, shown)
    return _from_result(call(found, shown, kwargs), shown)


def write_import(target: Target) -> list[str]:
    """The lines of a script that import and construct what `construct` does; none where no name was typed."""
    if ":" not in target.target:
        return []
    head, _, name = target.target.rpartition(":")
    head = head.rstrip(":")
    folder, module = find_import(head) if is_file(head) else (os.getcwd(), head)
    plain = _write_plain_import(module, name, target)
    if plain:
        return [f"sys.path.insert(0, {folder!r})", *plain]
    found = [f"found = importlib.import_module({module!r})"]
    if not module:  # another one has its name
        found = [
            f"spec = importlib.util.spec_from_file_location('target', {os.path.abspath(head)!r})",
            "found = importlib.util.module_from_spec(spec)",
            "spec.loader.exec_module(found)",
        ]
    return [
        "import importlib.util",
        f"sys.path.insert(0, {folder!r})",
        *found,
        f"made = found.{name}",
        f"made = made if isinstance(made, nn.Module) else made({', '.join(write_arguments(target))})",
        "model = made[0] if isinstance(made, tuple) else made",
    ]


def _write_plain_import(module: str, name: str, target: Target) -> list[str]:
    """As a person writes it, where that can be written, and what has that name is known."""
    words = [*module.split("."), name]
    if not all(word.isidentifier() and not iskeyword(word) for word in words) or name in _TAKEN:
        return []
    imported = sys.modules.get(module)
    found = vars(imported).get(name) if type(imported) is ModuleType else None
    line, call = f"from {module} import {name}", f"{name}({', '.join(write_arguments(target))})"
    if isinstance(found, nn.Module):
        return [f"{line} as model"]
    if isinstance(found, type) and issubclass(found, nn.Module):
        return [line, f"model = {call}"]
    if isinstance(found, FunctionType):
        return [line, f"made = {call}", "model = made[0] if isinstance(made, tuple) else made"]
    return []


def _from_result(result: Any, shown: str) -> Built:
    if isinstance(result, nn.Module):
        return Built(result)
    if is_program(result):
        return unflatten(result)
    if isinstance(result, tuple) and 2 <= len(result) <= 3 and isinstance(result[0], nn.Module):
        return Built(result[0], example=_example(result[1:], shown))
    held = f"a tuple of {', '.join(type(p).__name__ for p in result[:4])}" if isinstance(result, tuple) else ""
    raise UsageError(
        encodable(f"{shown} returned {held or f'a {type(result).__name__}'}", 400), hint=f"a factory returns {_WANTED}"
    )


def _example(rest: tuple[Any, ...], shown: str) -> Arguments:
    """`(args,)` or `(args, kwargs)`; args that are no tuple are one argument, as a hook sees them."""
    args = rest[0] if isinstance(rest[0], tuple) else (rest[0],)
    kwargs = rest[1] if len(rest) > 1 and rest[1] is not None else {}
    if not isinstance(kwargs, Mapping):
        raise UsageError(
            encodable(f"{shown} returned (module, args, {type(kwargs).__name__})", 400),
            hint=f"a factory returns {_WANTED}",
        )
    return tuple(args), dict(kwargs)
