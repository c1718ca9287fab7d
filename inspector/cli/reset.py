"""`--reset`: forget what was kept between sessions."""

from __future__ import annotations


def reset() -> int:
    """Remove every file that was kept. Returns the exit code."""
    from ..tui.saved_state import reset_all

    reset_all()
    print("inspector: forgot what was kept between sessions")
    return 0
