"""What a program wrote to a terminal, taken apart: which escape sequences there are that the toolkit does not write."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    rb"\x1b\[(?P<csi>[<=>?]?[\d;:]*[ -/]*[@-~])|\x1b(?P<other>[\]PX^_][^\x1b\x07]*(?:\x07|\x1b\\)?|[ -/]*[0-~])"
    rb"|(?P<c1>\xc2[\x80-\x9f])|(?P<c0>[\x00-\x08\x0b\x0c\x0e-\x1f\x7f])"
)

# Colours, cursor to, clear, cursor and modes (alternate screen, cursor, mouse, focus, paste, synchronized output, line
# wrap, resize reports), the queries for two of them, kitty's keys, cursor moves; and the shape of the pointer.
_WRITTEN_BY_TEXTUAL = re.compile(
    rb"[\d;:]*m|\d*;?\d*[Hf]|[0-3]?[JK]|\?(25|7|1000|1002|1003|1004|1006|1015|1016|1049|2004|2026|2048)(;\d+)*[hl]"
    rb"|\?(2026|2048)\$p|[<>=]\d*;?\d*u|\d*[ABCD]|\?u"
)
_POINTER = re.compile(rb"\]22;[a-z-]*\x07")


def foreign(written: bytes) -> list[bytes]:
    """Escape sequences and control characters in `written` that Textual is not known to write, in order."""
    return [token[0] for token in _TOKEN.finditer(written) if not _is_textuals(token)]


def around(written: bytes, sequence: bytes) -> bytes:
    """What was written before and after the first `sequence` that Textual is not known to write: where two write at
    once, neither of them alone tells which."""
    found = next(token for token in _TOKEN.finditer(written) if token[0] == sequence and not _is_textuals(token))
    return written[max(0, found.start() - 200) : found.start() + 200]


def _is_textuals(token: re.Match[bytes]) -> bool:
    if token["other"] is not None:
        return _POINTER.fullmatch(token["other"]) is not None
    return token["csi"] is not None and _WRITTEN_BY_TEXTUAL.fullmatch(token["csi"]) is not None
