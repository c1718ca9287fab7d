"""Hooks as text: `scale(2, on="input")`, and with a module in front `conv1:scale(2)`."""

from __future__ import annotations

import ast
import math
from typing import Any

from ...errors import UsageError
from ...text import encodable
from .hook import Hook
from .kind import near
from .kinds import BY_NAME, HOOK_KINDS

EXAMPLES = "write it as scale(2), noise(0.1, seed=1, on='input') or zero(when='nan > 0')"


def parse_hook(text: str, on: str = "") -> Hook:
    """The hook that `text` asks for, put on `on` where it does not say and its kind can be.

    Raises:
        UsageError: It cannot be understood; the error names the kinds there are, or how this one is written.
    """
    name, args, kwargs = call_of(text.strip())
    kind = BY_NAME.get(name)
    if kind is None:
        names = [each.name for each in HOOK_KINDS]
        what = f"there is no kind of hook {name!r}" if name else "no kind of hook is named"
        raise UsageError(encodable(what, 200), hint=f"{near(name, names)}the kinds are {', '.join(names)}")
    if on in kind.on:
        kwargs.setdefault("on", on)
    return kind(*args, **kwargs)


def parse_placed(text: str) -> tuple[str, str]:
    """`MODULE:KIND(...)` -> the module pattern and the hook's text. A pattern may hold colons itself (class:Conv2d)."""
    head, parenthesis, tail = text.partition("(")
    where, colon, name = head.rpartition(":")
    if not colon:
        raise UsageError(
            encodable(f"{text!r} names no module", 200),
            hint="write it as conv1:scale(2), 'layer4.*:zero()' or 'class:Conv2d:noise(0.1)'",
        )
    return where, name + parenthesis + tail


def call_of(text: str) -> tuple[str, list[Any], dict[str, Any]]:
    """`name(arguments)` as its name and arguments, which are plain values. Raises `UsageError`."""
    try:
        node = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UsageError(encodable(f"{text!r} cannot be read", 300), hint=EXAMPLES) from None
    if isinstance(node, ast.Name):
        return node.id, [], {}
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise UsageError(encodable(f"{text!r} is no kind of hook with its arguments", 300), hint=EXAMPLES)
    if any(keyword.arg is None for keyword in node.keywords):
        raise UsageError(encodable(f"{text!r}: arguments are given one by one", 300), hint=EXAMPLES)
    args = [_literal(argument, text) for argument in node.args]
    return node.func.id, args, {str(word.arg): _literal(word.value, text) for word in node.keywords}


def _literal(node: ast.expr, text: str) -> Any:
    sign = -1.0 if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else 1.0
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    if isinstance(inner, ast.Name) and inner.id in ("inf", "nan"):
        return sign * (math.inf if inner.id == "inf" else math.nan)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        written = ast.get_source_segment(text, node) or "an argument"
        raise UsageError(
            encodable(f"{written} in {text!r} is no plain value", 300), hint="numbers, True, False, None and 'text'"
        ) from None
