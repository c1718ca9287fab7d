"""Which code objects a model's lines are in, found without running any of its code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType

import torch

from ...errors import UsageError
from ...postmortem.frames import is_library
from ..modules.tree import ModuleTree

_WRAPPED = 20
"""Decorators on a function that are looked behind."""
_TORCH = "torch"


def list_codes(tree: ModuleTree, theirs: bool = False) -> list[CodeType]:
    """Of the functions in the files that the model's classes are from; of torch and of Python's library only where
    `theirs` are wanted too."""
    classes = {each for node in tree.objects() for each in _bases(type(node.module))}
    if not theirs:
        classes = {each for each in classes if not _is_torchs(each)}
    found = {id(code): code for function in _functions(classes) for code in _with_inner(function.__code__)}
    for node in tree.objects():
        own = vars(node.module).get("forward")  # put there in place of the class's
        if isinstance(own, FunctionType):
            found[id(own.__code__)] = own.__code__
    return [code for code in found.values() if theirs or not is_library(code.co_filename)]


def functions_of(names: dict[str, object]) -> list[CodeType]:
    """The code of the functions and classes that a file defines, `names` being its globals; not of what it imports."""
    own = [each for each in list(names.values()) if _origin(each) == names.get("__name__")]
    methods = [value for each in own if isinstance(each, type) for value in vars(each).values()]
    return [code for function in _of_namespace([*own, *methods]) for code in _with_inner(function.__code__)]


def find_line(tree: ModuleTree, file: str, line: int) -> tuple[CodeType, int]:
    """The code that has this line, and the first line from there on that it runs.

    Raises:
        UsageError: No function of the model has it.
    """
    real = os.path.realpath(file)
    fitting = [code for code in list_codes(tree, theirs=True) if _spans(code, line) and _is_of(code, real)]
    for code in sorted(fitting, key=lambda code: -code.co_firstlineno):  # the innermost first
        runs = [number for number in _lines_of(code) if number >= line]
        if runs:
            return code, min(runs)
    scripted = any(isinstance(node.module, torch.jit.ScriptModule) for node in tree.objects())
    more = "; scripted modules run no line of Python" if scripted else ""
    raise UsageError(f"nothing runs at line {line} of {os.path.basename(file)}", hint=f"a line of a forward{more}")


def _is_of(code: CodeType, real: str) -> bool:
    return code.co_filename == real or os.path.realpath(code.co_filename) == real


def _lines_of(code: CodeType) -> list[int]:
    """Without the one of `def`, which runs when the function is made."""
    first = code.co_firstlineno
    return [number for _, _, number in code.co_lines() if number is not None and number > first] or [first]


def _spans(code: CodeType, line: int) -> bool:
    lines = [number for each in _with_inner(code) for number in _lines_of(each)]
    return code.co_firstlineno <= line <= max(lines)


def _bases(kind: type) -> Iterator[type]:
    return (each for each in type.__dict__["__mro__"].__get__(kind) if each is not object)


def _is_torchs(kind: type) -> bool:
    name = type.__getattribute__(kind, "__module__")
    return type(name) is str and name.partition(".")[0] == _TORCH


def _functions(classes: Iterable[type]) -> Iterator[FunctionType]:
    for kind in classes:
        yield from _of_namespace(vars(kind).values())
    for name in {type.__getattribute__(kind, "__module__") for kind in classes if not _is_torchs(kind)}:
        module = sys.modules.get(name) if type(name) is str else None
        held = list(vars(module).values()) if module is not None else []
        own = [each for each in held if _origin(each) == name]
        yield from _of_namespace(own)
        for kind in own:
            if isinstance(kind, type):
                yield from _of_namespace(vars(kind).values())


def _origin(value: object) -> object:
    """Where a function or class is from; None of anything else."""
    if isinstance(value, type):
        return type.__getattribute__(value, "__module__")
    return value.__module__ if type(value) is FunctionType else None


def _of_namespace(values: Iterable[object]) -> Iterator[FunctionType]:
    for value in list(values):
        inner = [value.fget, value.fset] if isinstance(value, property) else [value]
        for each in inner:
            yield from _unwrap(each.__func__ if isinstance(each, staticmethod | classmethod) else each)


def _unwrap(value: object) -> Iterator[FunctionType]:
    """A function, and those that decorators keep behind it."""
    for _ in range(_WRAPPED):
        if type(value) is not FunctionType:
            return
        yield value
        value = vars(value).get("__wrapped__")


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    """And the functions, lambdas and comprehensions in it."""
    pending = [code]
    while pending:
        each = pending.pop()
        yield each
        pending += [constant for constant in each.co_consts if type(constant) is CodeType]
