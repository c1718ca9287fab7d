"""What an engine may say: checked once, where it comes in, so that nothing behind it has to.

That a record is what it says it is, the decoder sees to. Here is what one record cannot know: what was asked, which
modules there are, and how much of anything a person can look at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct

from ..errors import ChannelError
from ..records import (
    AnyEvent,
    AnyRequest,
    Attributes,
    CallDetail,
    CallLines,
    CallRows,
    Calls,
    Changes,
    Costs,
    Evaluated,
    Failed,
    HookMarks,
    MappingValue,
    ModuleRow,
    ModuleRows,
    Note,
    Opened,
    OwnFiles,
    PassEnded,
    Paused,
    Progress,
    Resumed,
    SequenceValue,
    Stack,
    Stage,
    Stops,
    SweepBegan,
    SweepRows,
    Work,
)
from ..records.replies import REPLIES

LARGE = 1 << 20
"""Bytes of a message from which on it is looked at what makes it so large."""
STEP_LIMIT = 1 << 20
"""Steps of a pass that can be asked for one after the other; engines keep the calls of fewer."""
TEXT_LIMIT = 1 << 19
"""Characters of a text, and parts of a listing, in one message."""
DEPTH_LIMIT = 50
"""Values inside values; the engine describes fewer."""

_UNASKED = (
    CallLines, Calls, CallRows, Changes, Failed, HookMarks, ModuleRows, Note, Opened, OwnFiles, PassEnded, Progress,
    Paused, Resumed, Stack, Stage, Stops, SweepBegan, SweepRows, Work,
)  # fmt: skip


class Border:
    """Knows what this engine said so far. Each check raises `ChannelError` in words."""

    def __init__(self) -> None:
        self._generation = 0
        self._announced = 0  # rows of the module list
        self._came = 0  # of those
        self._open: list[tuple[int, set[str]]] = []  # rows below which more may come, and the keys of those that did

    def check_reply(self, request: AnyRequest | None, event: AnyEvent, opening: bool) -> None:
        """What came with the number of `request`; None where nobody waits for that number. While `opening` a model was
        asked for."""
        if request is None:
            raise _refuse(f"{_name(event)} as an answer to nothing that was asked")
        if not isinstance(event, (*REPLIES[type(request)], Failed)):
            raise _refuse(f"{_name(event)} as the answer to {_name(request)}")
        count = getattr(request, "count", None)
        if count is not None:
            self._check_page(getattr(request, "first", 0), count, event)
        self._check(event, opening)

    def check_unasked(self, event: AnyEvent, opening: bool) -> None:
        """What came by itself."""
        if not isinstance(event, _UNASKED):
            raise _refuse(f"{_name(event)} without being asked")
        self._check(event, opening)

    def _check(self, event: AnyEvent, opening: bool) -> None:
        if isinstance(event, Opened):
            self._check_opened(event, opening)
        elif (generation := getattr(event, "generation", 0)) > self._generation:
            raise _refuse(f"{_name(event)} of a model that it did not open")
        elif generation == self._generation or not hasattr(event, "generation"):
            self._check_current(event)

    def _check_current(self, event: AnyEvent) -> None:
        match event:
            case ModuleRows():
                self._check_rows(event)
            case CallRows():
                self._check_calls(event)
            case Calls():
                self.check_details(event.calls)
            case PassEnded():
                self._check_modules(event, event.summary.direct)
                if event.summary.steps - event.summary.first_step > STEP_LIMIT:
                    raise _refuse(f"a pass of {event.summary.steps:,} steps")
                _check_depth(event.summary)
            case Progress():
                self._check_modules(event, (event.module,) if event.module else ())
            case HookMarks():
                self._check_marks(event)
            case Costs():
                self._check_modules(event, (row.module for row in event.rows))
                self._check_modules(event, (row.module for row in event.calls))
            case Attributes():
                _check_depth(event)
            case Paused() | Evaluated():
                for each in event.values:
                    _check_depth(each)
                _check_depth(event)

    def _check_opened(self, event: Opened, opening: bool) -> None:
        """A model that nobody asked for is the one that a program has under inspection: the first, and no other."""
        rows = event.info.rows
        if event.generation < max(self._generation, 1):
            raise _refuse("a model out of order")
        if event.generation > self._generation:
            if self._generation and not opening:
                raise _refuse("another model without being asked")
            self._generation, self._announced, self._came, self._open = event.generation, rows, 0, []
        elif rows != self._announced:
            raise _refuse("another module list for the same model")

    def _check_page(self, first: int, count: int, event: AnyEvent) -> None:
        """A page that is empty before the end would be asked for again and again."""
        rows: Collection[object] = next(
            (getattr(event, name) for name in ("rows", "calls", "values") if hasattr(event, name)), ()
        )
        total = getattr(event, "total", 0)
        if len(rows) > max(count, 0) or (count > 0 and not rows and first < total):
            raise _refuse(f"{_name(event)} that are not the page that was asked for")

    def _check_rows(self, event: ModuleRows) -> None:
        if event.total != self._announced or self._came + len(event.rows) > self._announced:
            raise _refuse(f"more rows of the module list than the {self._announced:,} it announced")
        for row in event.rows:
            self._check_row(row)

    def _check_row(self, row: ModuleRow) -> None:
        index = self._came
        if row.index != index:
            raise _refuse(f"row {row.index:,} of the module list where row {index:,} was due")
        while self._open and self._open[-1][0] > row.parent:
            self._open.pop()
        parent, siblings = self._open[-1] if self._open else (-1, set[str]())
        if row.parent != parent or bool(index) != bool(self._open) or not -1 <= row.alias_of < max(index, 1):
            raise _refuse(f"row {row.index:,} of the module list below one that did not come before it")
        if row.key in siblings:
            raise _refuse(f"two rows of the module list with one path, the second is row {row.index:,}")
        siblings.add(row.key)
        self._open.append((index, set()))
        self._came += 1

    def _check_calls(self, event: CallRows) -> None:
        try:
            modules = event.rows.unpacked.whole["module"]
        except ValueError as error:
            raise _refuse(f"calls with {error}") from None
        if modules:
            self._check_modules(event, (min(modules), max(modules)))
        if len(event.rows) > event.total:
            raise _refuse("more calls than it announced")

    def check_details(self, calls: Iterable[CallDetail]) -> None:
        """Calls with what went through them, from a reply or from what an engine left behind."""
        for call in calls:
            self._check_modules(call, (call.row.module,))
            _check_depth(call)

    def _check_marks(self, event: HookMarks) -> None:
        if self._came < self._announced:
            raise _refuse("hook marks before the module list")
        for named in (event.foreign, event.refused, event.added, event.edited):
            self._check_modules(event, named)
        if len(event.observed) not in (0, self._announced) or not set(event.observed) <= {0, 1, 2}:
            raise _refuse("hook marks that do not go with the module list")

    def _check_modules(self, event: Struct, indices: Iterable[int]) -> None:
        wrong = next((index for index in indices if not 0 <= index < self._announced), None)
        if wrong is not None:
            raise _refuse(f"{_name(event)} of module {wrong:,} of {self._announced:,}")


def check_size(event: Struct, size: int) -> None:
    """A message of so many bytes must not be one text, or one listing, that nobody can be shown."""
    if size >= LARGE and _is_bloated(event):
        raise _refuse(f"{_name(event)} of {size:,} bytes, which is more than anybody can look at")


def _is_bloated(value: object) -> bool:
    if isinstance(value, str | bytes):
        return len(value) > TEXT_LIMIT and not isinstance(value, bytes)
    if isinstance(value, dict):
        value = (*value.keys(), *value.values())
    if isinstance(value, tuple):
        return len(value) > TEXT_LIMIT or any(map(_is_bloated, value))
    return isinstance(value, Struct) and any(_is_bloated(getattr(value, name)) for name in value.__struct_fields__)


def _check_depth(value: object, depth: int = 0) -> None:
    """Values are described by functions that call themselves for what is inside."""
    if depth > DEPTH_LIMIT:
        raise _refuse("a value nested too deep to be shown")
    if isinstance(value, SequenceValue | MappingValue):
        depth += 1
        for item in value.items:
            _check_depth(item, depth)
    elif isinstance(value, tuple):
        for item in value:
            _check_depth(item, depth)
    elif isinstance(value, Struct) and depth == 0:
        for name in value.__struct_fields__:
            if isinstance(held := getattr(value, name), SequenceValue | MappingValue | tuple):
                _check_depth(held)


def _name(record: Struct) -> str:
    return type(record).__name__


def _refuse(what: str) -> ChannelError:
    return ChannelError(f"the engine sent {what}")
