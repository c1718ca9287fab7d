"""Hooks as a person or a form asks for them: as text, `scale(2, on="input")`, or as a `HookSpec`."""

from __future__ import annotations

import ast
import math
import re
from dataclasses import replace
from typing import Any

from ...errors import UsageError
from ...records import HookSpec
from ...records.hooks import Plain
from ...text import encodable
from .hook import OPTIONS, Hook, write_argument
from .kind import Kind, near
from .kinds import BY_NAME, HOOK_KINDS

_LARGEST, _LONGEST = 2**63 - 1, 4_000  # what a message holds
EXAMPLES = "write it as scale(2), noise(0.1, seed=1, on='input') or zero(when='nan > 0')"


def parse_hook(text: str, on: str = "") -> Hook:
    """The hook that `text` asks for, put on `on` where it does not say and its kind can be.

    Raises:
        UsageError: It cannot be understood; the error names the kinds there are, or how this one is written.
    """
    name, args, kwargs = parse_call(text.strip())
    kind = _find_kind(name)
    if on in kind.on:
        kwargs.setdefault("on", on)
    return kind(*args, **kwargs)


def resolve_hook(asked: str | HookSpec, on: str = "") -> Hook:
    """The hook that was typed in whole, or put together in a form. Raises `UsageError` as `parse_hook` does."""
    return parse_hook(asked, on) if isinstance(asked, str) else _build_hook(asked, on)


def _build_hook(spec: HookSpec, on: str) -> Hook:
    kind = _find_kind(spec.kind)
    chosen = spec.on or (on if on in kind.on else kind.on[0])
    options = {name: getattr(spec, name) for name in OPTIONS if name != "on"}
    return with_code(kind(**{**options, "on": chosen, **spec.arguments}), spec.code)


def describe_hook(hook: Hook) -> HookSpec:
    """What a form is filled from: all of the hook but its code, which may be long."""
    return HookSpec(
        kind=hook.kind.name,
        arguments={name: _as_plain(value) for name, value in hook.arguments.items()},
        on=hook.on,
        where=encodable(hook.where, _LONGEST),
        step=min(hook.step, _LARGEST) if isinstance(hook.step, int) else hook.step,
        call=None if hook.call is None else min(hook.call, _LARGEST),
        every=min(hook.every, _LARGEST),
        when=encodable(hook.when, _LONGEST),
        at=hook.at,
    )


def with_code(hook: Hook, code: str) -> Hook:
    """The hook with the text that a person wrote for it."""
    return replace(hook, code=code) if hook.kind.acts == "python" else hook


def _as_plain(value: Any) -> Plain:
    """As a message holds it."""
    if isinstance(value, str):
        return encodable(value, _LONGEST)
    if isinstance(value, int) and abs(value) > _LARGEST:
        return float(str(value))
    if not isinstance(value, (int, float, type(None))):
        return write_argument(value)
    plain: Plain = value
    return plain


def _find_kind(name: str) -> Kind:
    if name in BY_NAME:
        return BY_NAME[name]
    names = [each.name for each in HOOK_KINDS]
    what = f"there is no kind of hook {name!r}" if name else "no kind of hook is named"
    raise UsageError(encodable(what, 200), hint=f"{near(name, names)}the kinds are {', '.join(names)}")


def split_place(text: str) -> tuple[str, str]:
    """`MODULE:KIND(...)` -> the module pattern and the hook's text. A pattern may itself hold colons (class:Conv2d)
    and parentheses ((root))."""
    found = _PLACED.fullmatch(text)
    if found is None:
        raise UsageError(
            encodable(f"{text!r} names no module", 200),
            hint="write it as conv1:scale(2), 'layer4.*:zero()', 'class:Conv2d:noise(0.1)' or '(root):print()'",
        )
    return found["where"], found["hook"]


_PLACED = re.compile(r"(?P<where>.*?):(?P<hook>\s*\w*\s*(\(.*)?)", re.DOTALL)
"""Up to the first colon with a name and its arguments behind it."""


def parse_call(text: str) -> tuple[str, list[Any], dict[str, Any]]:
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
    args = [_parse_literal(argument, text) for argument in node.args]
    return node.func.id, args, {str(word.arg): _parse_literal(word.value, text) for word in node.keywords}


def _parse_literal(node: ast.expr, text: str) -> Any:
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
