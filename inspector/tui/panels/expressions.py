"""The expressions of a line whose values are known, and how the one that is looked at stands out in the code."""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content

from ...records import CodeSpan, LineCall, LineVisit, Source
from ...text import lines
from ...value_text import find_odd
from ..drawing.styles import ACCENT
from .source_text import margin_of

CHOSEN = f"{ACCENT} bold reverse"
_SIGNS = ">>", "<<"  # around it where a terminal may not show styles


class Expression(NamedTuple):
    """One place in the code, and the calls that were made there while the line ran once: several in a comprehension."""

    span: CodeSpan
    calls: tuple[LineCall, ...]

    @property
    def number(self) -> int:
        """Which of the calls is shown: the first with NaN or Inf, else the last."""
        odd = (number for number, call in enumerate(self.calls) if find_odd(call.value) in ("NaN", "Inf"))
        return next(odd, len(self.calls) - 1)

    @property
    def call(self) -> LineCall:
        return self.calls[self.number]

    def holds(self, call: LineCall) -> bool:
        """Whether that was made within this one, as it is written."""
        own, inner = self.span, call.span
        if inner is None:
            return False
        begins = (own.line, own.column) <= (inner.line, inner.column)
        return begins and (inner.end_line, inner.end_column) <= (own.end_line, own.end_column)


def list_expressions(visit: LineVisit | None) -> list[Expression]:
    """Those that a line evaluated, as they are written: an outer one before those in it."""
    found: dict[CodeSpan, list[LineCall]] = {}
    for call in visit.calls if visit is not None else ():
        if call.span is not None:
            found.setdefault(call.span, []).append(call)
    places = sorted(found, key=lambda span: (span.line, span.column, -span.end_line, -span.end_column))
    return [Expression(span, tuple(found[span])) for span in places]


def find_parts(span: CodeSpan, source: Source) -> dict[int, tuple[int, int]]:
    """Which characters of which lines of the source, as it is shown, a place in its file has."""
    text, parts = source.text.rstrip("\n").replace("\r\n", "\n"), {}
    written, first, margin = text.split("\n"), source.first_line, margin_of(lines(text))
    for number in range(max(span.line, first), min(span.end_line + 1, first + len(written))):
        line = written[number - first]
        begin = span.column if number == span.line else len(line) - len(line.lstrip())
        end = span.end_column if number == span.end_line else len(line.rstrip())
        start, stop = (len(lines(line[:column])[0]) - margin for column in (begin, end))
        if 0 <= start < stop:
            parts[number - first] = start, stop
    return parts


def mark_part(line: Content, part: tuple[int, int], ascii: bool) -> Content:
    """`line` with these characters of it marked, between signs in `ascii`."""
    start, stop = part
    if ascii:
        return Content.assemble(line[:start], _SIGNS[0], line[start:stop].stylize(CHOSEN), _SIGNS[1], line[stop:])
    return line.stylize(CHOSEN, start, stop)
