"""Whose code a class or function is: the model's own files are looked into, other people's libraries are not."""

from __future__ import annotations

import functools
import sys
import sysconfig
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

OURS = __name__.partition(".")[0]

_INSTALLED = ("site-packages", "dist-packages")
_STANDARD = sysconfig.get_path("stdlib")


def module_of(cls: type) -> str:
    """The module that a class says it is from, one of C code too; past a metaclass that answers itself."""
    found = type.__dict__["__module__"].__get__(cls)
    return found if type(found) is str else ""


def root_of(cls: type) -> str:
    """The package that a class says it is from."""
    return module_of(cls).partition(".")[0]


def is_library(cls: type) -> bool:
    """Whether the class is Python's, torch's or this program's."""
    root = root_of(cls)
    return root in ("builtins", "torch", OURS) or (root in sys.stdlib_module_names and not is_own_class(cls))


def is_own_class(cls: type) -> bool:
    """Whether it was written in a file of the model's own."""
    found = sys.modules.get(module_of(cls))
    return found is None or is_own(vars(found))


def is_own(names: dict[str, Any]) -> bool:
    """Whether these are the globals of a file of the model's own: of no installed package, and not Python's."""
    name, file = names.get("__name__"), names.get("__file__")
    if type(name) is str and name.partition(".")[0] in ("torch", OURS):
        return False
    if type(file) is str:
        return not _is_installed(file)
    return type(name) is not str or name not in sys.builtin_module_names  # typed in, or run from a text


@functools.lru_cache(maxsize=4096)
def _is_installed(file: str) -> bool:
    return file.startswith((_STANDARD, "<frozen")) or any(part in _INSTALLED for part in Path(file).parts)


def is_torchs(function: FunctionType) -> bool:
    name = function.__globals__.get("__name__")
    return type(name) is str and name.partition(".")[0] == "torch"


def is_own_function(function: FunctionType) -> bool:
    return is_own(function.__globals__)


def file_of(names: dict[str, Any]) -> str:
    """What the globals of a file are called: "model.py"."""
    file, name = names.get("__file__"), names.get("__name__")
    if type(file) is str:
        return Path(file).name
    return name if type(name) is str else "a program"


@functools.lru_cache(maxsize=4096)
def names_in(code: CodeType) -> frozenset[str]:
    """Every global that the code, and what is written inside it, may read or set; also by `globals()["name"]`."""
    inner = (names_in(const) for const in code.co_consts if type(const) is CodeType)
    texts = (const for const in code.co_consts if type(const) is str and const.isidentifier())
    return frozenset(code.co_names).union(texts, *inner)
