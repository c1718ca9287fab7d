"""Names in Python files and modules: `model.py:Net`, `model.py::Net` and `pkg.mod:Net.inner` -> the object."""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.machinery
import importlib.util
import linecache
import os
import sys
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from ... import files
from ...errors import UsageError
from ...files import check_file, read_file
from ...files.purposes import SOURCE
from ...text import encodable
from .import_hints import import_hint
from .reading import telling_of_import
from .running import reported, wrap_error


def split(text: str) -> tuple[str, str]:
    """`model.py:Net` as `("model.py", "Net")`; the name is "" where there is none."""
    head, separator, name = text.rpartition("::" if "::" in text else ":")
    return (head, name) if separator else (text, "")


def is_file(head: str) -> bool:
    """The part before the colon names a file, not a module."""
    return head.endswith(".py") or "/" in head or os.sep in head


def resolve(text: str) -> Any:
    """The object that `FILE:NAME` or `MODULE:NAME` names.

    Raises:
        UsageError: There is no such file, module or name.
        TargetError: Importing it ran code that raised.
    """
    head, name = split(text)
    module = import_file(head) if is_file(head) else import_module(head)
    return find(module, name, head)


def import_file(name: str) -> ModuleType:
    """The file as a module, its directory first on `sys.path` as when it is run, its `__name__` not `__main__`."""
    path = existing_file(name)
    linecache.checkcache(str(path))
    what = f"your code raised while {name} was imported:"
    with telling_of_import(path.name), reported(what):
        source = read_file(path, SOURCE)
        root, dotted = _package_of(path) if _has_relative_import(source, path) else (path.parent, "")
        _put_first(str(root))
        try:
            return _execute(dotted or _free_name(path), path)
        except ImportError as error:
            raise wrap_error(error, what, import_hint(error, path)) from None


def find_import(name: str) -> tuple[str, str]:
    """The folder that is first on `sys.path` when the file is imported, and the name by which it can be found there;
    "" where another module has that name. Raises `UsageError`."""
    path = existing_file(name)
    if _has_relative_import(read_file(path, SOURCE), path):
        root, dotted = _package_of(path)
        return str(root), dotted
    return str(path.parent), path.stem if _free_name(path) == path.stem else ""


def existing_file(name: str) -> Path:
    return check_file(name, SOURCE).resolve()


def import_module(name: str) -> ModuleType:
    """The module of this dotted name; the current directory comes first on `sys.path` where it is not imported yet."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise UsageError(
            encodable(f"{name!r} is neither a file nor a module", 300),
            hint="write model.py:Net for a file or pkg.mod:Net for a module",
        )
    if name not in sys.modules:
        _put_first(os.getcwd())
    importlib.invalidate_caches()
    with telling_of_import(name), reported(f"your code raised while {name} was imported:"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is not None and f"{name}.".startswith(f"{error.name}."):
                raise _no_module(name, error.name) from None
            raise  # it was found, and what it imports was not


def find(module: ModuleType, name: str, shown: str) -> Any:
    """The attribute path `name` in `module`; `UsageError` with the nearest names where there is none."""
    found: Any = module
    for position, part in enumerate(name.split(".")):
        holder = found
        with reported(f"your code raised while {part} was read from {shown}:"):
            found = getattr(holder, part, _MISSING)
        if found is _MISSING:
            inside = ".".join([shown, *name.split(".")[:position]]) if position else shown
            raise _no_name(holder, part, inside)
    return found


_MISSING = object()


class _Uncached(importlib.machinery.SourceFileLoader):
    """Compiles what the file says now: a cached .pyc may be stale within its one-second timestamp."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(read_file(path, SOURCE), path)


def _execute(name: str, path: Path) -> ModuleType:
    if "." in name:
        importlib.import_module(name.rpartition(".")[0])
    spec = importlib.util.spec_from_file_location(name, path, loader=_Uncached(name, str(path)))
    assert spec is not None and spec.loader is not None  # a loader was given
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module  # dataclasses, pickle and inspect look it up while it runs
    try:
        spec.loader.exec_module(module)
    except BaseException:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise
    return module


def _free_name(path: Path) -> str:
    """The file's stem where that name means this very file, else one that shadows nothing."""
    stem = path.stem
    held = sys.modules.get(stem)
    if held is not None and getattr(held, "__file__", None) == str(path):
        return stem
    if stem.isidentifier() and held is None and stem not in sys.stdlib_module_names and _leads_to(stem, path):
        return stem
    return f"inspected_{''.join(c if c.isalnum() else '_' for c in stem)}"


def _leads_to(stem: str, path: Path) -> bool:
    """With the file's directory first, this name finds the file and not a package beside it."""
    importlib.invalidate_caches()
    spec = importlib.util.find_spec(stem)
    return spec is not None and spec.origin is not None and Path(spec.origin).resolve() == path


def _has_relative_import(source: bytes, path: Path) -> bool:
    try:
        tree = ast.parse(source, str(path))
    except (SyntaxError, ValueError):  # running it says so, with the place
        return False
    return any(isinstance(node, ast.ImportFrom) and node.level > 0 for node in ast.walk(tree))


def _package_of(path: Path) -> tuple[Path, str]:
    """Where the file's outermost package lies and its dotted name there; no name where it is in no package."""
    root, parts = path.parent, [path.stem]
    while files.is_file(root / "__init__.py") and root.name.isidentifier() and root != root.parent:
        parts.insert(0, root.name)
        root = root.parent
    return (root, ".".join(parts)) if len(parts) > 1 else (path.parent, "")


def _put_first(directory: str) -> None:
    if sys.path[:1] != [directory]:
        sys.path.insert(0, directory)


def _no_module(name: str, missing: str) -> UsageError:
    parent, _, last = missing.rpartition(".")
    close = difflib.get_close_matches(last, _siblings(parent), 1)
    where = f"in {parent}" if parent else f"in {os.getcwd()} or among the installed packages"
    meant = f"{parent}.{close[0]}" if parent and close else (close[0] if close else "")
    hint = f"did you mean {meant}{name[len(missing) :]}?" if meant else "check the name, or give the file: model.py:Net"
    return UsageError(encodable(f"module not found: {missing}", 300), where=encodable(where, 300), hint=encodable(hint))


def _siblings(parent: str) -> list[str]:
    """Names of modules and packages in a package, or in the current directory for no package."""
    package = sys.modules.get(parent)
    folders = list(getattr(package, "__path__", [])) if parent else [os.getcwd()]
    names = []
    for folder in map(Path, folders):
        if files.is_directory(folder):
            names += [entry.stem for entry in folder.iterdir() if entry.suffix == ".py" or entry.is_dir()]
    return names


def _no_name(holder: Any, part: str, shown: str) -> UsageError:
    names = [name for name in dir(holder) if not name.startswith("__")]
    close = difflib.get_close_matches(part, names, 3, 0.5)
    hint = (
        f"did you mean {' or '.join(close)}?" if close else f"to see what is in it: inspector {shown.partition(':')[0]}"
    )
    return UsageError(encodable(f"there is no {part!r} in {shown}", 500), hint=encodable(hint, 300))
