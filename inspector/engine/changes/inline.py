"""The function that a kind of hook makes, written out where that is one expression: `lambda tensor: tensor * 2`."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from ..hooks.kind import Kind
from .carry import Source

_KNOWN = {"torch"}
"""What the expression may use besides its arguments."""
_CHECKS = "without_overflow"
"""Called with a tensor and what computes another one, which it checks where that is one of whole numbers."""


def write_inline(kind: Kind, arguments: Mapping[str, str], floating: bool) -> str:
    """As text, "" where it takes more than an expression.

    Args:
        kind: Of the hook.
        arguments: What its factory is called with, as text.
        floating: Whether all tensors that it sees are of floating numbers.
    """
    made = Source.of(kind.make.__module__).definitions[kind.name]
    expression = _expression_of(made, set(arguments)) if isinstance(made, ast.FunctionDef) else None
    if expression is None:
        return ""
    values = {name: ast.parse(text, mode="eval").body for name, text in arguments.items()}
    written = _Filled(values, floating).visit(ast.parse(ast.unparse(expression), mode="eval").body)
    own = {each.arg for each in ast.walk(written) if isinstance(each, ast.arg)}
    used = {each.id for each in ast.walk(written) if isinstance(each, ast.Name)}
    simple = used <= own | _KNOWN and not any(isinstance(each, ast.IfExp) for each in ast.walk(written))
    return ast.unparse(written) if simple else ""


def _expression_of(made: ast.FunctionDef, given: set[str]) -> ast.expr | None:
    """What a function gives, where that is all of it but a docstring, and it is `given` all of its arguments."""
    last = made.body[-1] if len(made.body) == 2 else None
    return last.value if isinstance(last, ast.Return) and given >= {each.arg for each in made.args.args} else None


class _Filled(ast.NodeTransformer):
    """An expression with other expressions in the place of names."""

    def __init__(self, values: Mapping[str, ast.expr], floating: bool) -> None:
        self._values = values
        self._floating = floating

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._values.get(node.id, node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        named = isinstance(node.func, ast.Name) and node.func.id == _CHECKS
        if not (named and self._floating and isinstance(node.args[1], ast.Lambda)):
            return self.generic_visit(node)
        computed = node.args[1]
        inner = _Filled({**self._values, computed.args.args[0].arg: node.args[0]}, self._floating)
        return inner.visit(computed.body)  # type: ignore[no-any-return]
