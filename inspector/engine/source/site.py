"""The place a module was called from: the function around a line of a file."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from ...records import Path, Source
from .files import SourceFile
from .pieces import last_line, same_layout
from .record import Draft
from .running import function_of
from .versions import explain_rewriting, load, place

_AROUND = 100
"""Lines shown on either side of a call at the top level of a file."""

_STARTED = time.time()


class _Live(NamedTuple):
    code: CodeType
    namespace: dict[str, Any]


def site_source(file: str, line: int, path: Path) -> Source:
    """The function around line `line` of `file`, as a call site names it. Never raises.

    Args:
        file: `co_filename` of the calling frame.
        line: The line it was at.
        path: Of the module that was called; only handed through.
    """
    draft = Draft(path, "site", f"called at {os.path.basename(file)}:{line}")
    try:
        _fill(draft, file, line)
    # What is found in loaded modules is other people's.
    except Exception as error:
        draft.text = ""
        draft.notes.append(f"the call site could not be looked up: {type(error).__name__}")
    return draft.record()


def frame_source(code: CodeType, namespace: dict[str, Any], line: int, title: str, path: Path) -> Source:
    """The function of a frame, with the line that it is at in focus. Never raises.

    Args:
        code: Its code.
        namespace: Its globals.
        line: Where it is.
        title: What it is called.
        path: Only handed through.
    """
    draft = Draft(path, "frame", title)
    try:
        if code.co_name == "<module>" or not _fill_verified(draft, _Live(code, namespace), line):
            _fill_from_text(draft, code.co_filename, namespace, line)
    # Loaders of modules are other people's, as above.
    except Exception as error:
        draft.text = ""
        draft.notes.append(f"the source could not be looked up: {type(error).__name__}")
    return draft.record()


def _fill(draft: Draft, name: str, line: int) -> None:
    live = _running(name, line)
    if live is not None and _fill_verified(draft, live, line):
        return
    _fill_from_text(draft, name, None, line)


def _fill_from_text(draft: Draft, name: str, namespace: dict[str, Any] | None, line: int) -> None:
    file = load(name, namespace)
    if file is None or not 0 < line <= len(file.lines):
        draft.note(f"there is no text of {name}, line {line}")
        return
    if file.current and os.stat(file.path).st_mtime > _STARTED:
        draft.note("the file was edited after this program started: lines may have moved")
    _fill_from_file(draft, file, line)


def _fill_verified(draft: Draft, live: _Live, line: int) -> bool:
    found = place(live.code, live.namespace)
    if found is None:
        return False
    file, match = found
    piece = match.piece
    moved = line - live.code.co_firstlineno + piece.first
    keeps_lines = same_layout(piece.code, live.code) or explain_rewriting(live.namespace)
    focus = moved if keeps_lines else file.def_line(piece)
    _name(draft, piece.qualname)
    draft.note(match.note)
    draft.take(file, piece, focus)
    return True


def _fill_from_file(draft: Draft, file: SourceFile, line: int) -> None:
    piece = file.innermost(line)
    if piece is not None and not piece.is_class:
        _name(draft, piece.qualname)
        draft.take(file, piece, line)
        return
    first = max(1, line - _AROUND)
    draft.title += " at the top level" * (draft.part == "site")
    draft.take_lines(file, list(file.lines[first - 1 : line + _AROUND]), first, line)


def _name(draft: Draft, qualname: str) -> None:
    if draft.part != "site":  # it has its name
        return
    draft.title += f" in {qualname.rpartition('<locals>.')[2]}"


def _running(name: str, line: int) -> _Live | None:
    """The innermost code of a loaded module that says it comes from this line."""
    best: _Live | None = None
    for live in _walk_loaded(name):
        code = live.code
        if code.co_filename != name or code.co_name.startswith("<"):
            continue
        inside = code.co_firstlineno <= line <= last_line(code)
        if inside and (best is None or code.co_firstlineno >= best.code.co_firstlineno):
            best = live
    return best


def _walk_loaded(name: str) -> Iterator[_Live]:
    """Every code object of the module imported from file `name`, and of the session's own."""
    for module in list(sys.modules.values()):
        if not isinstance(module, ModuleType):
            continue
        namespace = vars(module)
        if namespace.get("__name__") == "__main__" or namespace.get("__file__") == name:
            for function in _functions(list(namespace.values()), namespace.get("__name__")):
                yield from _walk_nested(function)


def _functions(values: list[Any], module: object) -> Iterator[FunctionType]:
    pending, seen = values, set()
    while pending:
        value = pending.pop()
        if isinstance(value, type) and id(value) not in seen and vars(value).get("__module__") == module:
            seen.add(id(value))
            pending.extend(vars(value).values())
        elif (function := function_of(value)) is not None:
            yield function


def _walk_nested(function: FunctionType) -> Iterator[_Live]:
    pending = [function.__code__]
    while pending:
        code = pending.pop()
        yield _Live(code, function.__globals__)
        pending.extend(child for child in code.co_consts if isinstance(child, CodeType))
