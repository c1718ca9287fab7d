"""Any value as lines: its nested structure, and per tensor its summary, its histogram and its first few elements."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

from rich.cells import cell_len
from textual.content import Content

from ...records import (
    Histogram,
    MappingValue,
    NoneValue,
    OtherValue,
    Preview,
    ScalarValue,
    SequenceValue,
    Statistics,
    TensorValue,
    Value,
)
from ...text import visible
from ...value_text import shape_text
from .. import format
from .compare import changes, children, format_difference, same
from .styles import ACCENT, DIM, WARN
from .wrap import Line

STEP = 2  # cells of indentation for one level
DEEPEST = 10  # levels that are indented further; a deeper one stays readable at the same place
NAME_WIDTH = 20  # longer names take up to a third of the room
SHORT = 6  # items of a sequence that is shown on one line
HISTOGRAM_WIDTH = 44


@dataclass(frozen=True)
class Space:
    """The room there is for a value."""

    width: int
    ascii: bool = False
    depth: int = 0
    elements: bool = True  # whether previews of elements are shown
    tall: bool = False  # histograms may take a second row
    how_to_move: str = ""  # the keys that move a preview

    @property
    def pad(self) -> str:
        return " " * (STEP * min(self.depth, DEEPEST))

    @property
    def room(self) -> int:
        """Cells right of the indentation."""
        return max(self.width - len(self.pad), 16)

    def deeper(self) -> Space:
        return replace(self, depth=self.depth + 1)


def value_lines(
    name: str, value: Value, space: Space, *, column: int = 0, before: Value | None = None
) -> Iterator[Line]:
    """`name`, padded to `column` cells, with what the value is, and below it what it holds.

    With `before`, the value of the run before, each tensor says what changed.
    """
    label = format.fit(visible(name), column) if column else visible(name)
    gap = "  " if label else ""
    yield Line(
        Content.assemble(space.pad, (label, DIM), gap, value_kind(value)), indent=len(space.pad) + cell_len(label + gap)
    )
    if isinstance(value, TensorValue):
        yield from _tensor(value, space.deeper(), before)
    elif not is_short(value):
        yield from part_lines(value, space.deeper(), before)


def part_lines(value: Value, space: Space, before: Value | None = None) -> Iterator[Line]:
    """The parts of a value that has parts, without its own line."""
    names, parts = names_of(value), children(value)
    column = name_column(names, space)
    past = children(before) if len(children(before)) == len(parts) else ()
    for number, (name, part) in enumerate(zip(names, parts, strict=False)):
        yield from value_lines(name, part, space, column=column, before=past[number] if past else None)
    missing = value.length - len(parts) if isinstance(value, SequenceValue | MappingValue) else 0
    if missing > 0:
        yield Line(Content.styled(f"{space.pad}and {missing:,} more", DIM))


def name_column(names: Sequence[str], space: Space) -> int:
    """Cells for the names of parts, above each other."""
    return min(max(map(cell_len, names), default=0), max(NAME_WIDTH, space.room // 3))


def names_of(value: Value) -> list[str]:
    """How the parts of a value are called: keys, a namedtuple's fields, or indices."""
    if isinstance(value, MappingValue):
        return [visible(key) for key in value.keys]
    if isinstance(value, SequenceValue):
        named = [visible(name) for name in value.names[: len(value.items)]]
        return named + [str(number) for number in range(len(named), len(value.items))]
    return []


def value_kind(value: Value) -> Content:
    """What it is, on one line."""
    if isinstance(value, TensorValue):
        return tensor_kind(value)
    if is_short(value):
        return _on_one_line(value)
    if isinstance(value, SequenceValue | MappingValue):
        return Content.styled(f"{visible(value.type)} of {value.length:,}", DIM)
    if isinstance(value, ScalarValue):
        return _scalar(value)
    if isinstance(value, OtherValue):
        kind = f"{visible(value.type)}  " if value.type else ""
        return Content.assemble((kind, DIM), visible(value.text))
    return Content.styled("None" if isinstance(value, NoneValue) else visible(type(value).__name__), DIM)


def is_short(value: Value) -> TypeGuard[SequenceValue]:
    """Whether a sequence is of a few plain things, such as a kernel size."""
    return (
        isinstance(value, SequenceValue)
        and value.length == len(value.items) <= SHORT
        and all(isinstance(item, ScalarValue | NoneValue) for item in value.items)
    )


def _on_one_line(value: SequenceValue) -> Content:
    texts = [format.value_brief(part, 20) for part in children(value)]
    if value.names:
        texts = [f"{name}={text}" for name, text in zip(names_of(value), texts, strict=True)]
    opening, closing = "()" if value.is_tuple else "[]"
    kind = "" if value.type in ("tuple", "list") else f"  {visible(value.type)}"
    return Content.assemble(opening + ", ".join(texts) + closing, (kind, DIM))


def _scalar(value: ScalarValue) -> Content:
    """The scalar, with its type where the text does not tell it."""
    text = format.value_brief(value, 400)
    telling = value.type in ("bool", "int", "str") or (value.type == "float" and not text.lstrip("-").isdigit())
    return Content(text) if telling else Content.assemble(text, (f"  {visible(value.type)}", DIM))


def tensor_kind(value: TensorValue) -> Content:
    """Shape, dtype, device, and what is not ordinary about a tensor."""
    odd = [value.type] if value.type not in ("Tensor", "Parameter") else []
    odd += [value.layout] if value.layout != "strided" else []
    odd += ["requires grad"] if value.requires_grad else []
    facts = "  ".join(visible(fact) for fact in (value.dtype, value.device, *odd) if fact)
    return Content.assemble((shape_text(value.shape), ACCENT), (f"  {facts}", DIM))


def _tensor(value: TensorValue, space: Space, before: Value | None) -> Iterator[Line]:
    if value.statistics is not None:
        yield from _statistics(value, value.statistics, space)
    if value.why:
        yield Line(Content.styled(space.pad + visible(value.why), DIM), indent=len(space.pad))
    if value.histogram is not None:
        yield from histogram_lines(value.histogram, value, space)
    if before is not None:
        yield from _since(value, before, space)
    if value.preview is not None and space.elements:
        yield from preview_lines(value.preview, space)


def _statistics(value: TensorValue, statistics: Statistics, space: Space) -> Iterator[Line]:
    if statistics.of != "values":
        yield Line(Content.styled(f"{space.pad}of its {visible(statistics.of)}", DIM))
    cells = [(label, format.number(getattr(statistics, label)), "") for label in ("min", "mean", "max", "std")]
    cells.append(("zeros", share(statistics.zeros, value), ""))
    if statistics.nan or statistics.inf:
        counts = {"NaN": statistics.nan, "Inf": statistics.inf}
        cells += [(label, f"{count:,}", f"{WARN} bold" if count else DIM) for label, count in counts.items()]
    else:
        cells.append(("NaN, Inf", "0", DIM))
    for row in _columns(cells, space.room):
        yield Line(Content.assemble(space.pad, row))


def histogram_lines(
    found: Histogram, value: TensorValue, space: Space, title: str = "", least: int = 0
) -> Iterator[Line]:
    """Bars between their ends; what is zero is counted beside them. Titles and low ends of at least so many cells stand
    below each other."""
    low, high = format.number(found.low).rjust(least), format.number(found.high)
    zeros = f"   0: {share(found.zeros, value)}" if found.zeros else ""
    width = space.room - len(title) - len(low) - len(high) - len(zeros) - 3
    rows = format.tall_spark(found, min(max(width, 8), HISTOGRAM_WIDTH), space.tall and not space.ascii, space.ascii)
    head = f"{title}{low} "
    for row in rows[:-1]:
        yield Line(Content.assemble(space.pad, " " * len(head), (row, ACCENT)))
    ends = (f" {high}", DIM), (zeros, DIM)
    yield Line(Content.assemble(space.pad, (head, DIM), (rows[-1] if rows else "", ACCENT), *ends))


def share(part: int, value: TensorValue) -> str:
    """`part` of the elements of a tensor: in percent, or as a count where their number is not known."""
    total = _count(value)
    if total < max(part, 1):
        return f"{part:,}"
    percent = 100 * part / total
    if 0 < percent < 0.1 or 99.9 < percent < 100:
        return "<0.1 %" if percent < 50 else ">99.9 %"
    return f"{format.number(round(percent, 1))} %"


def share_difference(now: int, value: TensorValue, then: int, before: TensorValue) -> str:
    """How the shares of two tensors differ, in the unit of the shares."""
    totals = _count(value), _count(before)
    if totals[0] < max(now, 1) or totals[1] < max(then, 1):
        return format_difference(now - then)
    percent = 100 * (now / totals[0] - then / totals[1])
    if 0 < abs(percent) < 0.05:
        return f"{'+' if percent > 0 else '-'}<0.1 %"
    return f"{format_difference(round(percent, 1))} %"


def _count(value: TensorValue) -> int:
    """The elements of a tensor, 0 where nobody knows: under vmap they are of the whole batch."""
    return 0 if any(dim < 0 for dim in value.shape) else math.prod(value.shape)


def _columns(cells: Sequence[tuple[str, str, str]], room: int) -> Iterator[Content]:
    """`label value` pairs in as many aligned columns as there is room for: four, three, two or one."""
    sizes = [len(label) + 1 + len(text) for label, text, _ in cells]
    for count in (4, 3, 2, 1):
        widths = [max(sizes[column::count], default=0) for column in range(count)]
        if sum(widths) + 3 * (count - 1) <= room:
            break
    for start in range(0, len(cells), count):
        parts = [
            Content.assemble((f"{label} ", DIM), (text.ljust(widths[column] - len(label) - 1), style))
            for column, (label, text, style) in enumerate(cells[start : start + count])
        ]
        yield Content("   ").join(parts).rstrip()


def _since(value: TensorValue, before: Value, space: Space) -> Iterator[Line]:
    """What changed since the run before, no pair broken over two rows."""
    found = [] if same(value, before) else changes(value, before)
    if not found:
        yield Line(Content.styled(f"{space.pad}as in the last run", DIM))
        return
    label, row, left = "since the last run", "", space.room - 18
    for text in (f"   {change.label} {change.text}" for change in found):
        if len(text) > left:
            yield Line(Content.assemble(space.pad, (label, DIM), (row, ACCENT)))
            label, row, left = "", "", space.room
        row += text
        left -= len(text)
    yield Line(Content.assemble(space.pad, (label, DIM), (row, ACCENT)))


def preview_lines(preview: Preview, space: Space, title: str = "", beside: Sequence[Preview] = ()) -> Iterator[Line]:
    """The elements in columns, as many as there is room for, below the index of where they are; in the same columns as
    those of others `beside` it."""
    if not any(preview.rows):
        return
    width, fitting = _fitted([preview, *beside], space)
    label = f"{title} {_place(preview, fitting)}".lstrip()
    keys = space.how_to_move if preview.movable else ""
    yield Line(Content.styled(space.pad + label, DIM), aside=Content.styled(keys, DIM))
    for row in preview.rows:
        cut = " …" if len(row) > fitting else ""
        text = "  ".join(format.fit(_element(element), width, right=True) for element in row[:fitting])
        yield Line(Content.assemble(space.pad, text, (cut, DIM)))


def _fitted(previews: Sequence[Preview], space: Space) -> tuple[int, int]:
    """The cells of a column, and how many columns there is room for."""
    rows = [[cell_len(_element(element)) for element in row] for preview in previews for row in preview.rows]
    width = 1
    for count in range(max(map(len, rows), default=0), 0, -1):
        width = max(max(row[:count], default=1) for row in rows)
        if count * (width + 2) <= space.room:
            return width, count
    return width, 1


def shown_size(preview: Preview, space: Space) -> tuple[int, int]:
    """How many rows and columns of a preview are drawn."""
    _, fitting = _fitted([preview], space)
    return len(preview.rows), min(max(map(len, preview.rows), default=0), fitting)


def _place(preview: Preview, fitting: int) -> str:
    """`[0, 5, 12:18, :8]`: the index of what is drawn."""
    start, columns = preview.start, max(map(len, preview.rows), default=0)
    counts = (len(preview.rows), min(columns, fitting))[-len(start[-2:]) :] if start else ()
    ends = [f"{first or ''}:{first + count}" for first, count in zip(start[-2:], counts, strict=False)]
    return f"[{', '.join([*map(str, start[:-2]), *ends])}]" if start else ""


def _element(element: float | int | bool | str) -> str:
    return format.number(element) if isinstance(element, float) else format.cut(visible(str(element)), 24)
