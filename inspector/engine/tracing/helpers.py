"""The functions that a forward may call, found without calling anything: methods of its class, functions it names."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Set
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import nn

from ..source.running import callable_of, in_mro, mro, namespace
from ..values.per_type import PerType
from .statements import nested_in

TORCH = os.path.dirname(torch.__file__) + os.sep
_OPEN = tuple(
    os.path.join(TORCH, *parts) for parts in (("nn", "functional.py"), ("nn", "modules", ""), ("functional.py",))
)
"""What of torch is written as models are."""
_CALLS = nn.Module.__call__.__code__.co_filename
_CHOOSERS = os.path.join(TORCH, "_jit_internal.py")
"""`F.max_pool2d` and its like: a function that calls one of two."""
MOST = 200
"""Functions that are looked into."""
_FUNCTIONS = (FunctionType, MethodType, staticmethod, classmethod, property)


def find_helpers(function: FunctionType, module: nn.Module) -> list[CodeType]:
    """The code of what `function`, a method of `module`, may call, and what that may call."""
    found: dict[int, CodeType] = {}
    pending = [function]
    seen = {id(function.__code__)}
    while pending and len(found) < MOST:
        for inner in _named_by(pending.pop(0), module):
            code = inner.__code__
            if id(code) in seen:
                continue
            seen.add(id(code))
            if may_be_entered(code):
                found[id(code)] = code
                pending.append(inner)
            elif code.co_filename == _CHOOSERS:
                pending.append(inner)
    return list(found.values())


def may_be_entered(code: CodeType) -> bool:
    """Whether it is somebody's function, and nothing that torch does around the calls of modules and functions."""
    file = code.co_filename
    return not file.startswith(TORCH) or (file.startswith(_OPEN) and file != _CALLS)


def helpers_in(value: object, names: Set[str]) -> Iterator[CodeType]:
    """What a call of a local variable runs, or of its methods of these names."""
    if issubclass(type(value), (FunctionType, MethodType)):
        yield from _codes_of(value)
        return
    for name, code in _methods_of(type(value)):
        if name in names:
            yield code


def _find_methods(kind: type) -> list[tuple[str, CodeType]]:
    names = {name for each in mro(kind) for name in namespace(each)}
    return [(name, code) for name in names for code in _codes_of(in_mro(kind, name)[1])]


_methods_of = PerType(_find_methods)


def _codes_of(value: object) -> Iterator[CodeType]:
    if issubclass(type(value), _FUNCTIONS):
        function = callable_of(value, "").function
        if function is not None and may_be_entered(function.__code__):
            yield function.__code__


def _named_by(function: FunctionType, module: nn.Module) -> Iterator[FunctionType]:
    names = {name for code in (function.__code__, *nested_in(function.__code__)) for name in code.co_names}
    for value in _values(function, module, names):
        if isinstance(value, _FUNCTIONS):
            inner = callable_of(value, "").function
            if inner is not None:
                yield inner


def _values(function: FunctionType, module: nn.Module, names: set[str]) -> Iterator[Any]:
    known = function.__globals__
    for name in names:
        value = known.get(name)
        if isinstance(value, ModuleType):
            yield from (vars(value).get(inner) for inner in names)
        elif value is not None:
            yield value
        for owner in mro(type(module)):
            if owner is not nn.Module and name in namespace(owner):
                yield namespace(owner)[name]
    yield from inspect.getclosurevars(function).nonlocals.values()
