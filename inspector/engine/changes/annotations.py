"""Source without annotations, whose names a script need not have then."""

from __future__ import annotations

import ast
from collections.abc import Iterator

Cut = tuple[int, int, bytes]
"""From, to, and what is there instead."""


def without_annotations(text: str) -> str:
    """Of functions and variables; those of fields of a class say what the class is, and stay."""
    data = text.encode()
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for start, end, new in sorted(_cuts(ast.parse(text), data, starts), reverse=True):
        data = data[:start] + new + data[end:]
    return data.decode()


def has_annotations(text: str) -> bool:
    """Whether any is left."""
    return any(
        getattr(node, name, None) is not None
        for node in ast.walk(ast.parse(text))
        for name in ("annotation", "returns")
    )


def _cuts(tree: ast.AST, data: bytes, starts: list[int]) -> Iterator[Cut]:
    for node in ast.iter_child_nodes(tree):
        yield from _cuts(node, data, starts)
        if isinstance(node, ast.FunctionDef):
            yield from _cuts_of_arguments(node.args, starts)
            if node.returns is not None:
                end = _end(node.returns, starts)
                yield len(data[: data.rindex(b"->", 0, end)].rstrip()), end, b""
        elif isinstance(node, ast.AnnAssign) and node.value is not None and not isinstance(tree, ast.ClassDef):
            yield _end(node.target, starts), _end(node.annotation, starts), b""


def _cuts_of_arguments(arguments: ast.arguments, starts: list[int]) -> Iterator[Cut]:
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(plain) - len(arguments.defaults)) + [*arguments.defaults, *arguments.kw_defaults]
    for each, default in zip([*plain, *arguments.kwonlyargs], defaults, strict=True):
        yield from _cut(each, default, starts)
    for rest in (arguments.vararg, arguments.kwarg):
        if rest is not None:
            yield from _cut(rest, None, starts)


def _cut(argument: ast.arg, default: ast.expr | None, starts: list[int]) -> Iterator[Cut]:
    if argument.annotation is None:
        return
    start = starts[argument.lineno - 1] + argument.col_offset + len(argument.arg.encode())
    if default is None:
        yield start, _end(argument.annotation, starts), b""
    else:
        yield start, starts[default.lineno - 1] + default.col_offset, b"="


def _end(node: ast.expr, starts: list[int]) -> int:
    return starts[(node.end_lineno or 1) - 1] + (node.end_col_offset or 0)
