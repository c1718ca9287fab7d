"""The calls of a pass as plain text."""

from __future__ import annotations

from ..text import visible
from .findings import find_producers, name_oddities, say_thread
from .footer import render_footer
from .model import Report
from .text_table import TextTable, cut
from .tree import render_output


def render_calls(report: Report, width: int = 100) -> str:
    """The modules in the order in which forward hooks fire, repeated calls apart."""
    several = len({call.step for call in report.calls}) > 1
    table = TextTable(
        ("", "right"),
        *[("Step", "right")] * several,
        ("Module", "left"),
        ("Class", "left"),
        ("Output", "left"),
        ("ms", "right"),
        ("", "left"),
    )
    producers = find_producers(report.calls)
    first, left_out, last = cut(range(len(report.calls)))
    for position in (*first, *last):
        call = report.calls[position]
        if left_out and position == last[0]:
            table.add_gap(left_out)
        row = report.modules[call.module]
        name = visible(report.paths[call.module]) or "(root)"
        name += f" #{call.in_step}" if call.in_step else ""  # as recordings are named: #1 is the second call
        name += " (recomputed)" if call.recomputed else ""
        name += f" ({say_thread(call)})" if call.thread else ""
        odd = ", ".join(name_oddities([call], producers))
        step = [f"#{call.step}"] * several
        cells = (name, visible(row.class_name), render_output(call), f"{call.ms:.2f}", odd)
        table.add_row(str(position), *step, *cells)
    return table.render(width) + _say_cold(report) + render_footer(report)


def _say_cold(report: Report) -> str:
    """The first pass of a process takes longer: kernels are chosen, memory is asked for."""
    if report.summary is None or report.summary.number != 1:
        return ""
    return "\ntimes are of a first pass, which is cold; --print costs has warm ones\n"
