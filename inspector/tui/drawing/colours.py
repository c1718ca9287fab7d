"""Syntax colours for source text, a block of lines at a time, as they are looked at."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache

from textual.content import Content, Span

from .styles import ACCENT, DIM, ERROR

BLOCK = 100  # lines, at least: about ten milliseconds to lex
LARGEST_BLOCK = 1_000

_STATEMENT = re.compile(r"\s*(?:def|class|async def|@)\b")
"""Where a lexer can start without having seen what is above; not inside a string, as good as always."""

_STYLES = {
    "Comment": f"{DIM} italic",
    "Keyword": ACCENT,
    "Keyword.Constant": f"{ACCENT} italic",
    "Literal.String": "$text-success",
    "Literal.String.Doc": "$text-success italic",
    "Literal.String.Interpol": "$text-secondary",
    "Literal.Number": "$text-secondary",
    "Name.Builtin": "$text-secondary",
    "Name.Builtin.Pseudo": f"{DIM} italic",
    "Name.Class": "bold",
    "Name.Decorator": "$text-secondary",
    "Name.Function": "bold",
    "Name.Function.Magic": "bold",
    "Operator.Word": ACCENT,
    "Generic.Error": ERROR,
}


class Colours:
    """The coloured lines of one source. However long it is, only the blocks that are looked at are lexed."""

    def __init__(self, lines: Sequence[str], language: str) -> None:
        self._lines = lines
        self._language = language
        self._starts = list(_block_starts(lines))
        self._blocks: dict[int, tuple[Content, ...]] = {}

    def line(self, number: int) -> Content:
        """This line, coloured."""
        block = bisect_right(self._starts, number) - 1
        if block not in self._blocks:
            end = self._starts[block + 1] if block + 1 < len(self._starts) else len(self._lines)
            self._blocks[block] = highlight(tuple(self._lines[self._starts[block] : end]), self._language)
        return self._blocks[block][number - self._starts[block]]


@lru_cache(maxsize=64)
def highlight(lines: tuple[str, ...], language: str) -> tuple[Content, ...]:
    """Lines that are lexed together; plain where the language is not known. Kept: neighbours in a tree are often of
    one class."""
    # Pygments' lexers take 20 ms to import: not before there is a source to show.
    from rich.syntax import Syntax

    lexer = Syntax("", language).lexer
    spans: list[list[Span]] = [[] for _ in lines]
    tokens = lexer.get_tokens_unprocessed("\n".join(lines)) if lexer else ()
    line = column = 0
    for _, token, text in tokens:
        style = _style(token)
        for number, piece in enumerate(text.split("\n")):
            line, column = (line + 1, 0) if number else (line, column)
            if style and piece:
                spans[line].append(Span(column, column + len(piece), style))
            column += len(piece)
    return tuple(Content(text, spans[number]) for number, text in enumerate(lines))


def prepare() -> None:
    """Have what the first source is coloured with at hand. On any thread: it takes as long as three frames."""
    highlight(("",), "python")


def _block_starts(lines: Sequence[str]) -> Iterator[int]:
    start = 0
    yield start
    for number, line in enumerate(lines):
        length = number - start
        if length >= LARGEST_BLOCK or (length >= BLOCK and _STATEMENT.match(line)):
            start = number
            yield start


def _style(token: tuple[str, ...]) -> str:
    """The style of a kind of token, or of the nearest kind it is a kind of."""
    for depth in range(len(token), 0, -1):
        if style := _STYLES.get(".".join(token[:depth])):
            return style
    return ""
