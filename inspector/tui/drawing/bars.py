"""A share of a whole as a horizontal bar, drawn to an eighth of a cell."""

from __future__ import annotations

import math

_EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")


def bar(share: float, width: int, ascii: bool = False) -> str:
    """At most `width` cells, not padded. A share above zero is always seen; what is no number is not drawn."""
    if width <= 0 or math.isnan(share) or share <= 0:
        return ""
    eighths = max(round(min(share, 1.0) * width * 8), 1)
    if ascii:
        return "#" * max(round(eighths / 8), 1)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8]
