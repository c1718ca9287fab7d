"""What stands in the cells of every panel and every screen, as it goes to the terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from rich.color import Color as RichColor
from textual.color import Color

from inspector.tui.app.app import InspectorApp
from inspector.tui.panels import PANELS

from .fake_engine import running
from .screens.test_small_windows import OPENED, make_engine, open_screen

PLACES = {**{panel.TITLE: (str(number), "tab") for number, panel in enumerate(PANELS, 1)}, **OPENED}


class Cell(NamedTuple):
    """One of them; the colours are None where they are the terminal's own."""

    text: str
    fore: Color | None
    back: Color | None


async def walk(folder: Path, **options: object) -> AsyncIterator[tuple[str, InspectorApp]]:
    """The app at one place after another."""
    for name in ("seed", "an input"):  # engines with which all places can be gone to
        async with running(folder, make_engine(name), **options) as (app, pilot, _):
            for place, keys in PLACES.items():
                if (place == "an input") == (name == "an input"):
                    await open_screen(app, pilot, keys)
                    yield place, app


def cells(app: InspectorApp) -> list[Cell]:
    """What is shown; of a screen that lies over another, only its own."""
    region = app.screen.region if app.screen is app.workbench else app.screen.query_one("#layer").region
    found = []
    for strip in app.screen._compositor.render_strips()[region.y : region.bottom]:
        for text, style, _ in strip.crop(region.x, region.right):
            fore, back = (_opaque(part) for part in (style.color, style.bgcolor)) if style else (None, None)
            if style and style.reverse:
                fore, back = back, fore
            found += [Cell(character, fore, back) for character in text]
    return found


def _opaque(color: RichColor | None) -> Color | None:
    return Color.from_rich_color(color) if color is not None and color.triplet is not None else None
