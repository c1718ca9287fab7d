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
from .values import Space, value_lines
from .wrap import Line

SATURATED = "saturated"
_FEWEST = 6  # cells in which anything is said beside a line
_ENDS = (("sigmoid", 0.0, 1.0), ("tanh", -1.0, 1.0), ("softsign", -1.0, 1.0))
_NEAR = 0.03  # of the ends, as a share of what is between them
_MOST = 0.9  # of the elements


def brief_asides(code: Sequence[str], first: int, width: int, visits: Mapping[int, LineVisit]) -> dict[int, Content]:
    """By line number, what is said of each beside it, in what is left of `width` cells by the code."""
    digits = len(str(first + len(code) - 1)) + 3
    found: dict[int, Content] = {}
    for number, visit in visits.items():
        if 0 <= number - first < len(code):
            room = width - digits - cell_len(code[number - first])
            said = brief_visit(visit, min(room, max(width // 2, _FEWEST)))
            if said:
                found[number] = said
    return found


def brief_visit(visit: LineVisit, room: int) -> Content:
    """Shapes and marks; the marks last where there is no room for both."""
    marks = "raised" if visit.error else " ".join(marks_of(visit))
    style = f"{ERROR} bold" if visit.error else WARN
    tensors = [each for each in visit.values if first_tensor(each.value) is not None]
    shown = tensors or list(visit.values)
    left = room - cell_len(marks) - 3
    if cell_len(marks) > room:
        return Content("")
    text = ", ".join(_named(each, bool(tensors) and len(shown) == 1) for each in shown)
    if not text or left < _FEWEST:
        return Content.styled(marks, style)
    gap = " " if marks else ""
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


def draw_visit(run: LineRuns, visit: LineVisit, space: Space, keys: Content) -> Iterator[Line]:
    """All there is to say of one time that a line ran."""
    facts = [Content.styled(f"line {run.line}", HEADING)]
    if run.visits > 1:
        facts.append(Content.styled(f"run #{visit.number} of {run.visits:,}", HEADING))
    facts += [Content.styled(mark, WARN) for mark in marks_of(visit)]
    yield Line(Content.styled(" · ", DIM).join(facts), aside=keys)
    if visit.error:
        yield Line(Content.styled(visible(visit.error), ERROR), indent=2)
    for each in visit.values:
        yield from _draw_value(each, space)
    bound = [each.value for each in visit.values]
    for call in visit.calls:
        yield from _draw_call(call, bound, space)
    if not (visit.values or visit.calls or visit.error):
        yield Line(Content.styled("it made nothing that is shown", DIM))


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
