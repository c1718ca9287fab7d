"""A script, or a module, as the `__main__` of this process: what Python itself makes of `python SCRIPT`."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

from ...errors import UsageError
from ...files import read_file
from ...files.purposes import SOURCE

_kept: list[ModuleType] = []
"""The `__main__` that was there before: what of it still runs has its names."""


class MainModule:
    """Code that is not yet run.

    Args:
        name: What `sys.argv` begins with.
        folder: What `sys.path` begins with.
        compile: Gives the code, or raises what is wrong with it.
        facts: The names that Python itself gives `__main__`.
    """

    def __init__(self, name: str, folder: str, compile: Callable[[], CodeType], facts: dict[str, Any]) -> None:
        self._name = name
        self._folder = folder
        self._compile = compile
        self._module = ModuleType("__main__")
        vars(self._module).update(facts)

    def take_over(self, arguments: Sequence[str]) -> None:
        """From now on this process is the script's."""
        sys.argv[:] = [self._name, *arguments]
        if not getattr(sys.flags, "safe_path", False):  # Python from 3.11 on can be told to put nothing there
            sys.path[0] = self._folder
        _kept.append(sys.modules["__main__"])
        sys.modules["__main__"] = self._module

    def execute(self) -> None:
        """Run it. Raises what it raises."""
        exec(self._compile(), vars(self._module))


def read_script(name: str) -> MainModule:
    """A script by its file. Raises `UsageError` where there is none."""
    if os.path.isdir(name):
        raise UsageError(f"{name} is a directory", hint=f"inspector run {os.path.join(name, 'train.py')}, a script")
    text, file = read_file(name, SOURCE), os.path.abspath(name)
    facts = {"__file__": file, "__loader__": SourceFileLoader("__main__", file), "__cached__": None}
    folder = os.path.dirname(os.path.realpath(name))
    return MainModule(name, folder, lambda: compile(text, file, "exec", dont_inherit=True), facts)


def find_module(name: str) -> MainModule:
    """A module by its name, of a package its `__main__`. Raises `UsageError` where there is none."""
    sys.path[0] = os.getcwd()  # where Python looks first
    spec = _find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = _find_spec(f"{name}.__main__")
    code = getattr(spec.loader, "get_code", None) if spec is not None else None
    if spec is None or code is None:
        raise UsageError(
            f"there is no module {name} that can be run", hint="inspector run -m package.module, as for python -m"
        )
    facts = {
        "__file__": spec.origin,
        "__loader__": spec.loader,
        "__cached__": spec.cached,
        "__spec__": spec,
        "__package__": spec.parent,
    }
    found = spec
    return MainModule(spec.origin or name, os.getcwd(), lambda: code(found.name), facts)


def _find_spec(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):  # of its parent, or no name of a module
        return None
