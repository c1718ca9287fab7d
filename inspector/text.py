"""Text from outside, made harmless.

Names, reprs, sources, errors and output come from other people's code. Two steps keep them from doing anything:
`encodable` where text enters a record (so that it can cross the channel, at a bounded size), `visible` where it is
shown (so that a terminal sees characters only, never instructions). Neither knows torch or Textual.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

ELLIPSIS = "…"

# Cc control, Cf format (bidi overrides, zero-width), Cs surrogates, Co private use, Cn unassigned, Zl/Zp line breaks.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINER = "\u200d"  # zero-width joiner: emoji families are made with it, and it moves nothing
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e", "\x00": "\\0"}


def encodable(text: str, limit: int = 2_000) -> str:
    """`text` with lone surrogates escaped and cut to `limit` characters, the cut marked with an ellipsis."""
    if len(text) > limit:
        text = text[: max(limit - 1, 0)] + ELLIPSIS
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def shorten(text: str, limit: int = 20_000) -> str:
    """`text` cut to about `limit` characters, with how much more there is: a message may have a hundred million."""
    more = len(text) - limit
    if more <= 0:
        return text
    return (
        f"{text[:limit]}{ELLIPSIS} {more / 1e6:,.1f} MB more"
        if more > 50_000
        else f"{text[:limit]}{ELLIPSIS} {more:,} more"
    )


def visible(text: str, keep: str = "") -> str:
    """`text` on one line, with every character that does not simply show itself written as an escape.

    Args:
        text: Anything.
        keep: Control characters to leave alone, such as `"\\n"` where the caller lays out lines itself.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in keep or not _hidden(c) else _escape(c) for c in text)


def for_stream(text: str, encoding: str | None) -> str:
    """`text` with an escape for each character that a stream of this encoding has not."""
    encoding = encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def harmless(text: str, cells: Callable[[str], int]) -> str:
    """`text` of the same width in cells, without the characters that do something: a question mark stands for each that
    takes room. For what was laid out already; before that, `visible` loses nothing.

    Args:
        text: One line.
        cells: The width of a character.
    """
    if text.isprintable():
        return text
    return "".join("?" * cells(c) if _hidden(c) else c for c in text)


def lines(text: str, tab: int = 4) -> list[str]:
    """`text` as lines for a screen: split at newlines only, tabs expanded, everything else made `visible`."""
    return [visible(line.expandtabs(tab)) for line in text.replace("\r\n", "\n").split("\n")]


def _hidden(char: str) -> bool:
    return char != _JOINER and unicodedata.category(char) in _HIDDEN


def _escape(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
