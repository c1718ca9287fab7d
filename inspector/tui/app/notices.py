"""Notices: the newest in one line above the keys, whatever is shown, and all of them in the Log."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from textual.app import App

from ...text import visible

SECONDS = 4


@dataclass
class Notice:
    """What is said, how often, and until when."""

    words: str
    until: float
    times: int = 1

    @property
    def left(self) -> float:
        return self.until - time.monotonic()

    def __str__(self) -> str:
        return self.words if self.times == 1 else f"{self.words} (said {self.times} times)"


class Notices:
    """The notices of this moment. One is shown: more would lie over what they are about, and over a question.

    Args:
        app: That shows them.
        write_down: Puts one into the Log.
    """

    def __init__(self, app: App[None], write_down: Callable[[str], None]) -> None:
        self._app = app
        self._write_down = write_down
        self._notices: list[Notice] = []  # the newest is the last
        self._due = False

    @property
    def current(self) -> list[Notice]:
        """Those that are not over, the newest last."""
        return [notice for notice in self._notices if notice.left > 0]

    def tell(self, text: str, in_log: bool = False) -> None:
        """Say something for a moment. What is being said already is said longer; what is `in_log` is not written down
        a second time."""
        words = visible(text)
        again = next((notice for notice in self.current if notice.words == words), None)
        if again is None:
            if not in_log:
                self._write_down(text)
            self._notices.append(Notice(words, time.monotonic() + SECONDS))
        else:
            self._notices.remove(again)
            self._notices.append(Notice(words, time.monotonic() + SECONDS, again.times + 1))
        self._show_soon()

    def _show_soon(self) -> None:
        """Once for all that are told meanwhile, and after those that Textual has not shown yet."""
        if not self._due:
            self._due = True
            self._app.call_later(self._show)

    def _show(self) -> None:
        self._due = False
        self._notices = self.current
        self._app.clear_notifications()
        if self._notices:
            App.notify(self._app, self._line(), timeout=self._notices[-1].left, markup=False)

    def _line(self) -> str:
        """The newest, and how many it took the place of before they were over."""
        others = len(self._notices) - 1
        return str(self._notices[-1]) + (f"  ({others} more: Log)" if others else "")
