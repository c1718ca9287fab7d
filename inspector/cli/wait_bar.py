"""One line on standard error that says what is waited for, while somebody looks at it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

from ..records import AnyEvent, Progress, Stage, SweepBegan, SweepRows, Work
from ..report.progress_bar import SOON, Wait, fill_bar, is_seen, make_bar, wait_of_places
from ..report.waits import count_pass, count_work, share_of_pass
from ..text import visible
from .output import say
from .reminders import reminding

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


class WaitBar:
    """It leaves no trace, and makes room for whatever else is printed. Where nobody looks at standard error, somebody
    is reminded of the wait now and then instead."""

    def __init__(self) -> None:
        self.is_seen = is_seen()
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
            self._refine(wait_of_places(event.done, self._places))

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
                fill_bar(self._bar, wait)

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
            self._bar = make_bar()
        fill_bar(self._bar, self._wait)
        self._bar.start()
