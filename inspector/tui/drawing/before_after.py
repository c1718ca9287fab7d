"""What a module gave in the baseline and what it gives now, side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content

from ...records import CallDetail, Delta, Histogram, Ranked, Statistics, TensorValue, Value
from ...text import visible
from ...value_text import shape_text
from .. import format
from .bars import bar
from .compare import children, format_difference, same
from .styles import ACCENT, DIM, HEADING, WARN
from .values import (
    STEP,
    Space,
    histogram_lines,
    name_column,
    names_of,
    preview_lines,
    share,
    share_difference,
    tensor_kind,
    value_lines,
)
from .wrap import Line

TITLES = ("baseline", "now", "difference")
_LABEL, _COLUMN, _GAP = 8, 10, 2
SIDE_BY_SIDE = _LABEL + len(TITLES) * (_COLUMN + _GAP)
"""Cells that a table with all its columns takes; where there are fewer, each number has a line of its own."""
_BAR = 10  # cells of a bar of a class
_PERCENT = 7
_BECAME = " → "


class Pair(NamedTuple):
    """One number of a summary, before and after, and how it differs, in words."""

    label: str
    then: str
    now: str
    difference: str


def draw_distance(delta: Delta | None) -> Iterator[Line]:
    """How far the output is from the baseline, in one line."""
    if delta is None:
        return
    facts = [
        Content.assemble(("relative L2 ", DIM), (format.number(delta.rel_l2), f"{ACCENT} bold")),
        Content.assemble(("cosine ", DIM), format.number(delta.cosine)),
        Content.assemble(("max |Δ| ", DIM), format.number(delta.max_abs)),
    ]
    sampled = Content.styled("  (of a sample)" if delta.sampled else "", DIM)
    yield Line(Content.assemble("  ", ("moved: ", HEADING), Content.styled(" · ", DIM).join(facts), sampled), indent=9)


def draw_comparison(detail: CallDetail, space: Space) -> Iterator[Line]:
    """The output of a call beside its baseline, and how the two differ."""
    if detail.output is None or detail.baseline is None:
        return
    yield from draw_distance(detail.row.delta)
    if same(detail.output, detail.baseline) and not (detail.row.delta and detail.row.delta.rel_l2):
        yield Line(Content.styled(f"{space.pad}as in the baseline", DIM))
        yield from value_lines("", detail.output, space)
        return
    yield from _value("", detail.output, detail.baseline, space)
    if detail.difference is not None:
        yield Line()
        yield Line(Content.styled("difference, element by element", f"{ACCENT} bold"))
        yield from _histogram("", detail.difference, detail.output, space.deeper())


def _value(name: str, now: Value, then: Value, space: Space, column: int = 0) -> Iterator[Line]:
    if isinstance(now, TensorValue) and isinstance(then, TensorValue):
        yield from _tensors(name, now, then, space, column)
    elif _alike(now, then):
        if name:
            yield Line(Content.assemble(space.pad, (name, DIM), f"  {format.value_brief(now)}"))
        names = names_of(now)
        widest = name_column(names, space)
        for part, new, old in zip(names, children(now), children(then), strict=False):
            yield from _value(part, new, old, space.deeper() if name else space, widest)
    else:
        yield from value_lines(name, now, space, column=column)
        if now != then:
            yield Line(Content.assemble(space.pad, ("was ", DIM), format.value_brief(then)))


def _alike(now: Value, then: Value) -> bool:
    """Both have parts, as many and of the same kind."""
    return bool(children(now)) and type(now) is type(then) and len(children(now)) == len(children(then))


def _tensors(name: str, now: TensorValue, then: TensorValue, space: Space, column: int) -> Iterator[Line]:
    label = format.fit(name, column) + "  " if name else ""
    other = (then.shape, then.dtype) != (now.shape, now.dtype)
    was = Content.assemble(("  was ", WARN), shape_text(then.shape), f" {visible(then.dtype)}") if other else ""
    yield Line(Content.assemble(space.pad, (label, DIM), tensor_kind(now), was), indent=len(space.pad) + STEP)
    inner = space.deeper()
    if now.statistics is not None and then.statistics is not None:
        yield from table(_pairs(now, then, now.statistics, then.statistics), inner)
    for value in (now, then):
        if value.why:
            yield Line(Content.styled(inner.pad + visible(value.why), DIM), indent=len(inner.pad))
            break
    yield from _both(now, then, inner)


def _both(now: TensorValue, then: TensorValue, space: Space) -> Iterator[Line]:
    """Both histograms, over one range, and some elements of both."""
    sides = ("baseline", then), ("now", now)
    found = [list(_histogram(title, value.histogram, value, space)) for title, value in sides if value.histogram]
    for above, lines in zip([[], *found], found, strict=False):
        if len(above) > 1:
            yield Line()  # in two rows each they would touch
        yield from lines
    shown = [(title, value.preview) for title, value in sides if value.preview is not None and space.elements]
    for title, preview in shown:
        yield from preview_lines(preview, space, title, [each for _, each in shown])
        space = replace(space, how_to_move="")  # it is said once


def _pairs(now: TensorValue, then: TensorValue, new: Statistics, old: Statistics) -> Iterator[Pair]:
    for label in ("min", "mean", "max", "std"):
        before, after = getattr(old, label), getattr(new, label)
        known = before is not None and after is not None
        difference = format_difference(after - before) if known else format.NOTHING
        yield Pair(label, format.number(before), format.number(after), difference)
    yield Pair(
        "zeros", share(old.zeros, then), share(new.zeros, now), share_difference(new.zeros, now, old.zeros, then)
    )
    if new.nan or old.nan or new.inf or old.inf:
        yield Pair("NaN", f"{old.nan:,}", f"{new.nan:,}", format_difference(new.nan - old.nan))
        yield Pair("Inf", f"{old.inf:,}", f"{new.inf:,}", format_difference(new.inf - old.inf))
    else:
        yield Pair("NaN, Inf", "0", "0", "0")


def table(pairs: Iterator[Pair], space: Space) -> Iterator[Line]:
    """The pairs in columns, or one after the other where the columns do not fit."""
    if space.room < SIDE_BY_SIDE:
        for pair in pairs:
            yield _on_one_line(pair, space)
        return
    yield Line(Content.styled(space.pad + " " * _LABEL + "".join(map(_right, TITLES)), DIM))
    for pair in pairs:
        style = _difference_style(pair)
        numbers = (_right(pair.then), DIM), _right(pair.now), (_right(pair.difference), style)
        yield Line(Content.assemble(space.pad, (pair.label.ljust(_LABEL), DIM), *numbers))


def _on_one_line(pair: Pair, space: Space) -> Line:
    return Line(
        Content.assemble(
            space.pad, (pair.label.ljust(_LABEL + 1), DIM), (f"{pair.then} → ", DIM), pair.now,
            (f"  {pair.difference}", _difference_style(pair)),
        ),
        indent=len(space.pad) + _LABEL + 1,
    )  # fmt: skip


def _right(text: str) -> str:
    return " " * _GAP + text.rjust(_COLUMN)


def _difference_style(pair: Pair) -> str:
    if pair.difference in ("0", "0 %", format.NOTHING):
        return DIM
    return f"{WARN} bold" if pair.label in ("NaN", "Inf") else ACCENT


def _histogram(title: str, found: Histogram, value: Value, space: Space) -> Iterator[Line]:
    """Below the numbers of a table, so that two can be compared."""
    if isinstance(value, TensorValue):
        yield from histogram_lines(found, value, space, f"{title.ljust(_LABEL)} ", _PERCENT)


def top_classes(ranking: Sequence[Ranked], space: Space) -> Iterator[Line]:
    """The likeliest classes, with their probabilities before and now."""
    if not ranking:
        return
    bars = _BAR if space.room >= 50 else 0
    numbers = max(len(str(ranked.index)) for ranked in ranking)
    labels = max(cell_len(visible(ranked.label)) for ranked in ranking)
    taken = numbers + 2 * _GAP + 2 * (_PERCENT + bars + bool(bars)) + len(_BECAME)
    labels = min(labels, max(space.room - taken, 0))
    for ranked in ranking:
        name = format.fit(visible(ranked.label), labels) + "  " * bool(labels)
        yield Line(
            Content.assemble(
                space.pad, (f"{ranked.index:>{numbers}}  ", DIM), name, *_chance(ranked.then, bars, space, DIM),
                (_BECAME, DIM), *_chance(ranked.now, bars, space, ACCENT),
            )
        )  # fmt: skip


def _chance(chance: float, bars: int, space: Space, style: str) -> tuple[Content | str, ...]:
    drawn = Content.styled(format.fit(bar(chance, bars, space.ascii), bars) + " " * bool(bars), style)
    return drawn, _percent(chance).rjust(_PERCENT)


def _percent(chance: float) -> str:
    if 0 < chance < 0.0005:
        return "<0.1 %"
    return f"{chance:.1%}".replace("%", " %") if math.isfinite(chance) else "NaN"
