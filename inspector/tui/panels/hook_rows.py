"""Hooks as lines: one entry each, grouped by the moment at which they fire. For the panel and for the list of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import PurePath

from textual.content import Content

from ...records import HookRow
from ...text import visible
from .. import format
from ..drawing.styles import ACCENT, DIM, HEADING, WARN
from ..drawing.wrap import Line

MOMENTS = {
    "global forward_pre": "before every forward",
    "forward_pre": "before forward",
    "forward": "after forward",
    "global forward": "after every forward",
    "output tensor": "when a gradient reaches the output",
    "global full_backward_pre": "before every backward",
    "full_backward_pre": "before backward",
    "full_backward": "after backward",
    "backward (legacy)": "after backward",
    "global full_backward": "after every backward",
    "parameter": "when a parameter's gradient is known",
    "post_accumulate_grad": "after a parameter's gradient is added up",
    "optimizer step_pre": "before an optimizer step",
    "optimizer step_post": "after an optimizer step",
    "state_dict_pre": "before state_dict()",
    "state_dict": "after state_dict()",
    "load_state_dict_pre": "before load_state_dict()",
    "load_state_dict_post": "after load_state_dict()",
}
"""When the kinds fire, in that order; other kinds come after them."""


def is_observer(row: HookRow) -> bool:
    """Whether this is our observe hook, which is turned on and off by module and not by hook."""
    return row.ours and row.spec is None


def in_firing_order(rows: Iterable[HookRow]) -> list[HookRow]:
    """By kind as they fire; within a kind as they were registered."""
    rows = tuple(rows)
    order = {kind: number for number, kind in enumerate(MOMENTS)}
    others = {kind: len(order) + number for number, kind in enumerate(dict.fromkeys(row.kind for row in rows))}
    return sorted(rows, key=lambda row: order.get(row.kind, others[row.kind]))


def counts(rows: Sequence[HookRow]) -> str:
    """`2 of ours · 1 of others · 1 off`."""
    ours = sum(row.ours for row in rows)
    off = sum(not row.enabled for row in rows)
    return " · ".join([f"{ours} of ours", f"{len(rows) - ours} of others", *[f"{off} off"] * bool(off)])


def hook_lines(rows: Sequence[HookRow], lines: list[Line], stops: list[range]) -> None:
    """Append the entries of `rows`, which are in firing order, with a heading for each kind; a stop for each entry."""
    for kind, of_kind in groupby(rows, key=lambda row: row.kind):
        lines.append(kind_heading(kind))
        for number, row in enumerate(of_kind, 1):
            start = len(lines)
            lines += entry(row, number)
            stops.append(range(start, len(lines)))


def kind_heading(kind: str) -> Line:
    moment = MOMENTS.get(kind, "")
    name = Content.styled(f"  {visible(kind)}" if moment else "", DIM)
    return Line(Content.assemble((moment or visible(kind), f"{ACCENT} bold"), name))


def entry(row: HookRow, number: int) -> Iterator[Line]:
    """One hook, the `number`th of its kind: what it is and how often it fired; whose it is; what is wrong with it."""
    blank = Content(" " * len(f" ● {number} "))
    name = Content.styled(visible(row.name), HEADING if row.enabled else DIM)
    yield Line(name, gutter=_gutter(row, number), aside=Content.styled(_count_calls(row), DIM))
    yield Line(Content.styled(" · ".join(filter(None, _facts(row))), DIM), gutter=blank)
    if row.outcome is not None and row.outcome.sentence:
        yield Line(Content.styled(visible(row.outcome.sentence), WARN), gutter=blank)
    if row.locked:
        yield Line(Content.styled(f"stays as it is: {visible(row.locked)}", WARN), gutter=blank)


def _gutter(row: HookRow, number: int) -> Content:
    if row.locked:
        sign, style = format.REFUSED.sign, DIM
    elif not row.enabled:
        sign, style = format.NO_HOOK.sign, DIM
    else:
        sign, style = (format.ALTERED if row.alters else format.OBSERVED).sign, ACCENT
    return Content.assemble((f" {sign} ", style), (f"{number} ", DIM))


def _count_calls(row: HookRow) -> str:
    if not row.fired:
        return ""
    return f"fired {row.fired:,}×" + (f" · {format.ms(row.ms)}" if row.ms else "")


def _facts(row: HookRow) -> Iterator[str]:
    if not row.enabled:
        yield "off"
    yield "ours" if row.ours else "not ours"
    if not row.ours:
        yield visible(row.owner)
    if row.of:
        yield f"of {visible(row.of)}"
    yield from map(visible, row.flags)
    if row.file:
        yield f"{PurePath(visible(row.file)).name}:{row.line}"
