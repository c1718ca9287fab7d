"""The module tree as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..records import CallRow, ModuleRow
from ..records.badges import badge_word, explain_uncalled
from ..text import visible
from ..value_text import brief_text, shape_text
from .footer import render_footer
from .model import Report
from .text_table import TextTable, cut

DEEPEST = 24
"""Levels that are indented; what is deeper stands below them."""


def render_tree(report: Report, width: int = 100) -> str:
    """The module tree with parameters, output shapes and calls, in lines of at most `width` cells."""
    table = _weight_table(report) if not report.info.is_model else _module_table(report)
    return table.render(width) + _say_which_step(report) + render_footer(report)


def _say_which_step(report: Report) -> str:
    """Where there were several, the outputs are of the last."""
    if report.summary is None or report.summary.steps == 1 or not report.calls:
        return ""
    return f"\noutputs and calls of step #{report.calls[-1].step}, the last; --print calls has all\n"


def _module_table(report: Report) -> TextTable:
    table = TextTable(
        ("Module", "left"), ("Class", "left"), ("Parameters", "right"), ("Output", "left"), ("Calls", "left")
    )
    last = {call.module: call for call in report.calls}
    counts, ran, odd = report.count_calls(), report.find_ran_unseen(), report.name_oddities()
    recomputed = {call.module for call in report.calls if call.recomputed}
    for row, name in _shown(report.modules, table):
        source = row.index if row.alias_of < 0 else row.alias_of
        call, count = last.get(source), counts.get(source, 0)
        table.add_row(
            name,
            visible(row.class_name),
            f"{row.parameters:,}" if row.parameters else "–",
            render_output(call) if call else explain_uncalled(row.badges, source in ran) if report.calls else "",
            _count_words(report, row, count, [*odd.get(source, ()), *["recomputed"] * (source in recomputed)]),
        )
    return table


def _weight_table(report: Report) -> TextTable:
    """The tree of names with what each tensor is, of weights without a model."""
    table = TextTable(("Name", "left"), ("Dtype", "left"), ("Shape", "left"), ("Elements", "right"), ("Bytes", "right"))
    for row, name in _shown(report.modules, table):
        dtype, shape = (row.class_name, shape_text(row.shape)) if row.shape is not None else ("", "")
        shape = visible(" ".join([shape, *map(badge_word, row.badges)]))
        table.add_row(name, visible(dtype), shape, f"{row.parameters:,}", f"{row.nbytes:,}")
    return table


def _shown(rows: Sequence[ModuleRow], table: TextTable) -> Iterator[tuple[ModuleRow, str]]:
    """The first and the last rows with their names, and in `table` a word on those between."""
    depths: list[int] = []
    for row in rows:
        depths.append(depths[row.parent] + 1 if row.parent >= 0 else 0)
    first, left_out, last = cut(rows)
    yield from ((row, _indent(row, depths)) for row in first)
    if left_out:
        table.add_gap(left_out)
        yield from ((row, _indent(row, depths)) for row in last)


def _indent(row: ModuleRow, depths: Sequence[int]) -> str:
    return "  " * min(depths[row.index], DEEPEST) + (visible(row.key) if row.parent >= 0 else "(root)")


def render_output(call: CallRow) -> str:
    """What a call gave, in a few characters; else what became of it."""
    return visible(brief_text(call.brief)) if call.status == "ok" else call.status


def _count_words(report: Report, row: ModuleRow, count: int, of_calls: Sequence[str]) -> str:
    words = [f"×{count}"] if count > 1 else []
    words += of_calls
    words += [f"alias of {report.paths[row.alias_of] or '(root)'}"] if row.alias_of >= 0 else []
    return visible(", ".join([*words, *(badge_word(badge) for badge in row.badges if badge.name != "no forward")]))
