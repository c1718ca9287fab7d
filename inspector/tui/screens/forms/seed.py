"""Asks for the seed, the sample input, and whether live passes draw it anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Input

from ...completing_box import CompletingBox
from ...line_box import LineBox
from ..completions import complete_specs
from ..fields import Tick
from ..specs import join, obvious_fault, split
from .small_form import SmallForm, label


@dataclass(frozen=True)
class Draw:
    """What the next passes start from. `specs` is None where the sample input stays what it is."""

    seed: int
    specs: tuple[str, ...] | None
    fresh: bool


class SeedDialog(SmallForm[Draw | None]):
    """Starts from what is used now, or from an input that is offered in its place, and gives it changed."""

    heading = help_page = "Seed and sample input"
    hints: ClassVar[dict[str, str]] = {
        "accept": "Run with it", "complete": "Complete", "tick": "Tick", "leave": "Leave it",
    }  # fmt: skip

    def __init__(self, now: Draw, used: str, offered: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._now = now
        self._used = used
        self._offered = offered

    def fields(self) -> ComposeResult:
        yield label("Seed", "a whole number")
        yield LineBox(value=str(self._now.seed), id="seed")
        yield label(
            "Sample input", f"now {self._used or 'none'}{'; this one was tried, and runs' * bool(self._offered)}"
        )
        yield CompletingBox(
            value=join(self._offered or self._now.specs or ()),
            complete=complete_specs,
            placeholder="as it is; or 1x3x224x224, ids=1x128:int64:0..30521, @batch.pt",
            id="specs",
        )
        yield Tick("Live passes draw a fresh input each time", self._now.fresh)

    def read(self) -> Draw:
        seed = self.query_one("#seed", Input).value.strip()
        if not seed.isascii() or not seed.isdigit() or int(seed) >= 2**63:
            raise ValueError("the seed is a whole number from 0 to 2^63 - 1")
        specs = split(self.query_one("#specs", Input).value)
        fault = next(filter(None, map(obvious_fault, specs)), "")
        if fault:
            raise ValueError(fault)
        fresh = self.query_one(Tick).ticked
        return Draw(int(seed), specs if specs != (self._now.specs or ()) else None, fresh)
