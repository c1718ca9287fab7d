"""What can be seen of an input specification without a tensor: whether it is obviously not one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from ...records import InputField

EXAMPLES = (
    ("1x3x224x224", "a float32 tensor of this shape, random"),
    ("1x128:int64:0..30521", "integers in a range"),
    ("@batch.pt  @cat.png", "a file"),
    ("pkg.mod:make_batch", "what this function returns"),
)
"""Specifications a person may start from, and what they mean."""

_SHAPE = re.compile(r"(\d+)([x×]\d+)*(:[A-Za-z]\w*)?(:-?[\d.e+-]+\.\.-?[\d.e+-]+)?", re.ASCII)
_NAMED = re.compile(r"([^\W\d]\w*)=(.*)", re.DOTALL)
_IMPORTED = re.compile(r"[\w./~-]+(\.py)?:{1,2}[\w.]+")


def obvious_fault(spec: str) -> str:
    """Why `spec` cannot be meant, "" where it may be. Only the engine knows for sure."""
    named = _NAMED.fullmatch(spec)
    value = named.group(2) if named else spec
    if not value:
        return "nothing after the = sign" if named else ""
    if value.startswith("@"):
        return "" if len(value) > 1 else "a file name follows the @"
    if value[0].isdigit() and re.match(r"\d+(:|[x×]|$)", value):
        return "" if _SHAPE.fullmatch(value) else "a shape looks like 1x3x224x224, or 1x128:int64:0..30521"
    if ":" in value and not _IMPORTED.fullmatch(value):
        return "a function is written package.module:name"
    return ""


def split(text: str) -> tuple[str, ...]:
    """The specifications in one line, as a shell would split them. Raises ValueError for an open quote."""
    return tuple(shlex.split(text))


def join(specs: Sequence[str]) -> str:
    """The line that `split` takes apart into `specs`."""
    return shlex.join(specs)


def collect(fields: Sequence[InputField], values: Sequence[str]) -> tuple[str, ...]:
    """What was typed for each field as specifications: by position as long as none is left out, by name after."""
    specs: list[str] = []
    by_position = True
    for field, value in zip(fields, values, strict=True):
        value = value.strip()
        if not value:
            by_position = by_position and field.kind == "*args"
        elif field.kind in ("*args", "**kwargs"):
            specs.extend(split(value))
        elif by_position and field.kind == "positional":
            specs.append(value)
        else:
            specs.append(f"{field.name}={value}")
    return tuple(specs)
