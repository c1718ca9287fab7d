"""Where a module was called: the line outside torch, and outside this program, that the person wrote."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from types import FrameType

import torch
from torch import nn

from ...text import encodable

_TORCH = os.path.dirname(torch.__file__)
_BETWEEN = frozenset(
    {
        nn.Module.__call__.__code__.co_filename,
        os.path.join(_TORCH, "fx", "interpreter.py"),
        os.path.join(_TORCH, "export", "unflatten.py"),
    }
)
"""Files whose frames call modules for others: torch's own, and those that run the graph of an unflattened program."""
_ENGINE = os.path.dirname(os.path.dirname(__file__))


def find_call_site(depth: int) -> tuple[str, int]:
    """File and line of the innermost frame, `depth` frames up or further, that calls for itself; "" and 0 for one of
    ours."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None and frame.f_code.co_filename in _BETWEEN:
        frame = frame.f_back
    if frame is None or frame.f_code.co_filename.startswith(_ENGINE):
        return "", 0
    return _encodable_file(frame.f_code.co_filename), frame.f_lineno


@lru_cache(maxsize=1024)
def _encodable_file(name: str) -> str:
    return encodable(name, 1_000)
