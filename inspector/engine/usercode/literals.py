"""Plain values as typed: numbers, quoted text, true, false and none."""

from __future__ import annotations

import ast
import warnings
from typing import Any, Final

NOT_A_LITERAL: Final = object()

_WORDS = {"true": True, "false": False, "none": None}


def literal(text: str) -> Any:
    """The value that `text` writes out, or `NOT_A_LITERAL`."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    value = _evaluate(text)
    return value if isinstance(value, (bool, int, float, complex, str, bytes)) or value is None else NOT_A_LITERAL


def argument(text: str) -> Any:
    """The value of a constructor's KEY=VALUE: a Python literal, else the text itself; true and false are bools."""
    if text in ("true", "false"):
        return text == "true"
    value = _evaluate(text)
    return text if value is NOT_A_LITERAL else value


def _evaluate(text: str) -> Any:
    """The value that Python reads, or `NOT_A_LITERAL`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of `1x3`, that a number and a name should not touch
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):  # TypeError: {[]: 1}
        return NOT_A_LITERAL
