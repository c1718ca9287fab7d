"""One line on standard error that says what is waited for, while somebody looks at it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, NamedTuple

from ..records import AnyEvent, Progress, Stage, SweepBegan, SweepRows, Work
from ..report.waits import count_pass, count_work, share_of_pass
from ..text import visible
from .output import say
from .reminders import reminding

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

SOON = 0.5
"""Seconds after which it comes: what takes less is not waited for."""


class Wait(NamedTuple):
    """What is waited for and how far it is; `share` is None where nobody knows."""

    what: str
    counted: str = ""
    share: float | None = None


class WaitBar:
    """It leaves no trace, and makes room for whatever else is printed. Where nobody looks at standard error, somebody
    is reminded of the wait now and then instead."""

    def __init__(self) -> None:
        self.is_seen = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._wait = Wait("")
        self._places = 0  # of a sweep
        self._bar: Bar | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._in_line = False  # what was printed last has not ended its line

    @contextlib.asynccontextmanager
    async def waiting(self, what: str) -> AsyncIterator[None]:
        """As long as the block takes, it is `what` that is waited for."""
        if not self.is_seen:
            async with reminding(what, say):
                yield
            return
        self._show(Wait(f"waiting for {what}"))
        try:
            yield
        finally:
            self._hide()
            self._bar = None

    def take(self, event: AnyEvent) -> None:
        """What the engine says of how far it is."""
        if isinstance(event, Stage):
            self._refine(Wait(visible(event.text)))
        elif isinstance(event, Work):
            share = event.done / event.total if event.total else None
            self._refine(Wait(visible(event.what), count_work(event), share))
        elif isinstance(event, Progress):
            self._refine(Wait("running the model", count_pass(event), share_of_pass(event)))
        elif isinstance(event, SweepBegan):
            self._places = event.head.places
        elif isinstance(event, SweepRows):
            self._refine(Wait("sweep", f"{event.done:,} of {self._places:,} places", event.done / max(self._places, 1)))

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """While it is not on the screen, which somebody else writes to."""
        shown = self._timer is not None or self._is_on
        self._hide()
        try:
            yield
        finally:
            if shown:
                self._show(self._wait)

    def print(self, text: str) -> None:
        """To standard error, above it."""
        with self.aside():
            say(text)
        self._in_line = bool(text) and not text.endswith("\n")

    @property
    def _is_on(self) -> bool:
        return self._bar is not None and self._bar.live.is_started

    def _refine(self, wait: Wait) -> None:
        """Nothing where nothing is waited for: an engine may say so too late."""
        if self._timer is not None or self._is_on:
            self._wait = wait
            if self._bar is not None and self._is_on:
                _fill(self._bar, wait)

    def _show(self, wait: Wait) -> None:
        self._wait = wait
        self._timer = asyncio.get_running_loop().call_later(SOON, self._appear)

    def _hide(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._bar is not None:
            self._bar.stop()

    def _appear(self) -> None:
        self._timer = None
        if self._in_line:
            say("\n")
            self._in_line = False
        if self._bar is None:
            self._bar = _make_bar()
        _fill(self._bar, self._wait)
        self._bar.start()


def _make_bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar
    from rich.table import Column

    bar = Bar(
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(16),
        TextColumn("{task.fields[count]}", markup=False, table_column=Column(no_wrap=True)),
        TimeElapsedColumn(),
        TextColumn("ctrl+c ends it", style="dim", table_column=Column(no_wrap=True)),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    bar.add_task("", total=None, count="")
    return bar


def _fill(bar: Bar, wait: Wait) -> None:
    total = None if wait.share is None else 1.0
    bar.update(bar.task_ids[0], description=wait.what, completed=wait.share or 0.0, total=total, count=wait.counted)
