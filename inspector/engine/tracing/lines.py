"""Where an operation is written: file, line, and the expression on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import CodeType, FrameType
from typing import NamedTuple

import torch
from torch import nn

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
    line: int

    @property
    def file(self) -> str:
        return encodable(self.code.co_filename, 1_000)

    def expression(self) -> str:
        """What is written there: the very call or operator where Python tells (3.11 and later), else the whole line; ""
        where there is no text."""
        file = load(self.code.co_filename)
        if file is None or not 0 < self.line <= len(file.lines):
            return ""
        return encodable(_cut(self, file.lines) or file.lines[self.line - 1].strip(), _LONGEST)


def find_place(depth: int) -> CodePlace | None:
    """Of the innermost frame, `depth` frames up or further, that is neither torch's inside (its layers are looked into)
    nor ours."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None and _is_inside(frame.f_code.co_filename):
        frame = frame.f_back
    return None if frame is None else CodePlace(frame.f_code, frame.f_lasti, frame.f_lineno)


def _is_inside(file: str) -> bool:
    if file.startswith(_TORCH):
        return not file.startswith(_LAYERS) or file == _CALLS
    return file.startswith((_ENGINE, "<frozen"))


def _cut(place: CodePlace, text: Sequence[str]) -> str:
    """The part of its lines that an instruction was made from, joined where it goes over several."""
    if sys.version_info < (3, 11):
        return ""
    first, last, begin, end = list(place.code.co_positions())[place.at // 2]
    if first is None or last is None or begin is None or end is None or last > len(text):
        return ""
    lines = [line.encode() for line in text[first - 1 : last]]
    lines[-1] = lines[-1][:end]  # columns count bytes
    lines[0] = lines[0][begin:]
    return " ".join(line.decode("utf-8", "replace").strip() for line in lines)
