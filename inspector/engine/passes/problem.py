"""What is told of an error that came out of a pass: the user's own traceback, without our frames and torch's."""

from __future__ import annotations

import sys
import traceback

import torch
from msgspec.structs import replace

from ...app_keys import app_key
from ...errors import UsageError
from ...files import keep_from_reading_for
from ...postmortem.frames import Frame, find_users_line, trace_lines
from ...raised import kind_of, message_of, tame, traceback_of
from ...records import Path, Problem
from ...text import encodable, shorten
from ..recording.recorder import Cancelled

_OURS = __file__.rsplit("/", 2)[0]  # the engine
_TORCH = torch.__file__.rsplit("/", 1)[0] + "/nn/modules/module.py"
MAX_FRAMES = 60


def problem_of(error: BaseException, path: Path | None = None) -> Problem:
    """Args:
    error: Whatever a model, or Python in it, raised.
    path: Of the module it came out of, where that is known.
    """
    error, kind = tame(error), kind_of(error)
    frames = _frames(error)
    if isinstance(error, UsageError) and not frames:  # said by the pass itself: a loader or a loss that will not do
        return replace(error.problem, kind=kind)
    message = _message(error)
    where = _where(frames)
    return Problem(
        what=encodable(_headline(error, kind, message), 1000),
        where=encodable(where, 400),
        hint=_hint(error),
        kind=encodable(kind, 120),
        path=path,
        traceback=trace_lines(_format(frames, kind, message)),
    )


def _where(frames: list[traceback.FrameSummary]) -> str:
    """The innermost line of the person's own, or of the library that the model comes from."""
    found = [Frame(frame.filename, frame.lineno or 0, frame.name) for frame in reversed(frames)]
    return str(found[find_users_line(found)]) if found else ""


def _headline(error: BaseException, kind: str, message: str) -> str:
    if isinstance(error, Cancelled):
        return "the pass was cancelled"
    if isinstance(error, SystemExit):
        return f"the model called sys.exit({message})"
    first = message.strip().split("\n", 1)[0]
    return f"{kind}: {first}" if first else kind


def _hint(error: BaseException) -> str:
    if isinstance(error, Cancelled):
        return f"{app_key('run')} runs it again"
    if isinstance(error, EOFError):
        return "the model reads standard input, which is closed here"
    if kind_of(error) == "BdbQuit":
        return "a debugger has no terminal here; PYTHONBREAKPOINT=0 in the environment passes breakpoint() over"
    input = f"another input with -i ({app_key('seed')} in the app)"
    return f"{input}, another seed with --seed; what was captured until then is kept"


def _message(error: BaseException) -> str:
    first, newline, rest = message_of(error, sys.maxsize).partition("\n")
    return shorten(first, 900) + newline + shorten(rest)


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    keep_from_reading_for(error)
    walked = traceback.walk_tb(traceback_of(error))
    kept = [
        (frame, line) for frame, line in walked
        if frame.f_code.co_filename != _TORCH and not frame.f_code.co_filename.startswith(_OURS)
    ]  # fmt: skip
    return list(traceback.StackSummary.extract(iter(kept[-MAX_FRAMES:]), lookup_lines=True))


def _format(frames: list[traceback.FrameSummary], kind: str, message: str) -> list[str]:
    lines = []
    for frame in frames:
        lines.append(f'File "{frame.filename}", line {frame.lineno}, in {frame.name}')
        if frame.line:
            lines.append(f"  {frame.line}")
    return [*lines, *f"{kind}: {message}".split("\n")[:40]]
