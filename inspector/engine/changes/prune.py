"""A script without what nothing in it uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator


def prune(text: str, kept: Iterable[str]) -> str:
    """`text` with what runs when it is run, what `kept` names, and what these need of its top, and of classes the
    methods that something names.

    Annotations need nothing: the script leaves them unevaluated.
    """
    text, before = _without_sections(text), ""
    while text != before:  # a method that is left out may have been all that needed a function
        before, text = text, _without_methods(_without_definitions(text, {*kept}))
    return text


def _without_definitions(text: str, kept: set[str]) -> str:
    body = ast.parse(text).body
    defined = {name: node for node in body for name in _names_defined(node)}
    needed = _follow({*kept, *_names_run(body)}, defined)
    left_out: set[int] = set()
    for node, after in zip(body, [*body[1:], None], strict=True):
        if _is_unused(node, needed):
            left_out.update(_rows(node))
            if isinstance(node, ast.Assign | ast.AnnAssign) and _is_text(after):
                left_out.update(_rows(after))
    return _leave_out(text, left_out)


def _without_methods(text: str) -> str:
    """Of classes that are nobody's heirs: what calls an heir's methods is its base."""
    tree = ast.parse(text)
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    methods = [each for node in tree.body if isinstance(node, ast.ClassDef) and not node.bases for each in node.body]
    left_out: set[int] = set()
    for method in methods:
        if isinstance(method, ast.FunctionDef) and method.name not in used and not method.name.startswith("__"):
            left_out.update(_rows(method), [_rows(method).start - 1])  # with the blank line above it
    return _leave_out(text, left_out)


def _leave_out(text: str, rows: set[int]) -> str:
    lines = [line for row, line in enumerate(text.splitlines(), 1) if row not in rows]
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines)).rstrip() + "\n"


def _without_sections(text: str) -> str:
    """The docstrings of functions without what they say behind their first paragraph."""
    return re.sub(r'^( +"""(?:(?!"""|\n\n).)*)\n\n(?:(?!""").)*"""', r'\1"""', text, flags=re.DOTALL | re.MULTILINE)


def _is_unused(node: ast.stmt, needed: set[str]) -> bool:
    names = list(_names_defined(node))
    return bool(names) and needed.isdisjoint(names)


def _names_defined(node: ast.stmt) -> Iterator[str]:
    """Those of what can be left out; none for what is more than a definition."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "__future__":
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def _names_run(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if not list(_names_defined(node)):
            yield from _names_used(node)


def _follow(names: set[str], defined: dict[str, ast.stmt]) -> set[str]:
    """These names and all that their definitions use."""
    found: set[str] = set()
    while names:
        name = names.pop()
        found.add(name)
        if name in defined:
            names |= set(_names_used(defined[name])) - found
    return found


def _names_used(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    own = _names_local(node) if isinstance(node, ast.FunctionDef | ast.Lambda) else set()
    for field, value in ast.iter_fields(node):
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST) and field not in ("annotation", "returns"):
                yield from (name for name in _names_used(each) if field != "body" or name not in own)


def _names_local(function: ast.FunctionDef | ast.Lambda) -> set[str]:
    """What a function is called with, and what it assigns."""
    given = {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}
    return given | {name for node in ast.iter_child_nodes(function) for name in _names_assigned(node)}


def _names_assigned(node: ast.AST) -> Iterator[str]:
    """Without those of functions within."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
        for each in ast.iter_child_nodes(node):
            yield from _names_assigned(each)


def _is_text(node: ast.stmt | None) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _rows(node: ast.stmt | None) -> range:
    """Its lines, with those of its decorators."""
    assert node is not None
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))])
    return range(first, (node.end_lineno or first) + 1)
