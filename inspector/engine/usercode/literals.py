"""Plain values as typed: numbers, quoted text, true, false and none."""

from __future__ import annotations

import ast
from typing import Any, Final

NOT_A_LITERAL: Final = object()

_WORDS = {"true": True, "false": False, "none": None}


def literal(text: str) -> Any:
    """The value that `text` writes out, or `NOT_A_LITERAL`."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return NOT_A_LITERAL
    return value if isinstance(value, (bool, int, float, complex, str, bytes)) or value is None else NOT_A_LITERAL


def argument(text: str) -> Any:
    """The value of a constructor's KEY=VALUE: a Python literal, else the text itself; true and false are bools."""
    if text in ("true", "false"):
        return text == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
