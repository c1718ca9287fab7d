"""Files read and remembered: each version once, and the version before, so that a module whose file was edited while
it is looked at can still be shown as it runs."""

from __future__ import annotations

import io
import linecache
import os
import stat
import sys
import textwrap
import tokenize
from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType
from typing import Any

from ...errors import UsageError
from ...files import keep_from_reading, read_file
from ...files.purposes import SOURCE
from .files import CHANGED, Match, SourceFile, describe_error

KEPT = f"{CHANGED}: this is the text that runs, as it was before"

_LOADERS = ("_frozen_importlib", "_frozen_importlib_external", "importlib._bootstrap_external", "zipimport")
_PATHS = 48
_VERSIONS = 3
_read: OrderedDict[str, list[tuple[tuple[int, int], SourceFile]]] = OrderedDict()
"""By path, the last versions read: (time, size) of the file and what it held, newest last."""


def place(code: CodeType, namespace: dict[str, Any], qualname: str = "") -> tuple[SourceFile, Match] | None:
    """Where running `code` is written, in the newest version that holds it; else in the file as it is now.

    Args:
        code: What runs.
        namespace: The globals of its function.
        qualname: Its function's qualified name.
    """
    changed = None
    for file in versions(code.co_filename, namespace):
        match = file.find(code, qualname)
        if match is not None and match.same:
            return file, match
        if match is not None:
            changed = file, match._replace(note=explain_rewriting(namespace) or match.note)
    return changed


def explain_rewriting(namespace: dict[str, Any]) -> str:
    """Why code can differ from an untouched file: an import hook that changes what it loads. Empty without one."""
    loader = type(namespace.get("__loader__"))
    if loader is type(None) or loader.__module__ in _LOADERS:
        return ""
    return f"rewritten at import by {loader.__name__}: this is the file's text"


def sourceless(namespace: dict[str, Any]) -> str:
    """That code was imported from compiled files alone, in words; empty where it was not."""
    path = namespace.get("__file__")
    if not isinstance(path, str) or not path.endswith(".pyc"):
        return ""
    return f"imported from {path}, without its source"


def versions(name: str, namespace: dict[str, Any] | None = None) -> Iterator[SourceFile]:
    """The text that code says it comes from: the file as it is now, then as it was.

    Args:
        name: `co_filename` of the code.
        namespace: Globals of the code: they know the file behind a relative name and the loader of an archive.
    """
    path = _path(name, namespace)
    if path is not None:
        yield _now(path)
    yield from (file for _, file in reversed(_read.get(path or os.path.abspath(name), [])) if not file.current)
    if path is None or name in linecache.cache:
        keep_from_reading([name])
        lines = linecache.getlines(name, namespace)
        if lines:
            yield _remember(name, "".join(lines), KEPT if _was_file(name) else "")
    if name == "<string>" and "-c" in sys.orig_argv:
        yield _remember(name, _read_typed(), "")


def _read_typed() -> str:
    """The program of `python -c`, as Python compiles it: from 3.14 on without its common indentation."""
    position = sys.orig_argv.index("-c") + 1
    text = sys.orig_argv[position] if position < len(sys.orig_argv) else ""
    return textwrap.dedent(text) if sys.version_info >= (3, 14) else text


def load(name: str, namespace: dict[str, Any] | None = None) -> SourceFile | None:
    """The newest version there is."""
    return next(versions(name, namespace), None)


def _path(name: str, namespace: dict[str, Any] | None) -> str | None:
    beside = namespace.get("__file__") if namespace is not None else None
    for candidate in (name, beside):
        if not isinstance(candidate, str) or os.path.basename(candidate) != os.path.basename(name):
            continue
        if _is_file(candidate):
            return os.path.abspath(candidate)
    return None


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def _was_file(name: str) -> bool:
    """Whether text that linecache has under `name` came from a file, not from a session or an archive."""
    return os.path.isabs(name) and os.path.isdir(os.path.dirname(name))


def _now(path: str) -> SourceFile:
    status = os.stat(path)
    stamp = (status.st_mtime_ns, status.st_size)
    known = _read.setdefault(path, [])
    _read.move_to_end(path)
    if not known or known[-1][0] != stamp:
        for _, file in known:
            file.current, file.note = False, KEPT
        known.append((stamp, _from_disk(path)))
        del known[:-_VERSIONS]
    while len(_read) > _PATHS:
        _read.popitem(last=False)
    return known[-1][1]


def _from_disk(path: str) -> SourceFile:
    try:
        data = io.BytesIO(read_file(path, SOURCE))
        encoding, _ = tokenize.detect_encoding(data.readline)
        data.seek(0)
        return SourceFile(path, io.TextIOWrapper(data, encoding).readlines(), current=True)
    except UsageError as error:
        return SourceFile(path, [], current=True, problem=str(error).partition("\n")[0])
    except (SyntaxError, UnicodeDecodeError) as error:
        return SourceFile(path, [], current=True, problem=describe_error(error))


@lru_cache(maxsize=16)
def _remember(name: str, text: str, note: str) -> SourceFile:
    return SourceFile(name, io.StringIO(text).readlines(), note=note)
