"""`--ascii`, for whatever was not drawn with ASCII characters in the first place."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from .format import ascii_only

_EDGES = str.maketrans(dict.fromkeys("▁▂▃▄▅▆▇▉▊▋▌▍▎▏▐▔▕", " "))
"""Of scrollbars and notices, which their colours draw as well."""


class AsciiLines(LineFilter):
    """Every cell of a line in ASCII: text that is typed, titles that Textual cuts, scrollbars, and text of a panel that
    forgot to."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if all(segment.text.isascii() for segment in segments):
            return segments
        return [Segment(ascii_only(text.translate(_EDGES)), style, control) for text, style, control in segments]
