"""Where a text is found in lines."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content, Span

from .wrap import Line, MadeLines, Match

MATCH = "underline on $accent-muted"
CURRENT = "$block-cursor-foreground on $block-cursor-background bold"


@dataclass
class Search:
    """The text searched for and where it is, in order; `current` is meaningful where there are matches."""

    pattern: re.Pattern[str] | None = None
    matches: Sequence[Match] = ()
    current: int = 0

    def find(self, lines: Sequence[Line]) -> None:
        """Look for the text in these lines."""
        pattern = self.pattern
        if pattern is None:
            self.matches = ()
        elif isinstance(lines, MadeLines):
            self.matches = lines.find(pattern)
        else:
            self.matches = [
                Match(number, *found.span())
                for number, line in enumerate(lines)
                for found in pattern.finditer(line.body.plain)
            ]
        self.current = min(self.current, max(len(self.matches) - 1, 0))

    @property
    def place(self) -> str:
        """Which of the matches is the current one, "" without any: `3 of 9`."""
        return f"{self.current + 1} of {len(self.matches)}" if self.matches else ""

    def mark(self, number: int, body: Content) -> Content:
        """The body of the line with this number, with the matches in it highlighted."""
        first = bisect_left(self.matches, Match(number, 0, 0))
        last = bisect_left(self.matches, Match(number + 1, 0, 0))
        if first == last:
            return body
        matches = self.matches
        return body.add_spans(
            [
                Span(matches[n].start, matches[n].end, CURRENT if n == self.current else MATCH)
                for n in range(first, last)
            ]
        )


def pattern_of(text: str) -> re.Pattern[str] | None:
    """Matches `text` literally; small letters match capitals too, as in vim's smartcase."""
    if not text:
        return None
    return re.compile(re.escape(text), re.IGNORECASE if text == text.lower() else 0)
