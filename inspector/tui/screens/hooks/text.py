"""A hook as it is typed, `scale(2, on='input')`: put together from what a form holds, and taken apart again."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from ....records import KindArgument, KindInfo

OPTIONS = (
    KindArgument("where", "str", "''", '[0], ["hidden"] or .last_hidden_state; a name for parameters'),
    KindArgument("call", "int", "None", "only this call in a pass, from 0"),
    KindArgument("every", "int", "1", "only every so many batches"),
    KindArgument("when", "str", "''", "only where this holds: nan > 0, std > 10 and max < 0"),
)
"""What every kind of hook takes besides its own arguments."""

_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})
_TEXTS = frozenset({"str", "file", "recording"})


@dataclass
class Typed:
    """What a form holds: the choice of `on`, "" for the kind's own, and the text typed for each argument by name."""

    on: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


def call_text(kind: KindInfo, typed: Typed, options: bool = True) -> str:
    """The hook in Python's syntax. What is left at its default is not written.

    Raises:
        ValueError: An argument is missing, or is not of its type; says which.
    """
    written: list[str] = []
    by_name = False
    for argument in kind.arguments:
        literal = _literal(argument, typed.values.get(argument.name, ""))
        if literal is None:
            by_name = True
        else:
            written.append(f"{argument.name}={literal}" if by_name else literal)
    if typed.on and typed.on != kind.on[0]:
        written.append(f"on={typed.on!r}")
    for option in OPTIONS if options else OPTIONS[:1]:
        literal = _literal(option, typed.values.get(option.name, ""))
        if literal is not None:
            written.append(f"{option.name}={literal}")
    return f"{kind.name}({', '.join(written)})"


def _literal(argument: KindArgument, text: str) -> str | None:
    """What was typed as Python writes it; None where it says no more than the default."""
    text = text if argument.type in _TEXTS else text.strip()
    if not text:
        if argument.default == "":
            raise ValueError(f"{argument.name} is needed")
        return None
    literal = _of_type(argument, text)
    return None if argument.default and literal in (argument.default, repr(argument.default)) else literal


def _of_type(argument: KindArgument, text: str) -> str:
    if argument.type in _TEXTS:
        return repr(text)
    if argument.type == "bool":
        return _bool(argument.name, text)
    if argument.type in ("int", "float") and not _is_number(argument.type, text):
        wanted = "a whole number" if argument.type == "int" else "a number"
        raise ValueError(f"{argument.name} is {wanted}")
    return text


def _is_number(type: str, text: str) -> bool:
    """As a Python literal: `inf` and `nan` are names there."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return type_of(value) in ({"int"} if type == "int" else {"int", "float"})


def type_of(value: object) -> str:
    """The name of its class, which tells a bool from an int."""
    return type(value).__name__


def _bool(name: str, text: str) -> str:
    if text.lower() in _TRUE:
        return "True"
    if text.lower() in _FALSE:
        return "False"
    raise ValueError(f"{name} is true or false")


def default_shown(argument: KindArgument) -> str:
    """The default as a person types it: a text without its quotes, nothing for nothing."""
    if argument.default in ("None", "''", '""'):
        return ""
    return _unquoted(argument.default) if argument.type in _TEXTS else argument.default


def kind_name(text: str) -> str:
    """The name in front of the bracket."""
    return text.partition("(")[0].strip()


def taken_apart(text: str, kind: KindInfo) -> Typed:
    """What a form has to hold to give `text`. What cannot be understood is left out."""
    text = text.strip()
    try:
        call = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return Typed()
    if not isinstance(call, ast.Call):
        return Typed()
    names = [argument.name for argument in kind.arguments]
    found = {name: _as_typed(node, text) for name, node in zip(names, call.args, strict=False)}
    found |= {each.arg: _as_typed(each.value, text) for each in call.keywords if each.arg}
    on = found.pop("on", "")
    return Typed(on if on in kind.on else "", found)


def _as_typed(node: ast.expr, text: str) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return ast.get_source_segment(text, node) or ""


def _unquoted(text: str) -> str:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return value if isinstance(value, str) else text


def with_all_below(where: str) -> str:
    """The module and everything in it; the root is in every other."""
    return f"{where},{where}.*" if where else "*"


def usable_filter(text: str) -> bool:
    """Whether a filter of the tree means the same as a place for hooks: one glob, or a class."""
    word = text.strip()
    return bool(word) and not word.split()[1:] and (word.startswith("class:") or any(c in word for c in "*?["))
