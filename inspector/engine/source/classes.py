"""Where a class is written. The code objects of its own methods lead there, so that of two classes with one name in a
file the right one is found, and a class that no `class` statement made is told apart."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from types import FunctionType
from typing import NamedTuple

from torch import nn

from .files import CHANGED, Match, SourceFile
from .pieces import Piece
from .running import describe, function_of, is_written_in, list_closed_over, module_name, qualified_name, type_name
from .versions import explain_rewriting, sourceless, versions


class Written(NamedTuple):
    """The `class` statement of a class. `same` says that it is what was imported, `note` what else to know."""

    file: SourceFile
    piece: Piece
    same: bool
    note: str


def find_written(cls: type) -> Written | None:
    """The statement that made `cls`, None for a class made by a call, by exec, or in C."""
    methods = own_methods(cls)
    changed = None
    for file in _files(cls, methods):
        found = _in_file(cls, methods, file)
        if found is not None and found.same:
            return found
        changed = changed or found
    return changed


def _in_file(cls: type, methods: list[FunctionType], file: SourceFile) -> Written | None:
    matches = [match for method in methods if (match := file.find(method.__code__, method.__qualname__))]
    at_line = _at_first_line(cls, file)
    body = at_line or _around(matches) or _find_by_name(cls, file)
    if body is None:
        return None
    if not methods:
        by_name = "found by its name only: it has no methods of its own to compare"
        return Written(file, body, True, by_name if at_line is None else "")
    if not matches and not file.current:
        return None
    found = _compare(file, body, [match for match in matches if match.piece.parent is body])
    return found if found.same else found._replace(note=explain_rewriting(methods[0].__globals__) or found.note)


def _compare(file: SourceFile, body: Piece, matches: list[Match]) -> Written:
    different = next((match.note for match in matches if not match.same), "")
    if different or not matches:
        return Written(file, body, False, different or f"{CHANGED}: none of its methods is as it was")
    return Written(file, body, True, next((match.note for match in matches if match.note), ""))


def nearest(cls: type) -> tuple[type, Written] | None:
    """`cls`, or the nearest base that a `class` statement made, with that statement. `nn.Module` only for itself."""
    for base in cls.__mro__:
        if base is not cls and (base is nn.Module or not issubclass(base, nn.Module)):
            continue
        found = find_written(base)
        if found is not None:
            return base, found
    return None


def own_methods(cls: type) -> list[FunctionType]:
    """The functions written in the body of `cls`, without decorators around them and without borrowed ones."""
    functions = (function_of(value) for value in list(vars(cls).values()))
    return [one for one in functions if one is not None and is_written_in(one, cls)]


def _files(cls: type, methods: list[FunctionType]) -> Iterator[SourceFile]:
    """The versions of the file most of its methods come from, or of its module where it has none."""
    names = Counter(method.__code__.co_filename for method in methods)
    for name, _ in names.most_common():
        method = next(one for one in methods if one.__code__.co_filename == name)
        yield from versions(name, method.__globals__)
    if not methods and module_name(cls) in sys.modules:
        namespace = vars(sys.modules[module_name(cls)])
        path = namespace.get("__file__")
        if isinstance(path, str):
            yield from versions(path, namespace)


def _at_first_line(cls: type, file: SourceFile) -> Piece | None:
    """By the line Python 3.13 keeps in every class that a statement made."""
    line = vars(cls).get("__firstlineno__")
    bodies = [piece for piece in file.pieces.get(cls.__name__, []) if piece.is_class and piece.first == line]
    return bodies[0] if len(bodies) == 1 else None


def _around(matches: list[Match]) -> Piece | None:
    """The class body that most of the methods are in."""
    bodies = Counter(match.piece.parent for match in matches if match.piece.parent is not None)
    return next((body for body, _ in bodies.most_common() if body is not None and body.is_class), None)


def _find_by_name(cls: type, file: SourceFile) -> Piece | None:
    """By qualified name and the functions the body defines; of several alike the last, which is the one that counts."""
    qualname = qualified_name(cls)
    bodies = [piece for piece in file.pieces.get(cls.__name__, []) if piece.is_class and piece.qualname == qualname]
    fitting = [body for body in bodies if _fits(cls, body)]
    return max(fitting, key=lambda body: body.first, default=None)


def _fits(cls: type, body: Piece) -> bool:
    written_there = {child for child in body.code.co_consts if isinstance(child, type(body.code))}
    return {child.co_name for child in written_there if not child.co_name.startswith("<")} <= set(vars(cls))


def forward_line(found: Written, function: FunctionType | None) -> tuple[int, str]:
    """The line of the `def forward` of this class body, 0 where it has none or another one runs; then a note says so.

    Args:
        found: The class body.
        function: What runs as forward, None where that is no Python function.
    """
    candidates = [piece for piece in found.file.pieces.get("forward", []) if piece.parent is found.piece]
    if not candidates:
        return 0, ""
    if function is None:
        return found.file.def_line(candidates[-1]), ""
    matches = [found.file.find(one.__code__, one.__qualname__) for one in (function, *list_closed_over(function))]
    inside = [match.piece for match in matches if match is not None and match.piece in candidates]
    if inside:
        return found.file.def_line(inside[0]), ""
    if not found.same:  # it says already that the file has changed
        return found.file.def_line(candidates[-1]), ""
    return 0, f"the forward that runs is not the one written here: it is {describe(function)}"


def explain_unwritten(cls: type) -> str:
    """The honest line for a class without a statement to show."""
    methods = own_methods(cls)
    compiled = sourceless(methods[0].__globals__) if methods else ""
    if compiled:
        return f"{type_name(cls)} was {compiled}"
    where = f" (its methods say {methods[0].__code__.co_filename})" if methods else ""
    return f"{type_name(cls)} was made by exec, a session or a call that kept no text{where}"
