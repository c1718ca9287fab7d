"""A stack of frames, and the variables of one of them, as plain text."""

from __future__ import annotations

from itertools import groupby

from msgspec.structs import replace

from ...records import FrameRow, LocalRow, Locals, Stack
from ...shown_path import shown_path
from ...text import visible
from ..first_bad import value_cells
from ..problem import render_problem
from ..text_table import TextTable

_FRAMES, _VARIABLES = 12, 40


def render_stack(stack: Stack, found: Locals, width: int = 100) -> str:
    """What was wrong, the lines that led there, the innermost last, and the variables of one frame.

    Args:
        stack: The frames.
        found: The variables of one of them.
        width: Of the table of variables, in characters.
    """
    text = ""
    if stack.raised is not None:  # Python tells the traceback itself
        text += render_problem(replace(stack.raised, traceback=(), hint=""))
    written = [row for row in stack.frames if row.origin in ("yours", "package")]
    same = [list(group) for _, group in groupby(written, lambda row: (row.file, row.line, row.function, row.path))]
    if len(same) > _FRAMES:
        text += f"  … {sum(map(len, same[:-_FRAMES]))} more frames\n"
    text += "".join(_render_frame(group[-1], len(group)) for group in same[-_FRAMES:])
    return text + _render_variables(stack, found, width)


def describe_frame(row: FrameRow) -> str:
    """`model.py:12 in Block.forward, in layer1.0`."""
    call = f", call {row.call}" if row.call > 0 else ""
    module = "" if row.path is None else f", in {visible('.'.join(row.path)) or '(root)'}{call}"
    return f"{visible(shown_path(row.file))}:{row.line} in {visible(row.function)}{module}"


def _render_frame(row: FrameRow, times: int) -> str:
    more = f", {times} times" if times > 1 else ""
    return f"  {describe_frame(row)}{more}\n" + (f"      {visible(row.text)}\n" if row.text else "")


def _render_variables(stack: Stack, found: Locals, width: int) -> str:
    frame = next((row for row in stack.frames if row.number == found.number), None)
    if frame is None:
        return ""
    if not found.rows:
        return f"no variables of {visible(frame.function)}: {visible(found.note)}\n"
    names = [(f"in {visible(frame.function)}", "left"), ("value", "left"), ("dtype", "left")]
    numbers = [(name, "right") for name in ("min", "max", "mean", "zeros")]
    table = TextTable(*names, *numbers, ("holds", "left"))
    for row in found.rows[:_VARIABLES]:
        table.add_row(visible(row.name), *_cells(row))
    more = found.total - min(len(found.rows), _VARIABLES)
    return "\n" + table.render(width) + (f"and {more} more\n" if more > 0 else "")


def _cells(row: LocalRow) -> tuple[str, ...]:
    cells = value_cells(row.value)
    if row.path is None:
        return cells
    return f"{visible('.'.join(row.path)) or '(root)'} ({cells[0]})", *cells[1:]
