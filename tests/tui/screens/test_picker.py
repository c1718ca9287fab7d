"""The list to choose from: one line a choice, whatever is in it, and the nearest name first."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from rich.cells import cell_len
from textual.app import App

from inspector.client.model import Model
from inspector.records import Choice
from inspector.tui.app.palette import Palette
from inspector.tui.screens.options import Options
from inspector.tui.screens.picker import Picker, narrow_choices
from inspector.tui.tree.matching import Names

NAMES = ("wide_resnet50_2", "deeplabv3_resnet50", "resnet50", "resnet50_deluxe", "vit_b_16")
LONG = Choice("/a/very/long/way/to/some/folder/of/mine/models.py:Net", "module", "(width=64, depth=" + "3" * 200 + ")")


def rows(listing: Options) -> list[str]:
    return [str(listing.get_option_at_index(number).prompt) for number in range(listing.option_count)]


def test_the_exact_name_is_first_then_what_starts_so_then_what_has_it() -> None:
    found = narrow_choices([Choice(name, "torchvision") for name in NAMES], "ResNet50")
    assert [choice.name for choice in found] == [
        "resnet50", "resnet50_deluxe", "wide_resnet50_2", "deeplabv3_resnet50",
    ]  # fmt: skip


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("choices", [[LONG, Choice("resnet18", "torchvision", "18")], None], ids=["file", "palette"])
async def test_no_row_is_wrapped(choices: Sequence[Choice] | None, width: int) -> None:
    app = App[None]()
    async with app.run_test(size=(width, 24)) as pilot:
        app.push_screen(Palette(Model(), Names(), ["nord"]) if choices is None else Picker("Which", choices))
        await pilot.pause()
        await pilot.pause()
        listing = app.screen.query_one(Options)
        assert listing.virtual_size.height == listing.option_count
        assert "left_curly_bracket" not in "".join(rows(listing))
        assert all(cell_len(text) <= listing.scrollable_content_region.width for text in rows(listing))
        if choices is not None:
            assert "models.py:Net" in rows(listing)[0] and ("(width=" in rows(listing)[0] or width < 80)


async def test_a_wide_window_shows_what_is_said_of_a_choice() -> None:
    says = "(width: int) · Lets a learned share of each channel through, and no more than that."
    app = App[None]()
    async with app.run_test(size=(200, 50)) as pilot:
        app.push_screen(Picker("Which", [Choice("small.py:SqueezeExcitationGate", "module", says)]))
        await pilot.pause()
        await pilot.pause()
        assert says in rows(app.screen.query_one(Options))[0]


async def test_what_is_said_of_a_choice_is_whole_where_names_leave_room() -> None:
    choices = [
        Choice("resnet18", "torchvision", "classification · resnet"),
        Choice("fasterrcnn_mobilenet_v3_large_320_fpn", "torchvision", "detection · faster_rcnn"),
        Choice("deeplabv3_resnet50", "torchvision", "semantic segmentation · deeplabv3"),
    ]
    app = App[None]()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(Picker("Which", choices))
        await pilot.pause()
        await pilot.pause()
        shown = rows(app.screen.query_one(Options))
        assert "…" not in shown[0] + shown[2]
        assert shown[0].index("torchvision") == shown[2].index("torchvision")
        assert "fasterrcnn_mobilenet_v3_large" in shown[1] or shown[1].startswith("…")


async def test_nothing_found_is_said_and_cannot_be_chosen() -> None:
    app = App[None]()
    given: list[str | None] = []
    async with app.run_test() as pilot:
        app.push_screen(Picker("Which", [Choice("resnet18", "torchvision")]), given.append)
        await pilot.pause()
        await pilot.press(*"zzz")
        assert rows(app.screen.query_one(Options)) == ["no match for “zzz”: ^u empties the line"]
        await pilot.press("down", "enter")
        assert given == []
        await pilot.press("backspace", "backspace", "backspace", "r", "enter")
        await pilot.pause()
    assert given == ["resnet18"]


async def test_what_is_typed_may_be_opened_where_that_is_free() -> None:
    app = App[None]()
    given: list[str | None] = []
    async with app.run_test() as pilot:
        app.push_screen(Picker("Open", [Choice("resnet18", "torchvision")], free=True), given.append)
        await pilot.pause()
        await pilot.press(*"zzz", "up")
        assert rows(app.screen.query_one(Options)) == ["no match for “zzz”: ^u empties the line", "zzz  open as typed"]
        await pilot.press("enter")
        await pilot.pause()
    assert given == ["zzz"]
