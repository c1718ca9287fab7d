"""What the lines of a function are: which of them belong to one statement (a call written over five lines is one thing
that runs), and what each of them may do to the variables."""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterator
from types import CodeType
from typing import NamedTuple

from ..source.versions import load

_BINDING = ("STORE_FAST", "STORE_DEREF", "DELETE_FAST", "DELETE_DEREF")
_WRITING = ("CALL", "STORE_SUBSCR", "STORE_SLICE", "STORE_ATTR", "DELETE_SUBSCR", "INPLACE_", "WITH", "YIELD", "SEND",
            "FOR_ITER")  # fmt: skip
"""Parts of the names of instructions after which what a variable holds may be another. Operators that are not in place
and attributes that are read are none of them, whatever a class makes of that."""


_ASKS = "has_torch_function"


class Effect(NamedTuple):
    """What a line may do to the variables of its frame."""

    names: tuple[str, ...]
    """That it may bind."""
    writes: bool
    """Whether it may change what they hold."""


NO_EFFECT = Effect((), False)


class Instructions(NamedTuple):
    """What is read from those of some code."""

    effects: dict[int, Effect]
    """Of lines."""
    attributes: frozenset[str]
    """`state` of `self.state = x`, and of whatever else a name is set on."""
    asking: frozenset[int]
    """Lines that ask whether somebody hears of operations."""


def read_instructions(code: CodeType) -> Instructions:
    names: dict[int, dict[str, None]] = {}
    attributes: set[str] = set()
    writing, asking = set(), set()
    lines = _lines_by_offset(code)
    asks = any(name.startswith(_ASKS) for name in code.co_names)
    for each in dis.get_instructions(code):
        kind, line = each.opname, lines.get(each.offset, 0)
        bound = names.setdefault(line, {})
        if kind.startswith(_BINDING):
            bound |= dict.fromkeys(each.argval if isinstance(each.argval, tuple) else (each.argval,))
        elif any(part in kind for part in _WRITING) or _is_augmented(each):
            writing.add(line)
        if kind == "STORE_ATTR":
            attributes.add(each.argval)
        if asks and str(each.argval).startswith(_ASKS):
            asking.add(line)
    shared = [name for name in (*code.co_cellvars, *code.co_freevars) if name != "__class__"]  # with inner functions
    for line in writing:
        names[line] |= dict.fromkeys(shared)
    effects = {
        line: Effect((*bound,), line in writing) if bound or line in writing else NO_EFFECT
        for line, bound in names.items()
    }
    return Instructions(effects, frozenset(attributes), frozenset(asking))


def _is_augmented(instruction: dis.Instruction) -> bool:
    """Whether it is the `+=` of Python 3.11 and later."""
    return instruction.opname == "BINARY_OP" and instruction.argrepr.endswith("=")


def _lines_by_offset(code: CodeType) -> dict[int, int]:
    return {offset: line for begin, end, line in code.co_lines() if line is not None for offset in range(begin, end, 2)}


def find_statements(code: CodeType) -> dict[int, int]:
    """The first line of each statement that is written over several lines, by each of its lines; the head of a loop or
    a condition counts as one, and a function begins at its `def`. Empty where there is no text that can be read."""
    file = load(code.co_filename)
    first = code.co_firstlineno
    block = file.block(first, code) if file is not None else []
    if not block:
        return {}
    indented = block[0][:1].isspace()
    try:
        tree = ast.parse("".join(["if 1:\n", *block] if indented else block))
    except (SyntaxError, ValueError):
        return {}
    shift = first - 1 - indented
    found: dict[int, int] = {}
    for begin, end, line in _spans(tree):
        found |= dict.fromkeys(range(begin + shift, end + shift + 1), line + shift)
    return found


def _spans(tree: ast.AST) -> Iterator[tuple[int, int, int]]:
    """First and last lines, and which one is told of; those of inner statements come after those of outer ones."""
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno or node.lineno
            begin = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
            if end > begin:
                yield begin, max(end, node.lineno), node.lineno


def nested_in(code: CodeType) -> Iterator[CodeType]:
    """The comprehensions, lambdas and functions that are written in it, however deep."""
    for child in code.co_consts:
        if isinstance(child, CodeType):
            yield child
            yield from nested_in(child)


def lines_of(code: CodeType) -> set[int]:
    """Those that hold instructions; not the line of its `def`."""
    return {line for _, _, line in code.co_lines() if line is not None and line != code.co_firstlineno}
