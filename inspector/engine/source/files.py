"""One version of a file's text, and where in it a piece of running code is.

The text is compiled and never run: its code objects are compared with the running ones, which is the only proof that
the text shown is the text that runs.
"""

from __future__ import annotations

import ast
import inspect
import tokenize
import warnings
from collections.abc import Sequence
from types import CodeType
from typing import NamedTuple

from .pieces import Piece, last_line, same_code, same_layout, walk

CHARACTER_LIMIT = 200_000
"""Characters of source in one record."""

_LAMBDA = "<lambda>"
CHANGED = "changed on disk since it was imported"


class Match(NamedTuple):
    """Where running code is in a file. `same` says that the text there is what runs, `note` what else to know."""

    piece: Piece
    same: bool
    note: str = ""


class SourceFile:
    """One version of one file. `problem` says why its text could not be compiled; `pieces` is empty then.

    `current` is the file as it is on disk; any other text was kept in memory, and `note` says what that means.
    """

    def __init__(
        self, path: str, lines: Sequence[str], *, current: bool = False, note: str = "", problem: str = ""
    ) -> None:
        self.path = path
        self.lines = lines
        self.current = current
        self.note = note
        self.problem = problem
        self.pieces: dict[str, list[Piece]] = {}
        self._starting: dict[tuple[str, int], list[Piece]] = {}
        if not problem:
            self._index()

    def _index(self) -> None:
        try:
            module = _compile("".join(self.lines), self.path)
        # RecursionError and MemoryError come from the compiler for absurdly nested text.
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
            self.problem = describe_error(error)
            return
        for piece in walk(module):
            name = piece.code.co_name
            self.pieces.setdefault(name, []).append(piece)
            self._starting.setdefault((name, piece.first), []).append(piece)

    def find(self, code: CodeType, qualname: str = "") -> Match | None:
        """The place of running `code`, None where the file no longer has anything of its name.

        Args:
            code: What runs.
            qualname: Its qualified name, for Pythons whose code objects do not keep it.
        """
        named = self.pieces.get(code.co_name, [])
        qualname = getattr(code, "co_qualname", qualname)
        starting = self._starting.get((code.co_name, code.co_firstlineno), [])
        equal = [piece for piece in starting if same_code(piece.code, code)]
        equal = equal or [piece for piece in named if same_code(piece.code, code)]
        if equal:
            piece = min(equal, key=lambda piece: _distance(piece, code, qualname))
            note = _explain_move(piece, code) if self.current else self.note
            return Match(piece, True, note or _which(piece, starting))
        # Text in memory is there under a name such as "<string>": what is not equal is somebody else's.
        if not self.current or code.co_name == _LAMBDA:
            return None
        alike = [piece for piece in named if not qualname or piece.qualname == qualname]
        if not alike:
            return None
        piece = min(alike, key=lambda piece: _distance(piece, code, qualname))
        return Match(piece, False, f"{CHANGED}: this is the text there now, not what runs")

    def innermost(self, line: int) -> Piece | None:
        """The function or class body that `line` is in; comprehensions and lambdas count as part of theirs."""
        above = [piece for name, pieces in self.pieces.items() if name[0] != "<" for piece in pieces]
        above = sorted((piece for piece in above if piece.first <= line), key=lambda piece: -piece.first)
        return next((piece for piece in above if last_line(piece.code) >= line), None)

    def block(self, first: int, code: CodeType | None = None) -> list[str]:
        """The lines of the statement that starts at line `first`; no more than can be shown, and one."""
        lines = self._affordable(first)
        try:
            block = inspect.getblock(lines)
        except (SyntaxError, tokenize.TokenError, IndexError):
            block = []  # a lambda that starts inside a call: the rest of the line has no opening bracket
        # getblock ends a lambda at its first line break; the instructions know how far it goes.
        last = last_line(code) if code is not None else first
        return list(lines[: max(len(block), last - first + 1, 1)])

    def _affordable(self, first: int) -> list[str]:
        size, lines = 0, []
        for line in self.lines[first - 1 :]:
            lines.append(line)
            size += len(line)
            if size > CHARACTER_LIMIT:
                break
        return lines

    def def_line(self, piece: Piece) -> int:
        """The line of `def` or `class`, below the decorators."""
        heads = ("class ", "class\t") if piece.is_class else ("def ", "async def ", "def\t")
        for number in range(piece.first, min(last_line(piece.code), len(self.lines)) + 1):
            if self.lines[number - 1].lstrip().startswith(heads):
                return number
        return piece.first


def _compile(text: str, path: str) -> CodeType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in somebody's file is not news here
        try:
            return _code(text, path)
        except SyntaxError:
            # A notebook cell may await at its top level.
            return _code(text, path, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def _code(text: str, path: str, flags: int = 0) -> CodeType:
    code: CodeType = compile(text, path, "exec", flags, dont_inherit=True)
    return code


def _explain_move(piece: Piece, code: CodeType) -> str:
    if piece.first != code.co_firstlineno:
        return f"{CHANGED}: what runs was at line {code.co_firstlineno} and is at line {piece.first} now"
    if not same_layout(piece.code, code):
        return f"{CHANGED}: comments or line breaks only"
    return ""


def _which(piece: Piece, starting: Sequence[Piece]) -> str:
    """Which of several lambdas on a line it is; they come in the order they are written in."""
    if piece.code.co_name != _LAMBDA or len(starting) < 2:
        return ""
    return f"number {starting.index(piece) + 1} of the {len(starting)} lambdas on this line"


def _distance(piece: Piece, code: CodeType, qualname: str) -> tuple[bool, int]:
    return bool(qualname) and piece.qualname != qualname, abs(piece.first - code.co_firstlineno)


def describe_error(error: BaseException) -> str:
    """Why a file gave no code, in a few words."""
    line = f" at line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
    return f"the text cannot be compiled ({type(error).__name__}{line})"
