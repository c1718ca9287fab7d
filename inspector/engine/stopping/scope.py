"""What a line of Python sees where a pass stands still, and what it may put in the place of a value there."""

from __future__ import annotations

import contextlib
import dis
import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor

from ...errors import UsageError
from ...records import NamedValue
from ...text import encodable
from ..values.nested import tensors_in
from ..values.summarize import Summarizer
from ..values.unwrap import read

_BEGUN = re.compile(r"(?:.*?[^\w.])?((?:[^\W\d]\w*\.)*)(\w*)", re.DOTALL)
_MOST = 50
"""Lines that a begun one may go on to."""
_LISTED = 30
_BINDS = ("STORE_NAME", "DELETE_NAME", "STORE_GLOBAL", "DELETE_GLOBAL")
"""Instructions of a line that bind a name, and not one of its own inner functions."""


class Scope:
    """The names of one place. `given` are those of the values there, in the order in which they are shown.

    Args:
        given: What is there; a line may put something else in its place.
        around: What else can be named.
    """

    def __init__(self, given: Mapping[str, Any], around: Mapping[str, Any]) -> None:
        self.given = dict(given)
        self._names: dict[str, Any] = {"torch": torch, **around, **given}

    def evaluate(self, text: str) -> Any:
        """What an expression is. Raises whatever that does."""
        return eval(compile(text.strip(), "<prompt>", "eval"), self._names)

    def run(self, text: str) -> tuple[Any, tuple[str, ...]]:
        """What a line gives, None for a statement, and the given names that mean something else after it. Raises
        whatever the line does."""
        before = dict(self._names)
        code = _compile(text.strip())
        try:
            found = eval(code, self._names)
        finally:
            changed = tuple(name for name in self.given if self._names.get(name) is not before.get(name))
            self.given.update({name: self._names[name] for name in changed if name in self._names})
        return found, changed

    def list_versions(self) -> dict[str, tuple[int, ...]]:
        """Of each given value what is another once it, or a tensor in it, was written to."""
        return {name: (id(value), *map(_version_of, tensors_in(value))) for name, value in self._listed()}

    @property
    def hint(self) -> str:
        """What there is to type, for a line that failed."""
        names = ", ".join(name for name in self._names if name != "__builtins__")
        return encodable(f"{names}; and variables of a frame, with the keyboard in Stack", 300)

    def describe(self) -> tuple[NamedValue, ...]:
        """The given values as they are now, tensors with their statistics."""
        describe = Summarizer().describe_now
        return tuple(NamedValue(encodable(name, 100), describe(value)) for name, value in self._listed())

    def _listed(self) -> Iterable[tuple[str, Any]]:
        return [(name, value) for name, value in self.given.items() if not name.startswith("__")][:_LISTED]

    def complete(self, text: str) -> tuple[str, ...]:
        """What a line may go on to. Runs no code of anybody."""
        found = _BEGUN.fullmatch(text)
        if found is None or not (found[1] or found[2]):
            return ()
        keys, word = found[1].split(".")[:-1], found[2]
        held: Any = None
        own: Iterable[str] = [name for name in self._names if name != "__builtins__"]
        if keys:
            if keys[0] not in self._names:
                return ()
            held = self._names[keys[0]]
            for key in keys[1:]:
                held = _static(held, key)
            own = _held(held)
        others = sorted(_attributes(held)) if keys else ()
        fitting = [name for name in dict.fromkeys((*own, *others)) if _goes_on(word, name)]
        return tuple(encodable(text[: len(text) - len(word)] + name, 500) for name in fitting[:_MOST])


class FrameScope(Scope):
    """The names of a frame. Its locals can be changed where Python writes them back: from 3.13 on, and in the code of
    a file or class."""

    def __init__(self, frame: FrameType) -> None:
        held = frame.f_locals
        optimized = bool(frame.f_code.co_flags & inspect.CO_OPTIMIZED)
        known = dict(held) if optimized or type(held) is dict else {}
        super().__init__(known, dict(frame.f_globals) if type(frame.f_globals) is dict else {})
        self._frame = frame
        self._writes = not optimized or sys.version_info >= (3, 13)

    def run(self, text: str) -> tuple[Any, tuple[str, ...]]:
        if not self._writes:
            self._refuse_locals(text)
        found, changed = super().run(text)
        for name in changed:
            if name in self.given:
                self._frame.f_locals[name] = self.given[name]
        return found, changed

    @property
    def hint(self) -> str:
        return encodable(", ".join(self.given), 300)

    def _refuse_locals(self, text: str) -> None:
        """Raises `UsageError` where the line binds a variable of the function anew."""
        code = self._frame.f_code
        own = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
        writes = dis.get_instructions(compile(text.strip(), "<prompt>", "exec"))
        bound = next((each.argval for each in writes if each.opname in _BINDS and each.argval in own), "")
        if bound:
            version = ".".join(map(str, sys.version_info[:2]))
            what = f"{bound} is a variable of a running function, which Python {version} cannot bind anew"
            hint = f"3.13 and later can; {bound}.copy_(...) writes in place, and a stop after a module gives its output"
            raise UsageError(encodable(what, 300), hint=encodable(hint, 300))


def list_inputs(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """What a module is about to be called with, as lines name it."""
    first = {"input": args[0]} if args else {}
    return {**first, "args": args, "kwargs": kwargs}


def take_inputs(given: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """What it is to be called with, where lines made other values of those that were `given`; None where not."""
    if all(found[name] is given[name] for name in given):
        return None
    args, kwargs = found["args"], found["kwargs"]
    if found.get("input") is not given.get("input"):
        args = (found["input"], *args[1:])
    return args if isinstance(args, tuple) else (args,), kwargs


def _version_of(tensor: Tensor) -> int:
    """How often it was written to; 0 where nobody counts, as in inference mode."""
    try:
        return int(read(tensor, "_version"))
    except Exception:  # a subclass may refuse it
        return 0


def _compile(line: str) -> CodeType:
    """As an expression, or else as a statement, which says itself what is wrong with it."""
    with contextlib.suppress(SyntaxError):
        return compile(line, "<prompt>", "eval")
    return compile(line, "<prompt>", "exec")


_TENSORS_AND_MODULES = ("_parameters", "_buffers", "_modules")


def _goes_on(word: str, name: object) -> bool:
    """Whether a word may become this name; a hidden one only where that was begun."""
    if type(name) is not str or name == word or not name.startswith(word):
        return False
    return word.startswith("_") == name.startswith("_")


def _held(value: Any) -> dict[str, Any]:
    """What hangs on an instance, as far as it is in its dict."""
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    own = own if type(own) is dict else {}
    shelves = [own[name] for name in _TENSORS_AND_MODULES if isinstance(own.get(name), dict)]
    return {**{key: each for shelf in shelves for key, each in dict(shelf).items()}, **own}


def _static(value: Any, key: str) -> Any:
    """An attribute, read without running any code; None where that is not possible."""
    held = _held(value)
    if key in held:
        return held[key]
    found = inspect.getattr_static(value, key, None)
    return None if isinstance(found, property) or hasattr(type(found), "__get__") else found


def _attributes(value: Any) -> set[str]:
    """Those of its class."""
    kinds = type.__dict__["__mro__"].__get__(type(value))
    return {name for kind in kinds for name in vars(kind) if type(name) is str}
