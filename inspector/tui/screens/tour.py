"""The tour: five screens on what is seen and which keys there are, with the app behind them showing it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.widgets import Static

from ..keys import find_command, key_like, key_of, perform
from .help.page import row
from .layer import Layer


@dataclass(frozen=True)
class Stop:
    """One screen. `panel` is the command that shows behind it what it tells of; `keys` are commands and what to say."""

    title: str
    says: str
    panel: str
    keys: Mapping[str, str]


STOPS = (
    Stop(
        "The model", "The tree has every module, with its parameters and the shape of its output. Each is observed.",
        "panel-1",
        {"down": "down", "expand": "open a module", "go-to": "go to one by letters of its name", "filter": "filter"},
    ),
    Stop(
        "The code", "Source has the code that really runs, with live shapes beside its lines.",
        "panel-1",
        {"part": "forward, class, __init__", "site": "where it is called", "edit": "your editor, at this line"},
    ),
    Stop(
        "What went through it", "Outputs has what each call took and gave: statistics, a histogram, values.",
        "panel-2",
        {"run": "run again", "backward": "backward too: Gradients", "seed": "another input", "pane-next": "in and out"},
    ),
    Stop(
        "Changing it", "A hook of yours alters what a module gives. With a baseline you see how far that reaches.",
        "panel-4",
        {"baseline": "take the baseline", "add-hook": "add a hook: scale(2)", "undo": "undo it", "write": "a script"},
    ),
    Stop(
        "Finding your way", "The line at the bottom has the keys that matter where you are.",
        "panel-1",
        {"help": "help on this pane", "palette": "any command by name", "search": "search", "tour": "this tour again"},
    ),
)  # fmt: skip


UNREAD = 2.0
"""Seconds in which nobody has read what came by itself."""


class Tour(Layer[Key | None]):
    """Lies at the bottom, above the line for notices; every key that closes a layer skips the rest.

    Args:
        unasked: It came by itself. Whoever types something else at once meant the app, and is given it, with the key.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        key_like("detail", "turn(1)", also="space,right," + find_command("expand").keys),
        key_like("collapse", "turn(-1)", also="left,backspace"),
    ]

    is_read = True
    help_page = "Tour"

    DEFAULT_CSS = """
    Tour { align: center bottom; background: $background 0%; }
    Tour > #layer { width: 74; max-width: 100%; margin-bottom: 2; border: round $primary; }
    """

    def __init__(self, unasked: bool = False) -> None:
        super().__init__()
        self.at = 0
        self._unread_until = time.monotonic() + UNREAD if unasked else 0.0

    def compose(self) -> ComposeResult:
        with Vertical(id="layer"):
            yield Static(id="words")

    async def on_mount(self) -> None:
        await self._show(0)

    def on_key(self, event: Key) -> None:
        if time.monotonic() < self._unread_until and event.key not in self.active_bindings:
            event.stop()
            self.dismiss(event)

    async def action_turn(self, delta: int) -> None:
        """To the next screen or back; after the last one it is over."""
        if self.at + delta >= len(STOPS):
            self.dismiss(None)
        else:
            await self._show(max(self.at + delta, 0))

    async def _show(self, at: int) -> None:
        self.at, stop = at, STOPS[at]
        frame = self.query_one("#layer")
        frame.border_title = Content(f"Tour {at + 1} of {len(STOPS)}: {stop.title}")
        last = at + 1 == len(STOPS)
        frame.border_subtitle = Content(
            f"{key_of('detail')} {'ends it' if last else 'next'}  ← back  {key_of('quit')} skip"
        )
        self.query_one("#words", Static).update(write_stop(stop))
        await self.run_action(perform(stop.panel))


def write_stop(stop: Stop) -> Content:
    """What it says, and its keys below."""
    lines = (row(key_of(id), words).body for id, words in stop.keys.items())
    return Content("\n").join([Content(stop.says), *lines])
