"""What was meant, where something else was typed."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

_ALL = 12


def nearest(typed: str, known: Sequence[str], before: str = "", everything: str = "") -> str:
    """A hint: the name most like `typed`, or all of them where there are few."""
    close = difflib.get_close_matches(typed[:100], known, 1, 0.5)
    if close:
        return f"did you mean {before}{close[0]}?"
    if everything or len(known) <= _ALL:
        return f"there are {everything or ', '.join(known)}"
    return "inspector config --default lists them"
