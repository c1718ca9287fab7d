"""The few styles the panels are drawn with, by what they mean; a theme gives them their colours."""

from __future__ import annotations

DIM = "$foreground-muted"  # labels, line numbers, what did not run
ACCENT = "$text-primary"  # the one colour for what is live or chosen
HEADING = "bold"
WARN = "$text-warning"
ERROR = "$text-error"
GOOD = "$text-success"
