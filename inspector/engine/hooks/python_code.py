"""Hooks that a person writes: from text to a function, and what it may return."""

from __future__ import annotations

import ast
import linecache
import traceback
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import UsageError
from ...raised import say, traceback_of
from ...text import encodable
from .hook import Hook

FILE = "<hook>"
_HINT = "change that line"


class PythonHook:
    """A person's function. What it returns is checked: a wrong value is an error at the hook, not further on."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    @classmethod
    def of(cls, hook: Hook) -> PythonHook:
        return cls(hook.function if hook.function is not None else compile_hook(hook.code))

    def output(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
        new = self._function(module, args, kwargs, output)
        if new is not None and isinstance(output, Tensor) and not isinstance(new, Tensor):
            raise TypeError(f"it returned a {type(new).__name__} in the place of a tensor")
        return new

    def inputs(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        new = self._function(module, args, kwargs)
        if new is None:
            return None
        if isinstance(new, tuple) and len(new) == 2 and isinstance(new[0], tuple) and isinstance(new[1], dict):
            return new
        raise TypeError(f"it returned a {type(new).__name__}; the input is replaced by (args, kwargs)")

    def gradient(self, module: nn.Module, gradient: Tensor) -> Tensor | None:
        new = self._function(module, gradient)
        if new is None:
            return None
        if not isinstance(new, Tensor) or new.shape != gradient.shape:
            raise TypeError(f"a gradient is replaced by a tensor of its shape {tuple(gradient.shape)}")
        return new

    def parameters(self, module: nn.Module) -> None:
        with torch.no_grad():
            self._refuse_result(self._function(module))

    def keys(self, module: nn.Module, state: dict[str, Any], prefix: str) -> None:
        self._refuse_result(self._function(module, state, prefix))

    def _refuse_result(self, new: Any) -> None:
        if new is not None:
            raise TypeError(f"it returned a {type(new).__name__}; it is meant to change things in place")


def compile_hook(code: str) -> Callable[..., Any]:
    """The function `hook` of the text. Raises `UsageError` with the line that is wrong."""
    if not code.strip():
        raise UsageError("the hook has no code", hint="write a function called hook")
    linecache.cache[FILE] = (len(code), None, code.splitlines(keepends=True), FILE)
    space: dict[str, Any] = {"torch": torch, "nn": nn, "F": torch.nn.functional, "__name__": "hook"}
    try:
        exec(compile(ast.parse(code, FILE), FILE, "exec"), space)
    except SyntaxError as error:
        raise UsageError(
            encodable(error.msg, 300), where=_line(code, error.lineno), line=error.lineno or 0, hint=_HINT
        ) from None
    except Exception as error:  # a person's code may raise anything when it is defined
        number = line_of(error)
        raise UsageError(encodable(say(error), 300), where=_line(code, number), line=number or 0, hint=_HINT) from None
    found = space.get("hook")
    if not callable(found):
        raise UsageError("there is no function called hook", hint="def hook(module, ...):")
    function: Callable[..., Any] = found
    return function


def line_of(error: BaseException) -> int | None:
    """The line of a hook's code that an exception came through last."""
    walked = traceback.walk_tb(traceback_of(error))
    lines = [line for frame, line in walked if frame.f_code.co_filename == FILE]
    return lines[-1] if lines else None


def _line(code: str, number: int | None) -> str:
    """That line with its number, where the code has it."""
    lines = code.splitlines()
    return encodable(f"line {number}: {lines[number - 1].strip()}", 200) if number and number <= len(lines) else ""
