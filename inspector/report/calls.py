"""The calls of a pass as plain text."""

from __future__ import annotations

from ..text import visible
from .findings import find_producers, name_oddities
from .footer import render_footer
from .model import Report
from .text_table import TextTable
from .tree import render_output


def render_calls(report: Report, width: int = 100) -> str:
    """The modules in the order in which forward hooks fire, repeated calls apart."""
    table = TextTable(
        ("", "right"), ("Module", "left"), ("Class", "left"), ("Output", "left"), ("ms", "right"), ("", "left")
    )
    producers = find_producers(report.calls)
    for position, call in enumerate(report.calls):
        row = report.modules[call.module]
        name = visible(report.paths[call.module]) or "(root)"
        name += f" #{call.call + 1}" if call.call else ""
        name += " (recomputed)" if call.recomputed else ""
        odd = ", ".join(name_oddities([call], producers))
        table.add_row(str(position), name, visible(row.class_name), render_output(call), f"{call.ms:.2f}", odd)
    return table.render(width) + render_footer(report)
