"""Where an operation is written: file, line, and the expression on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import islice
from types import CodeType, FrameType
from typing import NamedTuple

import torch
from torch import nn

from ...records import CodeSpan
from ...text import encodable
from ..source.versions import load

_TORCH = os.path.dirname(torch.__file__) + os.sep
_LAYERS = os.path.join(_TORCH, "nn", "modules") + os.sep
_CALLS = nn.Module.__call__.__code__.co_filename
_ENGINE = os.path.dirname(os.path.dirname(__file__)) + os.sep
_LONGEST = 300


class CodePlace(NamedTuple):
    """An instruction of some code."""

    code: CodeType
    at: int  # its offset in bytes

    @property
    def line(self) -> int:
        """0 where Python does not tell."""
        lines = (line for begin, end, line in self.code.co_lines() if begin <= self.at < end)
        return next(lines, 0) or 0

    @property
    def file(self) -> str:
        return encodable(self.code.co_filename, 1_000)

    def expression(self) -> str:
        """What is written there: the very call or operator where Python tells (3.11 and later), else the whole line; ""
        where there is no text."""
        return self.written()[0]

    def written(self) -> tuple[str, CodeSpan | None]:
        """As `expression`, and where that is; None where Python does not tell."""
        file = load(self.code.co_filename)
        if file is None or not 0 < self.line <= len(file.lines):
            return "", None
        span = _find_span(self, file.lines)
        text = file.lines[self.line - 1].strip() if span is None else _cut(span, file.lines)
        return encodable(text, _LONGEST), span


def find_place(depth: int) -> CodePlace | None:
    """Of the innermost frame, `depth` frames up or further, that is neither torch's inside (its layers are looked into)
    nor ours."""
    return _find_outside(sys._getframe(depth))


def find_function_call(depth: int) -> CodePlace | None:
    """Where the innermost `torch.autograd.Function` is called whose own code runs, `depth` frames up or further; None
    where none does."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None and not _is_of_function(frame):
        frame = frame.f_back
    return None if frame is None else _find_outside(frame.f_back)


def _is_of_function(frame: FrameType) -> bool:
    """By its name, as other forwards are those of modules. Torch calls it from its own C code."""
    code = frame.f_code
    return code.co_name == "forward" and not isinstance(
        frame.f_locals.get(code.co_varnames[0] if code.co_argcount else ""), nn.Module
    )


def _find_outside(frame: FrameType | None) -> CodePlace | None:
    while frame is not None and _is_inside(frame.f_code.co_filename):
        frame = frame.f_back
    return None if frame is None else CodePlace(frame.f_code, frame.f_lasti)


def _is_inside(file: str) -> bool:
    if file.startswith(_TORCH):
        return not file.startswith(_LAYERS) or file == _CALLS
    return file.startswith((_ENGINE, "<frozen"))


def _find_span(place: CodePlace, text: Sequence[str]) -> CodeSpan | None:
    """What an instruction was made from."""
    if sys.version_info < (3, 11):
        return None
    first, last, begin, end = next(islice(place.code.co_positions(), place.at // 2, None))
    if first is None or last is None or begin is None or end is None or last > len(text):
        return None
    return CodeSpan(first, _count_characters(text[first - 1], begin), last, _count_characters(text[last - 1], end))


def _count_characters(line: str, column: int) -> int:
    """Python counts bytes of UTF-8."""
    return column if line.isascii() else len(line.encode()[:column].decode("utf-8", "replace"))


def _cut(span: CodeSpan, text: Sequence[str]) -> str:
    """The lines of a span, joined where it goes over several."""
    lines = list(text[span.line - 1 : span.end_line])
    lines[-1] = lines[-1][: span.end_column]  # first, for it may be the first line too
    lines[0] = lines[0][span.column :]
    return " ".join(line.strip() for line in lines)
