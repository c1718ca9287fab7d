"""Where a module was called: the line outside torch, and outside this program, that the person wrote."""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType

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


NO_SITE = "", 0
"""Where nobody's line calls."""
_MOST = 10_000

_WRAPPED = nn.Module._wrapped_call_impl.__code__
_INSIDE = 2  # frames of torch's between that one and a hook

_known: dict[int, tuple[CodeType, tuple[str, int]]] = {}  # by the code's `id` and where in it, added up


def find_call_site(depth: int) -> tuple[str, int]:
    """File and line of the innermost frame, `depth` frames up or further, that calls for itself; "" and 0 for one of
    ours. The same tuple for the same place."""
    frame: FrameType | None
    try:  # past those of torch's: to look at each would take longer than all else
        frame = sys._getframe(depth + _INSIDE)
    except ValueError:  # there are not so many
        frame = None
    frame = frame.f_back if frame is not None and frame.f_code is _WRAPPED else sys._getframe(depth)
    while frame is not None and frame.f_code.co_filename in _BETWEEN:
        frame = frame.f_back
    if frame is None:
        return NO_SITE
    code, at = frame.f_code, frame.f_lasti
    known = _known.get(id(code) + at)
    return known[1] if known is not None and known[0] is code else _read_site(frame, code, at)


def _read_site(frame: FrameType, code: CodeType, at: int) -> tuple[str, int]:
    if len(_known) >= _MOST:
        _known.clear()
    file = code.co_filename
    site = NO_SITE if file.startswith(_ENGINE) else (encodable(file, 1_000), frame.f_lineno)
    _known[id(code) + at] = code, site
    return site
