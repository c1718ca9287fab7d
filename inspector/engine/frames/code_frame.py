"""Frames of Python's, of a traceback or of what runs now, and whose code is in them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import FrameType, FunctionType, TracebackType
from typing import NamedTuple

from ...postmortem.frames import is_library, is_plumbing
from ...records import Origin, Path, Source
from ..source.site import frame_source
from ..source.versions import explain_rewriting, load, place

_PACKAGES = f"-packages{os.sep}"  # site-packages, dist-packages
_TORCH = f"{_PACKAGES}torch{os.sep}"


class CodeFrame(NamedTuple):
    """A frame and the line it is at, or was at when something went through it."""

    frame: FrameType
    line: int  # 0 where Python knows none

    @property
    def file(self) -> str:
        """What the code says it comes from, which may be anything."""
        return self.frame.f_code.co_filename

    @property
    def function(self) -> str:
        """The name of the function, after that of its class."""
        code = self.frame.f_code
        name: str = getattr(code, "co_qualname", "") or _name_of_method(self.frame) or code.co_name
        return name.rpartition("<locals>.")[2]

    def origin(self) -> Origin:
        return _origin_of(self.file)

    def text(self) -> str:
        """The line as it runs; "" where the text is not known, or is no longer what runs. Reads the file."""
        try:
            return self._read_text()
        # Loaders of modules are other people's code, and `linecache` fails on names that no file can have.
        except Exception:
            return ""

    def source(self, path: Path) -> Source:
        """The function around the line. Never raises.

        Args:
            path: Of the module that is looked at; only handed through.
        """
        names = self.frame.f_globals
        own = names if type(names) is dict else {}
        return frame_source(self.frame.f_code, own, self.line, self.function, path)

    def _read_text(self) -> str:
        code, names = self.frame.f_code, self.frame.f_globals
        own = names if type(names) is dict else {}  # a class of somebody's may do anything when it is asked
        found = place(code, own, getattr(code, "co_qualname", "")) if code.co_name != "<module>" else None
        if found is not None:
            file, match = found
            number = self.line - code.co_firstlineno + match.piece.first
            # what an import hook rewrote, as pytest does its tests, keeps its lines
            return _line(file.lines, number) if match.same or explain_rewriting(own) else ""
        kept = load(self.file, own)
        return _line(kept.lines, self.line) if kept is not None else ""


def frames_of_traceback(traceback: TracebackType | None) -> list[CodeFrame]:
    """Those that an error went through, the outermost first."""
    found = []
    while traceback is not None:
        found.append(CodeFrame(traceback.tb_frame, traceback.tb_lineno or 0))
        traceback = traceback.tb_next
    return found


def frames_around(frame: FrameType | None) -> list[CodeFrame]:
    """A frame that runs and those that called it, the outermost first."""
    found = []
    while frame is not None:
        found.append(CodeFrame(frame, frame.f_lineno or 0))
        frame = frame.f_back
    return found[::-1]


def is_written(file: str) -> bool:
    """Whether somebody wrote it who is neither torch nor Python nor this program."""
    return _origin_of(file) in ("yours", "package")


def _name_of_method(frame: FrameType) -> str:
    """Python before 3.11 keeps no qualified names in code: that of the class of the first argument which has it."""
    code = frame.f_code
    first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
    for owner in type(first).__mro__:
        method = vars(owner).get(code.co_name)
        if isinstance(method, FunctionType) and method.__code__ is code:
            return method.__qualname__
    return ""


def _origin_of(file: str) -> Origin:
    if is_plumbing(file) or file.startswith("<frozen"):
        return "plumbing"
    if _TORCH in file:
        return "torch"
    if _PACKAGES in file:
        return "package"
    return "library" if is_library(file) else "yours"


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""
