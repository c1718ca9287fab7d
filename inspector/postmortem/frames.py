"""Lines of Python as they are told of in errors: which of them a person wants to see first."""

from __future__ import annotations

import os
import re
import sysconfig
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..errors import BUG
from ..files import keep_from_reading_for
from ..raised import tell
from ..records import Problem, TraceLine
from ..text import encodable

_OURS = os.path.dirname(os.path.dirname(__file__)) + os.sep
_LIBRARIES = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})
_PACKAGES = f"-packages{os.sep}"  # site-packages, dist-packages
_TORCH = f"{_PACKAGES}torch{os.sep}"
_CALLS = os.path.join("torch", "nn", "modules", "module.py")


_PLACE = re.compile(r'\s*File "|\s+at |[\w./\\-]+:\d+')
"""How the lines begin by which Python, and a compiled library, name where they are."""


class Frame(NamedTuple):
    """A line that Python was at."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


def find_users_line(frames: Sequence[Frame]) -> int:
    """Which of these, innermost first, is the innermost that is neither torch's nor the standard library's; 0 where
    none is."""
    return next((number for number, frame in enumerate(frames) if not is_library(frame.file)), 0)


def is_library(file: str) -> bool:
    """Code that a person did not come to look at: ours, torch's, the standard library's."""
    standard = file.startswith(_LIBRARIES) and _PACKAGES not in file
    return standard or _TORCH in file or file.startswith((_OURS, "<frozen"))


def is_ours(file: str) -> bool:
    """Whether it is a file of this program."""
    return file.startswith(_OURS)


def is_plumbing(file: str) -> bool:
    """What lies between the model's own lines in every traceback: our code, and torch's calling of modules."""
    return file.startswith(_OURS) or file == "<string>" or file.endswith(_CALLS)


def trace_lines(lines: Iterable[str], limit: int = 1_000) -> tuple[TraceLine, ...]:
    """A traceback as records.

    Args:
        lines: As Python writes them.
        limit: The most characters of one.
    """
    return tuple(TraceLine(encodable(line, limit), _PLACE.match(line) is not None) for line in lines)


def explain_bug(error: BaseException) -> Problem:
    """The problem where this program failed, and neither the model nor what was typed."""
    keep_from_reading_for(error)
    lines = trace_lines("".join(tell(error).format()).splitlines()[-40:])
    what = f"the inspector itself failed: {lines[-1].text}"
    return Problem(what, hint="please report this, with the traceback", traceback=lines, exit_code=BUG)
