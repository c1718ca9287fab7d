"""What an engine left behind: the calls of the pass it died in, and the `Problem` that says how, doing what, and where.

The client's end of a `call_log`. Nothing here raises for what is in it: whoever wrote it may have written over its own
memory first.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from msgspec.structs import replace

from ..records import CallDetail, PassSummary, Path, Problem
from ..text import encodable
from .frames import Frame, find_users_line, is_plumbing, trace_lines
from .layout import FAULTS, HEADER, ROOM, Began, find_middle
from .replay import Replay

_TRIES = 3  # of an engine that begins another step meanwhile


@dataclass(frozen=True)
class Postmortem:
    """What is left of a pass that did not come to its end; of an engine that was doing nothing, nothing.

    `calls` are in completion order, those that were still open last, innermost first; `place` is the innermost open
    one; `frames` are where Python was, innermost first, where it could still be written down.
    """

    began: Began | None = None
    calls: tuple[CallDetail, ...] = ()
    place: CallDetail | None = None
    lost: int = 0  # calls that are not among `calls`
    damaged: bool = False  # it was written over: what is here is what came before that
    fault: str = ""  # "Segmentation fault"
    frames: tuple[Frame, ...] = ()

    @property
    def shown(self) -> bool:
        """`calls` are those of a pass that a person was waiting for."""
        return self.began is not None and self.began.number > 0

    def summarize(self, problem: Problem) -> PassSummary:
        """The pass as one that ended with `problem`."""
        number = self.began.number if self.began is not None else 0
        ms = sum(call.row.ms for call in self.calls if call.row.depth == 0 or call.row.status != "unfinished")
        steps = [call.row.step for call in self.calls] or [0]
        return PassSummary(number, ms, len(self.calls), problem=problem, steps=max(steps) + 1, first_step=min(steps))

    def advise(self, killed: bool) -> str:
        """What may help, as the first half of a sentence; "" where nothing is known.

        Args:
            killed: By SIGKILL, which nothing in the process can send by mistake.
        """
        if killed:
            return "the system may have run out of memory; "
        if self.began is not None and self.began.doing.startswith("guessing"):
            return "give the input yourself (-i 1x3x224x224), or look without running (--no-forward); "
        return ""

    def explain(self, how: str, kind: str, hint: str, meanwhile: str = "") -> Problem:
        """How the engine ended, doing what, and where.

        Args:
            how: "was killed by SIGSEGV".
            kind: What a program may tell it by: "SIGSEGV".
            hint: What to do next.
            meanwhile: What the engine was asked for, where no pass was running: "while loading the model".
        """
        doing = f"during {self.began.doing}" if self.began is not None else meanwhile
        inside = f", in {_dot(self.place.path)} ({self.place.class_name})" if self.place is not None else ""
        return Problem(
            what=encodable(" ".join(filter(None, ("the engine", how, doing))) + inside, 1_000),
            where=encodable(self.where, 400),
            hint=hint,
            why=self._name_gap(),
            kind=kind,
            path=self.place.path if self.place is not None else None,
            traceback=trace_lines(self._traceback()),
        )

    @property
    def where(self) -> str:
        """The line of the person's code, as near as it is known."""
        if self.frames:
            return str(self.frames[find_users_line(self.frames)])
        if self.place is not None and self.place.row.file:
            return f"{self.place.row.file}:{self.place.row.line} calls it"
        return ""

    def _name_gap(self) -> str:
        """What is missing of the calls, "" where none is."""
        if self.damaged:
            return "the record of its calls was written over: what is shown came before that"
        if not self.lost:
            return ""
        return f"of its calls the first are shown: {self.lost:,} later entries and exits of modules found no room"

    def _traceback(self) -> list[str]:
        kept = [frame for frame in reversed(self.frames) if not is_plumbing(frame.file)]
        lines = [f'File "{frame.file}", line {frame.line}, in {frame.function}' for frame in kept]
        return [*lines, self.fault] if self.fault else lines


def _dot(path: Path) -> str:
    return ".".join(path) or "(root)"


def read(fd: int) -> Postmortem:
    """What the call log says now. The engine may be alive and writing: entries that are complete are read."""
    if os.fstat(fd).st_size < ROOM:
        return Postmortem()  # the engine did not come so far
    fault, frames = _parse_faults(os.pread(fd, FAULTS, 0).split(b"\0", 1)[0].decode("utf-8", "replace"))
    for _ in range(_TRIES):
        # Read, not mapped: what is cut off meanwhile would end this process.
        mark, lost = _read_header(fd)
        if not mark:
            return Postmortem(fault=fault, frames=frames)
        replay = Replay(lambda at, size: os.pread(fd, size, FAULTS + at), mark, find_middle(ROOM))
        whole = replay.read()
        if whole or _read_header(fd)[0] == mark:
            break
    ended = _end_all(replay.calls, list(replay.still_open.values()))
    calls = (*replay.calls, *ended)
    return Postmortem(replay.began, calls, ended[0] if ended else None, lost, not whole, fault, frames)


def _read_header(fd: int) -> tuple[int, int]:
    """The mark of the step that runs, and how many entries found no room."""
    header = os.pread(fd, HEADER.size, FAULTS)
    mark, lost = HEADER.unpack(header) if len(header) == HEADER.size else (0, 0)
    return mark, lost


def _end_all(calls: list[CallDetail], still_open: list[CallDetail]) -> list[CallDetail]:
    """Those that were still open, innermost first, numbered as if they had been left at the last moment."""
    last = max((number for call in (*calls, *still_open) for number in (call.row.start, call.row.end)), default=-1)
    numbered = enumerate(reversed(still_open), last + 1)
    return [replace(call, row=replace(call.row, end=number)) for number, call in numbered]


def clear_faults(fd: int) -> None:
    """Make room for what faulthandler writes next; the two processes share where in the file that is."""
    os.pwrite(fd, bytes(FAULTS), 0)
    os.lseek(fd, 0, os.SEEK_SET)


def _parse_faults(text: str) -> tuple[str, tuple[Frame, ...]]:
    """The last fault that faulthandler wrote: its name ("" where it was only asked for the lines), and the lines."""
    fault = ""
    frames: list[Frame] = []
    for line in text.splitlines():
        if line.startswith("Fatal Python error: "):
            fault, frames = line.removeprefix("Fatal Python error: "), []
        elif "most recent call first" in line:
            frames = []
        elif (frame := _parse_frame(line)) is not None:
            frames.append(frame)
    return fault, tuple(frames)


def _parse_frame(line: str) -> Frame | None:
    """`  File "model.py", line 12 in forward`."""
    line = line.strip()
    file, quote, rest = line.removeprefix('File "').rpartition('"')
    words = rest.replace(",", " ").split()
    if not line.startswith('File "') or not quote or len(words) < 4 or not words[1].isdigit():
        return None
    return Frame(file, int(words[1]), " ".join(words[3:]))
