"""Stand-ins for the classes that a pickle names and that are no plain data, so that its tensors can be read.

`torch.load(weights_only=True)` refuses a whole file for one `argparse.Namespace` in it. With an inert class in the
place of each such name it reads the file, and nothing of theirs is imported or run. What torch refuses in any case
(`os`, `sys`) is refused here too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

_NAME = "stands in for"

_STATE_IS_NO_DICT = ("numpy.", "_codecs.")
"""Whose objects are rebuilt from tuples; those of most other classes from the dict of their attributes."""


class _Inert:
    """Takes whatever arguments and state a pickle gives it, and keeps nothing."""

    def __new__(cls, *args: object, **kwargs: object) -> Any:
        return super().__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Nothing is kept."""

    def __setstate__(self, state: object) -> None:
        """Nothing is kept."""


class _Attributes:
    """Makes a dict, because torch fills nothing else: with its items, or with the attributes of the object."""

    def __new__(cls, *args: object, **kwargs: object) -> Any:
        made: OrderedDict[Any, Any] = OrderedDict()
        vars(made)[_NAME] = f"{cls.__module__}.{cls.__qualname__}"
        return made


def standing_in(names: Iterable[str]) -> AbstractContextManager[None]:
    """While this is open, torch takes these names ("argparse.Namespace") for those of harmless classes."""
    safe_globals: Any = getattr(torch.serialization, "safe_globals", None)  # torch 2.4 has none
    classes = [_class_for(name) for name in names]
    return safe_globals(classes) if classes and safe_globals is not None else nullcontext()


@contextmanager
def without_filling() -> Iterator[None]:
    """While this is open, no `bytearray(N)` in a pickle makes gigabytes of zeros out of one number."""
    from torch import _weights_only_unpickler as unpickler

    allowed: dict[str, Any] = unpickler._get_allowed_globals()
    held = {name: found for name, found in allowed.items() if found is bytearray}
    allowed.update(dict.fromkeys(held, _copy_bytes))
    try:
        yield
    finally:
        allowed.update(held)


def _copy_bytes(*args: Any) -> bytearray:
    """What pickles make a bytearray of: nothing, bytes, or text and its encoding."""
    if args and isinstance(args[0], int):
        raise ValueError("a bytearray of zeros is not made")
    return bytearray(*args)


def _class_for(name: str) -> type:
    module, _, own = name.rpartition(".")
    base = _Inert if name.startswith(_STATE_IS_NO_DICT) else _Attributes
    return type(own, (base,), {"__module__": module, "__qualname__": own})


def reveal(value: object) -> object:
    """What there is to show of a value of the file that is no tensor: of a stand-in its attributes, or its name."""
    if isinstance(value, _Inert):
        return f"a {type(value).__module__}.{type(value).__qualname__}, not loaded"
    if isinstance(value, OrderedDict) and _NAME in vars(value):
        attributes = {**value, **{key: held for key, held in vars(value).items() if key != _NAME}}
        return attributes or f"a {vars(value)[_NAME]}, not loaded"
    return value
