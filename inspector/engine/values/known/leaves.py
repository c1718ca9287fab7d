"""How values are described that hold nothing, and that nobody can change."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import torch

from ....records import NoneValue, ScalarValue, Value
from .. import objects

_SHORT = 100  # characters of a text whose record is kept


@lru_cache(maxsize=1_000)
def _number(value: int) -> Value:
    return objects.scalar(value)


def _text(value: str) -> Value:
    return objects.scalar(value) if len(value) > _SHORT else _short_text(value)


@lru_cache(maxsize=1_000)
def _short_text(value: str) -> Value:
    return objects.scalar(value)


@lru_cache(maxsize=100)
def _constant(value: Any) -> Value:
    return objects.other(value, repr(value))


LEAVES: dict[int, Callable[[Any], Value]] = {
    id(type(None)): {None: NoneValue()}.__getitem__,
    id(bool): {value: ScalarValue("bool", value) for value in (True, False)}.__getitem__,
    id(int): _number,
    id(str): _text,
    id(torch.dtype): _constant,
    id(torch.device): _constant,
}
"""By the ids of types that are there for as long as the program."""


def is_leaf(value: object) -> bool:
    return id(type(value)) in LEAVES
