"""What a line of a forward made: in the few cells beside it, and in full."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len
from textual.content import Content

from ...records import LineCall, LineRuns, LineValue, LineVisit, TensorValue, Value
from ...report.findings import DEAD
from ...text import visible
from ...value_text import abbreviate, brief_text, find_odd, first_tensor
from .. import format
from .annotations import LIVE
from .styles import ACCENT, DIM, ERROR, HEADING, WARN
from .values import Space, value_kind, value_lines
from .wrap import Line, room_after

SATURATED = "saturated"
_FEWEST = 6  # cells in which anything is said beside a line
_WEIGHTS = (0, 3, 2, 4, 1)  # which of shape, dtype, ends, std and NaN go first into little room
_WORTH_A_NAME = 3  # of those: the name is cut for them
_NAME = 12  # cells that are left of it
NOTHING = "it made nothing that is shown"
_ENDS = (("sigmoid", 0.0, 1.0), ("tanh", -1.0, 1.0), ("softsign", -1.0, 1.0))
_NEAR = 0.03  # of the ends, as a share of what is between them
_MOST = 0.9  # of the elements


def brief_asides(code: Sequence[Line], first: int, width: int, visits: Mapping[int, LineVisit]) -> dict[int, Content]:
    """By line number, what is said of each beside it, in what the last of its rows of `width` cells leaves."""
    shown = {number: visit for number, visit in visits.items() if 0 <= number - first < len(code)}
    rooms = {number: room_after(code[number - first], width) for number in shown}
    return {number: brief_visit(shown[number], min(room, max(width // 2, _FEWEST))) for number, room in rooms.items()}


def brief_visit(visit: LineVisit, room: int) -> Content:
    """Shapes and marks, in at most `room` cells. Marks are worth a row of their own where there is no room."""
    marks = "raised" if visit.error else " ".join(marks_of(visit))
    style = f"{ERROR} bold" if visit.error else WARN
    tensors = [each for each in visit.values if first_tensor(each.value) is not None]
    shown = tensors or list(visit.values)
    gap = " " if marks else ""
    left = room - cell_len(marks) - 2 - len(gap)
    text = ", ".join(_named(each, bool(tensors) and len(shown) == 1) for each in shown)
    if not text or left < min(_FEWEST, cell_len(text)):
        return Content.styled(marks, style) if marks or not text else Content.styled("→" * (room > 0), LIVE)
    return Content.assemble(("→ ", LIVE), (format.cut(text, left), LIVE), gap, (marks, style))


def _named(each: LineValue, alone: bool) -> str:
    text = brief_text(abbreviate(each.value))
    return text if alone or each.name == "return" else f"{visible(each.name)} {text}"


def marks_of(visit: LineVisit) -> list[str]:
    """What stands out in what the line made, or where it bound nothing, in what its calls gave."""
    made = [each.value for each in visit.values] or [each.value for each in visit.calls]
    odd = {word for value in made if (word := find_odd(value))}
    words = [DEAD if word == "zeros" else word for word in ("NaN", "Inf", "zeros") if word in odd]
    return words or [SATURATED] * any(is_saturated(call) for call in visit.calls)


def is_saturated(call: LineCall) -> bool:
    """Whether nearly all that a sigmoid or a tanh gave is at the ends of what it can give."""
    value = call.value
    if not isinstance(value, TensorValue) or value.histogram is None:
        return False
    found = re.findall("|".join(name for name, _, _ in _ENDS), call.expression.lower())
    if not found or sum(value.histogram.counts) == 0:
        return False
    low, high = next((low, high) for name, low, high in _ENDS if name == found[0])
    counted, near = value.histogram, (high - low) * _NEAR
    step = (counted.high - counted.low) / len(counted.counts)
    middles = [counted.low + step * (n + 0.5) for n in range(len(counted.counts))]
    ends = sum(
        count
        for count, middle in zip(counted.counts, middles, strict=True)
        if middle < low + near or middle > high - near
    )
    zeros = counted.zeros if low == 0 else 0
    return ends + zeros >= _MOST * (sum(counted.counts) + counted.zeros)


def draw_visit(visit: LineVisit, space: Space) -> Iterator[Line]:
    """All that a line made one time that it ran."""
    if visit.error:
        yield Line(Content.styled(visible(visit.error), ERROR), indent=2)
    for each in visit.values:
        yield from _draw_value(each, space)
    bound = [each.value for each in visit.values]
    for call in visit.calls:
        yield from _draw_call(call, bound, space)
    if not (visit.values or visit.calls or visit.error):
        yield Line(Content.styled(NOTHING, DIM))


def head_line(run: LineRuns, visit: LineVisit, more: Sequence[str] = ()) -> Line:
    """Which line it is, which time that it ran, what `more` there is to say, and what stands out."""
    facts = [Content.styled(f"line {run.line}", HEADING)]
    if run.visits > 1:
        facts.append(Content.styled(f"run #{visit.number} of {run.visits:,}", HEADING))
    facts += [Content.styled(each, HEADING) for each in more]
    facts += [Content.styled(mark, WARN) for mark in marks_of(visit)]
    return Line(Content.styled(" · ", DIM).join(facts))


def sum_up(visit: LineVisit, room: int) -> Content:
    """What it raised, or the worst of what it made, in one row."""
    if visit.error:
        return Content.styled(format.cut(visible(visit.error), room), ERROR)
    made = [(each.name, each.value) for each in visit.values] or [(e.expression, e.value) for e in visit.calls[::-1]]
    if not made:
        return Content.styled(NOTHING, DIM)
    name, value = next((each for each in made if find_odd(each[1]) in ("NaN", "Inf")), made[0])
    more = f" +{len(made) - 1}" if len(made) > 1 else ""
    said = sum_up_value(name, value, room - len(more))
    return Content.assemble(said, (more, DIM))


def sum_up_value(name: str, value: Value, room: int) -> Content:
    """`x  2×4 float32 · min -1.2  mean 0.1  max 3 · NaN 0` in at most so many cells, the least of it left out first."""
    tensor, most = first_tensor(value), max(room // 3, _FEWEST)
    if tensor is None:
        head = Content.styled(format.cut(visible(name), most), DIM)
        return Content.assemble(head, "  ", value_kind(value)).truncate(room, ellipsis=True)
    parts = [Content.styled(brief_text(abbreviate(value)), ACCENT), Content.styled(f" {visible(tensor.dtype)}", DIM)]
    parts += _numbers_of(tensor)
    by_weight = sorted(range(len(parts)), key=lambda place: _WEIGHTS[place])
    wanted = sum(parts[place].cell_length for place in by_weight[:_WORTH_A_NAME])
    head = Content.styled(format.cut(visible(name), max(min(most, room - 2 - wanted), _NAME)), DIM)
    left, kept = room - 2 - head.cell_length, set[int]()
    for place in by_weight:
        left -= parts[place].cell_length
        if left < 0:
            break
        kept.add(place)
    return Content.assemble(head, "  ", *(part for place, part in enumerate(parts) if place in kept))


def _numbers_of(tensor: TensorValue) -> list[Content]:
    """Min, mean and max, std, and how much is bad; why there are none."""
    found = tensor.statistics
    if found is None:
        return [Content.styled(f" · {visible(tensor.why)}", DIM)] if tensor.why else []
    cells = [(label, format.number(getattr(found, label))) for label in ("min", "mean", "max", "std")]
    least, *ends, std = [Content.assemble((f" {label} ", DIM), text) for label, text in cells]
    bad = [f"{label} {count:,}" for label, count in (("NaN", found.nan), ("Inf", found.inf)) if count]
    marks = (", ".join(bad), f"{WARN} bold") if bad else ("NaN 0", DIM)
    return [
        Content.assemble((" ·", DIM), Content(" ").join([least, *ends])),
        Content.assemble(" ", std),
        Content.assemble((" · ", DIM), marks),
    ]


def _draw_value(each: LineValue, space: Space) -> Iterator[Line]:
    name = f"{each.name} (in place)" if each.in_place else each.name
    yield from value_lines(name, each.value, space)


def _draw_call(call: LineCall, bound: Sequence[Value], space: Space) -> Iterator[Line]:
    """In one line where the value is what a name was bound to, which is shown in full."""
    expression = format.cut(visible(call.expression), max(space.width * 3 // 5, 20))
    if call.value in bound:
        shape = brief_text(abbreviate(call.value))
        yield Line(Content.assemble((expression, DIM), "  ", (shape, ACCENT)), indent=2)
    else:
        yield from value_lines(expression, call.value, space)


def draw_in_full(call: LineCall, space: Space) -> Iterator[Line]:
    """All of the expression, and of what it gave."""
    yield Line(Content.styled(visible(call.expression), ACCENT), indent=2)
    yield from value_lines("", call.value, space)
