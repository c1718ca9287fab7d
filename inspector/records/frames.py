"""Where Python is, or was when something was raised: frames of code, and the variables in them."""

from __future__ import annotations

from typing import Literal

from .base import Count, Path, Row
from .first_bad import CodeLine
from .messages import Event, Look
from .passes import Problem
from .values import Value

Origin = Literal["yours", "package", "library", "torch", "plumbing"]
"""Whose code it is: the person's, that of something installed, the standard library's, torch's; or what lies between
every two modules, torch's calling of them and this program."""

Role = Literal["argument", "variable", "outer", "global"]
"""What a name is in its frame: taken by the function, made in it, of the function around it, of the file."""


class FrameRow(Row, frozen=True):
    """One frame. `path`, `call` and `step` say which call of a module it is part of."""

    number: Count  # its place in the whole stack, counted from the outermost
    function: str  # "BasicBlock.forward"; of Python 3.10 "forward"
    file: str
    line: Count  # 0 where none is known
    text: str  # that line, without its indentation; "" where the text that runs is not known
    origin: Origin
    path: Path | None = None  # None outside every call of the model
    call: int = -1  # which of the module's calls in its step, from 0; -1 where nobody counted
    step: int = -1  # of the pass, from 0; -1 where nobody counted


class Stack(Event, frozen=True):
    """Reply to `GetStack`. Of very many frames those in the middle are left out: their numbers are missing."""

    frames: tuple[FrameRow, ...] = ()  # the outermost first
    total: Count = 0
    start: Count = 0  # which of `frames` a person wants to see first
    raised: Problem | None = None  # what ended it; None where it stands still, or where there is none
    made: CodeLine | None = (
        None  # of a backward pass the line of the forward that made what failed, where that is known
    )


class LocalRow(Row, frozen=True):
    """One variable, as it is now."""

    name: str
    role: Role
    value: Value
    path: Path | None = None  # where in the model it hangs, of a module


class Locals(Event, frozen=True):
    """Reply to `GetLocals`."""

    number: Count  # of the frame
    rows: tuple[LocalRow, ...] = ()  # in the order of the code; of a file's the functions, classes and imports last
    total: Count = 0
    note: str = ""  # why there are none


class GetStack(Look, frozen=True):
    """The frames of what was raised, or of what stands still. Reply: `Stack`."""


class GetLocals(Look, frozen=True):
    """The variables of one frame of that stack. Reply: `Locals`."""

    number: Count
