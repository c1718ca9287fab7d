"""Which lines of a function belong to one statement: a call written over five lines is one thing that runs."""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterator
from types import CodeType

from ..source.versions import load


def find_statements(code: CodeType) -> dict[int, int]:
    """The first line of each statement that is written over several lines, by each of its lines; the head of a loop or
    a condition counts as one. Empty where there is no text that can be read."""
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
    for begin, end in _spans(tree):
        found |= dict.fromkeys(range(begin + shift, end + shift + 1), begin + shift)
    return found


def _spans(tree: ast.AST) -> Iterator[tuple[int, int]]:
    """First and last lines; those of inner statements come after those of outer ones."""
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno or node.lineno
            if end > node.lineno:
                yield node.lineno, end


def nested_in(code: CodeType) -> Iterator[CodeType]:
    """The comprehensions, lambdas and functions that are written in it, however deep."""
    for child in code.co_consts:
        if isinstance(child, CodeType):
            yield child
            yield from nested_in(child)


def lines_of(code: CodeType) -> set[int]:
    """Those that hold instructions; not the line of its `def`."""
    return {line for _, _, line in code.co_lines() if line is not None and line != code.co_firstlineno}


def names_set_on_objects(code: CodeType) -> frozenset[str]:
    """`state` of `self.state = x`, and of whatever else a name is set on."""
    return frozenset(each.argval for each in dis.get_instructions(code) if each.opname == "STORE_ATTR")


def lines_that_name(code: CodeType, beginning: str) -> set[int]:
    """Those with an instruction on a name that begins like this."""
    found: set[int] = set()
    if any(name.startswith(beginning) for name in code.co_names):
        offsets = {each.offset for each in dis.get_instructions(code) if str(each.argval).startswith(beginning)}
        for begin, end, line in code.co_lines():
            if line is not None and any(offset in offsets for offset in range(begin, end, 2)):
                found.add(line)
    return found
