"""The lines of one frame and each time that they ran, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import CodeType
from typing import Any

from ...records import LineCall, LineRuns, LineValue, LineVisit, Value
from ...text import encodable
from ...value_text import find_odd
from .contents import describe_looks
from .lines import CodePlace
from .statements import find_statements, lines_of

_FIRST, _LAST, _BAD = 32, 16, 16
"""Visits of one line that are kept."""
LONGEST_LOG = 5_000
_NAMELESS = "<lambda>", "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"
"""Code that is written within a statement."""

Entry = int | str | tuple[Any, ...]
"""What is told of lines as they run: this one begins; it raised that; it bound a name to a value, or changed it in
place (three things); an instruction of some code made a call that gave a value, in the frame of that number where its
lines were seen (four). A value is described, or there are its `Looks`."""


@dataclass(slots=True)
class MadeCall:
    """A call that a line made."""

    place: CodePlace
    value: Value
    frame: int = 0

    def record(self) -> LineCall:
        expression, span = self.place.written()
        return LineCall(expression, self.value, self.frame, span)


@dataclass(slots=True)
class Visit:
    """One time that a line runs; filled in until the next one does."""

    number: int
    order: int
    values: list[LineValue] = field(default_factory=list)
    calls: list[MadeCall] = field(default_factory=list)
    error: str = ""

    @property
    def is_bad(self) -> bool:
        seen = [value.value for value in self.values] + [call.value for call in self.calls]
        return find_odd(*seen) in ("NaN", "Inf")

    def record(self) -> LineVisit:
        calls = tuple(call.record() for call in self.calls)
        return LineVisit(self.number, self.order, tuple(self.values), calls, self.error)


class Visits:
    """Those of one line: the first, the last, and between them those that are bad."""

    def __init__(self) -> None:
        self.count = 0
        self._first: list[Visit] = []
        self._bad: list[Visit] = []
        self._last: deque[Visit] = deque(maxlen=_LAST)

    def begin(self, order: int) -> Visit:
        visit = Visit(self.count, order)
        self.count += 1
        if len(self._first) < _FIRST:
            self._first.append(visit)
            return visit
        if len(self._last) == _LAST and len(self._bad) < _BAD and self._last[0].is_bad:
            self._bad.append(self._last[0])
        self._last.append(visit)
        return visit

    def __iter__(self) -> Iterator[Visit]:
        yield from self._first
        yield from self._bad
        yield from self._last


class FrameLines:
    """What the lines of one frame made.

    Args:
        code: That it runs.
        namespace: Its globals.
        number: By which it is asked for.
        recomputed: In the backward pass.
    """

    is_brief = False  # there are no histograms
    is_partial = False  # nor statistics of all values
    _visit: Visit | None = None  # the last
    _statement = 0  # that runs and is written over several lines
    _order = 0

    def __init__(
        self,
        code: CodeType,
        namespace: dict[str, Any],
        number: int,
        recomputed: bool = False,
    ) -> None:
        self.code = code
        self.namespace = namespace
        self.number = number
        self.recomputed = recomputed
        self.log: list[Entry] = []  # what was not yet looked through
        self._lines: dict[int, Visits] = {}

    @cached_property
    def statements(self) -> Mapping[int, int]:
        """See `find_statements`: the source is read only where somebody looks at it."""
        return find_statements(self.code)

    def read_log(self) -> None:
        """Take over what is in the log: while lines run, it is only written."""
        visit, statements = self._visit, self.statements
        for entry in self.log:
            if isinstance(entry, int):
                statement = statements.get(entry, 0)
                if not self._order:  # first comes what it was given, above its decorators
                    visit, statement = self._begin(entry if self.code.co_name in _NAMELESS else statement or entry), 0
                elif not statement or statement != self._statement:
                    visit = self._begin(statement or entry)
                self._statement = statement
                continue
            assert visit is not None  # a line begins before anything is told of it
            if isinstance(entry, str):
                visit.error = encodable(entry, 300)
            elif len(entry) == 3:
                name, value, in_place = entry
                value = describe_looks(value) if type(value) is tuple else value
                visit.values.append(LineValue(encodable(name, 100), value, in_place))
            else:
                code, at, value, frame = entry
                value = describe_looks(value) if type(value) is tuple else value
                visit.calls.append(MadeCall(CodePlace(code, at), value, frame))
        self.log.clear()
        self._visit = visit

    def _begin(self, line: int) -> Visit:
        self._order += 1
        visits = self._lines.get(line)
        if visits is None:
            visits = self._lines[line] = Visits()
        return visits.begin(self._order)

    def unreached(self) -> set[int]:
        """The lines of statements that did not run; those of a function that is written in it are not asked about."""
        self.read_log()
        return {line for line in lines_of(self.code) if self.statements.get(line, line) not in self._lines}

    def records(self) -> tuple[LineRuns, ...]:
        """In the order in which the lines stand."""
        self.read_log()
        ends = {first: line for line, first in sorted(self.statements.items())}
        return tuple(
            LineRuns(line, visits.count, tuple(each.record() for each in visits), ends.get(line, line))
            for line, visits in sorted(self._lines.items())
        )
