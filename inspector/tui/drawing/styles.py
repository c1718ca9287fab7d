"""The few styles the panels are drawn with, by what they mean; a theme gives them their colours."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from ..keys import key_of

DIM = "$foreground-muted"  # labels, line numbers, what did not run
ACCENT = "$text-primary"  # the one colour for what is live or chosen
HEADING = "bold"
WARN = "$text-warning"
ERROR = "$text-error"
GOOD = "$text-success"


def draw_hints(words: Mapping[str, str]) -> Content:
    """The key of each command and a word for what it does. Keys stand out: a comma is one of them."""
    hints = [Content.assemble((key_of(id), HEADING), (f" {word}", DIM)) for id, word in words.items()]
    return Content("  ").join(hints)
