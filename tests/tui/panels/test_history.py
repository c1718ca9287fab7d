"""Histories over batches: the list, the plot above it, and keys."""

from __future__ import annotations

from typing import Any

import pytest

from inspector import records as r
from inspector.tui.panels.history import HOW_TO_RUN, NOT_SEEN, HistoryPanel

from .. import panel_records as made
from .test_panels import NARROW, ODD, WIDE, Picture, seen, showing, text


@pytest.fixture
def picture(snapshot: Any) -> Any:
    return snapshot.use_extension(Picture)


@pytest.mark.parametrize(("size", "theme"), [(WIDE, "textual-dark"), (NARROW, "textual-light")])
async def test_it_looks_as_kept(size: tuple[int, int], theme: str, picture: Any) -> None:
    panel = HistoryPanel()
    async with showing(panel, made.the_history(), size=size, theme=theme) as pilot:
        assert pilot.app.export_screenshot(simplify=True) == picture


async def test_it_asks_for_the_module_and_says_how_to_get_one() -> None:
    panel = HistoryPanel()
    assert panel.request(3, made.PATH) == r.GetHistory(3, made.PATH)
    async with showing(panel, r.History(made.PATH, 0, ())) as pilot:
        assert HOW_TO_RUN in text(panel)
        panel.show(r.History(made.PATH, 0, (), "not observed: press space"))
        await pilot.pause()
        assert "not observed: press space" in text(panel)
        panel.show(r.History(made.PATH, 10, ()))
        await pilot.pause()
        assert NOT_SEEN in text(panel) and HOW_TO_RUN not in text(panel)


async def test_the_cursor_picks_what_is_plotted() -> None:
    panel = HistoryPanel()
    async with showing(panel, made.the_history()) as pilot:
        assert seen(panel)[0].startswith("loss") and "10 batches" in seen(panel)[0]
        panel.focus()
        await pilot.press("j")
        await pilot.pause()
        assert seen(panel)[0].startswith("output mean")
        await pilot.press("G")
        await pilot.pause()
        assert seen(panel)[0].startswith("weight gradient") and any("×" in row for row in seen(panel))


async def test_x_changes_the_scale() -> None:
    panel = HistoryPanel()
    async with showing(panel, made.the_history()) as pilot:
        panel.focus()
        before = seen(panel)
        await pilot.press("x")
        await pilot.pause()
        assert "logarithmic" in seen(panel)[0] and seen(panel)[1:8] != before[1:8]
        await pilot.press("j", "x", "x")
        await pilot.pause()
        assert "logarithmic" in seen(panel)[0]


async def test_the_series_that_was_chosen_stays_chosen() -> None:
    panel = HistoryPanel()
    async with showing(panel, made.the_history()) as pilot:
        panel.focus()
        await pilot.press("j", "j")
        panel.select(panel.model, 3)
        other = r.History(("x",), 2, (r.Series("output std", (1.0, 2.0)), r.Series("loss", (3.0, 4.0))))
        panel.show(other)
        await pilot.pause()
        assert seen(panel)[0].startswith("output std") and "2 batches" in seen(panel)[0]


async def test_the_list_has_last_value_and_range() -> None:
    panel = HistoryPanel()
    async with showing(panel, made.the_history()):
        (row,) = [row for row in seen(panel) if row.startswith("output mean")]
        assert row.split()[2] == "-0.978" and "█" in row and row.split()[-2:] == ["-0.978", "0.909"]
        (row,) = [row for row in seen(panel) if row.startswith("weight gradient")]
        assert row.split()[2] == "Inf" and "!" in row


@pytest.mark.parametrize("size", [(72, 34), (46, 18), (40, 8), (20, 5)])
async def test_it_survives_odd_names_numbers_and_sizes(size: tuple[int, int]) -> None:
    panel = HistoryPanel()
    nothing: tuple[float | None, ...] = ()
    series = (*(r.Series(name, (None, float("nan"), 1e308, -1e308)) for name in ODD), r.Series("none", nothing))
    async with showing(panel, r.History(made.PATH, 4, series), size=size) as pilot:
        panel.focus()
        await pilot.press("G", "x")
        await pilot.pause()
        shown = text(panel)
        assert ("[red]x" in shown or size[1] < 10) and not {"\x1b", "\x07", "\u202e"} & set(shown)


async def test_ascii_is_ascii() -> None:
    panel = HistoryPanel()
    async with showing(panel, made.the_history()) as pilot:
        panel.draw_ascii()
        await pilot.pause()
        assert text(panel).isascii() and "?" not in text(panel) and "*" in text(panel)
