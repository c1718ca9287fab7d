"""Code objects: what they are called, where they nest, and when two of them are the same program."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

_GENERIC = "<generic parameters of"
"""Scope that Python 3.12 puts around `class A[T]` and `def f[T]`; it is nobody's parent."""

# Everything that makes two functions do the same; line tables are compared apart, qualified names not at all.
_PARTS = (
    "co_code",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_exceptiontable",
)


_KIND = 0x3FF
"""Flags that say what kind of function it is. Those above say which __future__ the compiler was told of, and a session
tells it of more than the text does."""


@dataclass(frozen=True, eq=False)
class Piece:
    """One function, lambda, comprehension or class body of a file; `parent` is the piece it is written in."""

    code: CodeType
    qualname: str
    parent: Piece | None

    @property
    def first(self) -> int:
        """Its first line, which is that of its first decorator."""
        return self.code.co_firstlineno

    @property
    def is_class(self) -> bool:
        return not self.code.co_flags & inspect.CO_OPTIMIZED


def walk(module: CodeType) -> Iterator[Piece]:
    """Every piece in the code object of a whole file."""
    pending: list[tuple[CodeType, Piece | None]] = [(module, None)]
    while pending:
        code, parent = pending.pop()
        for child in code.co_consts:
            if not isinstance(child, CodeType):
                continue
            if child.co_name.startswith(_GENERIC):
                pending.append((child, parent))
                continue
            piece = Piece(child, _qualname(child, parent), parent)
            pending.append((child, piece))
            yield piece


def _qualname(code: CodeType, parent: Piece | None) -> str:
    if parent is None:
        return code.co_name
    return f"{parent.qualname}.{code.co_name}" if parent.is_class else f"{parent.qualname}.<locals>.{code.co_name}"


def same_code(one: CodeType, other: CodeType) -> bool:
    """Whether both run the same instructions on the same constants, wherever they stand."""
    for part in _PARTS:
        if getattr(one, part, None) != getattr(other, part, None):
            return False
    return not (one.co_flags ^ other.co_flags) & _KIND and _same_constants(one.co_consts, other.co_consts)


def _same_constants(ones: tuple[object, ...], others: tuple[object, ...]) -> bool:
    return len(ones) == len(others) and all(map(_same_constant, ones, others))


def _same_constant(one: object, other: object) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, CodeType) and isinstance(other, CodeType):
        return one.co_name == other.co_name and same_code(one, other)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return _same_constants(one, other)
    if isinstance(one, (float, complex)):
        return repr(one) == repr(other)  # 0.0 is not -0.0, and NaN is itself
    return one == other


def same_layout(one: CodeType, other: CodeType) -> bool:
    """Whether equal code is spread over the same lines, counted from its first."""
    return _layout(one) == _layout(other)


def _layout(code: CodeType) -> list[int | None]:
    return [None if line is None else line - code.co_firstlineno for _, _, line in code.co_lines()]


def last_line(code: CodeType) -> int:
    """The last line that an instruction of `code`, or of what is written in it, stands on."""
    last, pending = code.co_firstlineno, [code]
    while pending:
        current = pending.pop()
        last = max(last, *(line or 0 for _, _, line in current.co_lines()), 0)
        pending.extend(child for child in current.co_consts if isinstance(child, CodeType))
    return last


def code_name(code: CodeType) -> str:
    """The qualified name it was written under, where this Python keeps it; functools.wraps cannot change it."""
    name = getattr(code, "co_qualname", code.co_name)
    return name if isinstance(name, str) else code.co_name


def written_name(code: CodeType) -> str:
    """`code_name` without the functions around it: "Net.forward" for `build.<locals>.Net.forward`."""
    return code_name(code).rpartition("<locals>.")[2]
