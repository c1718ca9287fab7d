"""Asks for the seed, the sample input, and whether live passes draw it anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input, Static

from ..completing_box import CompletingBox
from ..keys import find_command, frame_hints, key, key_like
from ..line_box import LineBox
from .completing_layer import CompletingLayer
from .completions import complete_specs
from .specs import join, obvious_fault, split

_KEYS = {"accept": "Run with these", "complete": "Complete", "tick": "Tick", "leave": "Leave it"}


@dataclass(frozen=True)
class Draw:
    """What the next passes start from. `specs` is None where the sample input stays what it is."""

    seed: int
    specs: tuple[str, ...] | None
    fresh: bool


class Tick(Static, can_focus=True):
    """A box to tick: its state can be read without colours."""

    BINDINGS: ClassVar[list[BindingType]] = [key_like("tick", "tick")]

    DEFAULT_CSS = """
    Tick { height: 1; }
    Tick:focus { color: $text-primary; text-style: bold; }
    """

    ticked: reactive[bool] = reactive(False)

    class Ticked(Message):
        """It was ticked, or no longer is."""

        def __init__(self, ticked: bool) -> None:
            self.ticked = ticked
            super().__init__()

    def __init__(self, label: str, ticked: bool) -> None:
        super().__init__()
        self._label = label
        self.set_reactive(Tick.ticked, ticked)

    def render(self) -> Content:
        return Content(f"[{'x' if self.ticked else ' '}] {self._label}")

    def action_tick(self) -> None:
        self.ticked = not self.ticked
        self.post_message(self.Ticked(self.ticked))

    def on_click(self) -> None:
        self.action_tick()


class SeedDialog(CompletingLayer[Draw | None]):
    """Starts from what is used now, or from an input that is offered in its place, and gives it changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key_like("accept", "submit", also=find_command("submit").keys),
        key("down", "app.focus_next"),
        key("up", "app.focus_previous"),
    ]

    help_page = "Seed and sample input"

    DEFAULT_CSS = """
    SeedDialog > #layer { max-width: 76; }
    SeedDialog Input { background: $surface; margin-bottom: 1; }
    """

    def __init__(self, now: Draw, used: str, offered: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._now = now
        self._used = used
        self._offered = offered

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_title = "Seed and sample input"
            frame.border_subtitle = frame_hints(_KEYS, typing=True)
            yield Static("Seed, a whole number", markup=False)
            yield LineBox(value=str(self._now.seed), id="seed")
            about = f"now {self._used or 'none'}{'; this one was tried, and runs' if self._offered else ''}"
            yield Static(Content.assemble("Sample input  ", (about, "$foreground-muted")))
            yield CompletingBox(
                value=join(self._offered or self._now.specs or ()),
                complete=complete_specs,
                placeholder="as it is; or 1x3x224x224, ids=1x128:int64:0..30521, @batch.pt",
                id="specs",
            )
            yield Tick("Live passes draw a fresh input each time", self._now.fresh)
            yield from self.below()

    def on_mount(self) -> None:
        self.query_one("#seed", Input).focus()

    @on(Input.Submitted)
    def action_submit(self) -> None:
        try:
            draw = self._read()
        except ValueError as error:
            self.say_fault(str(error))
        else:
            self.dismiss(draw)

    def _read(self) -> Draw:
        """What was typed; ValueError says what is wrong with it."""
        seed = self.query_one("#seed", Input).value.strip()
        if not seed.isascii() or not seed.isdigit() or int(seed) >= 2**63:
            raise ValueError("the seed is a whole number from 0 to 2^63 - 1")
        specs = split(self.query_one("#specs", Input).value)
        fault = next(filter(None, map(obvious_fault, specs)), "")
        if fault:
            raise ValueError(fault)
        fresh = self.query_one(Tick).ticked
        return Draw(int(seed), specs if specs != (self._now.specs or ()) else None, fresh)
