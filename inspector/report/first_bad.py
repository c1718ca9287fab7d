"""The first bad value, as plain text and as JSON."""

from __future__ import annotations

from typing import Any

from ..records import FirstBadValue, Value
from ..shown_path import shown_path
from ..text import visible
from ..value_text import abbreviate, brief_text, first_tensor
from .captured import alarms, number
from .json_values import value_to_json
from .text_table import TextTable

PHASES = {
    "input": "in the input",
    "parameter": "in a parameter, before the pass",
    "forward": "in the forward",
    "loss": "in the loss",
    "backward": "in the backward pass",
}
NOTHING = "nothing bad: of what comes out everything is finite"
NO_MATCH = "no operation gave anything of which this is true"


def describe_place(found: FirstBadValue) -> str:
    """Module and call: `layer1.0 (second call, step 3)`."""
    name = visible(".".join(found.path)) or "(root)"
    more = [f"call {found.call}" * (found.call > 0), f"step {found.step}" * (found.step > 0)]
    words = ", ".join(filter(None, more))
    return f"{name} ({words})" if words else name


def render_first_bad(found: FirstBadValue, width: int, condition: str = "") -> str:
    """A heading, the line of code, why, and a table of what went in and came out."""
    looked = f"{found.operations:,} operations looked at"
    if not found.found:
        return f"{NO_MATCH if condition else NOTHING}; {looked}\n" + _render_notes(found)
    subject = visible(", ".join(found.parameters)) if found.phase == "parameter" else visible(found.op)
    lines = [f"{subject or 'the input'}: the first {'match' if condition else 'bad value'}, {PHASES[found.phase]}"]
    if found.phase not in ("input", "loss"):
        lines.append(f"  module: {describe_place(found)}")
    if found.place is not None:
        lines.append(f"  at: {visible(shown_path(found.place.file))}:{found.place.line}")
        if found.place.expression:
            lines.append(f"      {visible(found.place.expression)}")
    lines.append(f"  why: {visible(found.explanation)}")
    if found.parameters and found.phase != "parameter":
        lines.append(f"  parameters: {visible(', '.join(found.parameters))}")
    return "\n".join(lines) + "\n\n" + _render_values(found, width) + f"{looked}\n" + _render_notes(found)


def _render_notes(found: FirstBadValue) -> str:
    return "".join(f"{visible(note)}\n" for note in found.notes)


def _render_values(found: FirstBadValue, width: int) -> str:
    table = TextTable(("", "left"), ("shape", "left"), ("dtype", "left"), ("min", "right"), ("max", "right"),
                      ("mean", "right"), ("zeros", "right"), ("holds", "left"))  # fmt: skip
    for place, value in enumerate(found.inputs):
        table.add_row(f"in {place}", *value_cells(value))
    if found.output is not None:
        is_made = found.phase not in ("input", "parameter")
        table.add_row("out" if is_made else "value", *value_cells(found.output))
    return table.render(width)


def value_cells(value: Value) -> tuple[str, ...]:
    """What it is in a few words, its dtype, min, max, mean, zeros and what is bad in it: the cells of a row."""
    tensor = first_tensor(value)
    if tensor is None or tensor.statistics is None:
        return visible(brief_text(abbreviate(value))), "", "", "", "", "", ""
    stats = tensor.statistics
    held = ", ".join(alarms(stats))
    numbers = (number(stats.min), number(stats.max), number(stats.mean))
    return visible(brief_text(abbreviate(tensor))), tensor.dtype, *numbers, f"{stats.zeros:,}", held


def first_bad_to_json(found: FirstBadValue) -> dict[str, Any]:
    """The fields of the document, beside `schema` and `target`."""
    place = found.place
    return {
        "found": found.found,
        "phase": found.phase if found.found else None,
        "path": ".".join(found.path) if found.found else None,
        "call": found.call,
        "step": found.step,
        "file": place.file if place is not None else None,
        "line": place.line if place is not None else None,
        "expression": place.expression if place is not None else None,
        "op": found.op or None,
        "inputs": [value_to_json(value) for value in found.inputs],
        "output": value_to_json(found.output) if found.output is not None else None,
        "parameters": list(found.parameters),
        "explanation": found.explanation,
        "operations": found.operations,
        "notes": list(found.notes),
    }
