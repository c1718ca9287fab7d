"""Lines that a pass stops at, and how far a person wants it to go from where it stood still."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from types import CodeType, FrameType
from typing import NamedTuple

from ...records import GoOn
from ..modules.tree import ModuleTree
from ..stepping.tracer import LineTracer
from .codes import list_codes

STEPS: tuple[GoOn, ...] = ("module", "into", "over", "out")
"""What goes no further than it has to."""


class Step(NamedTuple):
    """How far to go: on the thread that stood still, to the next line in one of `frames`, with "into" in any."""

    how: GoOn
    thread: int
    frames: tuple[FrameType, ...]  # none in a backward pass
    depth: int  # calls of modules that were under way
    has_lines: bool  # lines are told of in some of those frames: else modules stand in for them

    def ends_at_line(self, frame: FrameType) -> bool:
        """Whether the line that runs next in this frame is it."""
        if self.thread != threading.get_ident() or self.how == "module":
            return False
        return self.how == "into" or any(each is frame for each in self.frames)

    def ends_at_module(self, depth: int, has_lines: bool) -> bool:
        """Whether the call of a module within `depth` others is it; `has_lines` says that lines of it will be told."""
        if self.how == "module":
            return True
        if self.thread != threading.get_ident():
            return False
        if self.how == "into":
            return not has_lines
        return not self.has_lines and depth <= self.depth - (self.how == "out")


class Lines:
    """Tells of lines while a pass runs: of those that stops are at, and of all of the model's while somebody steps.

    Args:
        tree: The model.
        visit: Is called before a line runs, with its frame and number.
    """

    def __init__(self, tree: ModuleTree, visit: Callable[[FrameType, int], None]) -> None:
        self._tree = tree
        self._visit = visit
        self._tracer: LineTracer | None = None
        self._told: dict[int, CodeType] = {}  # by id, code whose lines are told of
        self._own: dict[int, CodeType] | None = None  # all of the model's, once somebody steps
        self._exits = contextlib.ExitStack()

    @contextlib.contextmanager
    def of_pass(self) -> Iterator[None]:
        """Nothing is traced before a line is wanted, and nothing after this."""
        with contextlib.ExitStack() as self._exits:
            yield
        self._tracer, self._told = None, {}

    def tell(self, codes: Iterable[CodeType], all_of_them: bool) -> None:
        """Of the lines of this code, and with `all_of_them` of the model's, from now on. On the pass's own thread."""
        wanted = {id(code): code for code in codes} | (self._list_own() if all_of_them else {})
        if wanted and self._tracer is None:
            self._tracer = self._exits.enter_context(LineTracer(self))
        if self._tracer is not None:
            for code in self._told.values():
                if id(code) not in wanted:
                    self._tracer.remove(code)
            for code in wanted.values():
                if id(code) not in self._told:
                    self._tracer.add(code)
        self._told = wanted

    def tells(self, code: CodeType | None) -> bool:
        """Whether lines of this code are told of."""
        return id(code) in self._told

    def is_own(self, code: CodeType) -> bool:
        """Whether it is code of the model's."""
        return id(code) in self._list_own()

    def _list_own(self) -> dict[int, CodeType]:
        if self._own is None:
            self._own = {id(code): code for code in list_codes(self._tree)}
        return self._own

    def follow_thread(self) -> None:
        """The calling thread may be one that Python has not told of."""
        if self._tracer is not None:
            self._tracer.follow_thread()

    def entered(self, frame: FrameType) -> bool:
        """As `LineObserver` has it."""
        return True

    def line(self, frame: FrameType, number: int) -> None:
        """As above."""
        self._visit(frame, number)

    def left(self, frame: FrameType, value: object) -> None:
        """As above."""

    def raised(self, frame: FrameType, error: BaseException | None) -> None:
        """As above."""
