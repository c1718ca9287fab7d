"""The tree as it is drawn and as it answers keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.strip import Strip
from textual.theme import BUILTIN_THEMES

from inspector.client.model import Model
from inspector.records import Brief, HookMarks, ModuleRow
from inspector.records.badges import Badge
from inspector.text import visible
from inspector.tui.tree import listing
from inspector.tui.tree.matching import Names, find
from inspector.tui.tree.widget import ModuleTree

from .tree_models import call, flat, model, named, network, row, run


class CountingTree(ModuleTree):
    drawn = 0

    def render_line(self, y: int) -> Strip:
        self.drawn += 1
        return super().render_line(y)


class Harness(App[None]):
    def __init__(self, made: Model, order: bool = False) -> None:
        super().__init__()
        self.made = made
        self.told: list[tuple[int, int | None]] = []
        self.opened: list[int] = []

    def compose(self) -> ComposeResult:
        yield CountingTree()

    def on_mount(self) -> None:
        tree = self.query_one(CountingTree)
        tree.show(self.made)
        tree.focus()

    def on_module_tree_highlighted(self, event: ModuleTree.Highlighted) -> None:
        self.told.append((event.index, event.call.call if event.call else None))

    def on_module_tree_opened(self, event: ModuleTree.Opened) -> None:
        self.opened.append(event.index)


Running = tuple[CountingTree, Pilot[None], Harness]


@asynccontextmanager
async def showing(made: Model, width: int = 60, height: int = 24) -> AsyncIterator[Running]:
    app = Harness(made)
    async with app.run_test(size=(width, height)) as pilot:
        await pilot.pause()
        yield app.query_one(CountingTree), pilot, app


def screen(tree: ModuleTree) -> list[str]:
    """The lines in view, without trailing space."""
    return ["".join(segment.text for segment in tree.render_line(y)).rstrip() for y in range(tree.size.height)]


def line(tree: ModuleTree, name: str) -> str:
    return next(line for line in screen(tree) if name in line)


def style_of(tree: ModuleTree, name: str) -> object:
    for y in range(tree.size.height):
        for segment in tree.render_line(y):
            if name in segment.text:
                return segment.style
    raise LookupError(name)


def key_of(tree: ModuleTree, made: Model) -> str:
    return ".".join(made.paths[tree.cursor])


# columns


@pytest.mark.parametrize("width", [12, 20, 38, 60, 100, 140])
async def test_every_line_has_exactly_the_width_of_the_widget(width: int) -> None:
    made = run(network())
    async with showing(made, width) as (tree, pilot, _):
        for order in (False, True):
            tree.order = order
            await pilot.pause()
            for y in range(tree.size.height):
                assert tree.render_line(y).cell_length == tree.size.width


async def test_columns_line_up_and_give_way() -> None:
    made = run(network())
    async with showing(made, 38) as (narrow, _, _):
        assert line(narrow, "stem").split() == ["stem", "9.4k", "1×64×112²", "●"]
    async with showing(made, 60) as (middle, _, _):
        assert line(middle, "stem").split() == ["stem", "Conv2d", "9.4k", "1×64×112×112", "●"]
        head, stem = line(middle, "head"), line(middle, "stem")
        assert head.index("●") == stem.index("●") and head.index("1×64") == stem.index("1×64")
        assert head.index("513k") + 4 == stem.index("9.4k") + 4
    async with showing(made, 12) as (slim, _, _):
        assert "stem" in line(slim, "stem") and "●" not in line(slim, "stem")


async def test_before_a_pass_there_is_no_output_and_nothing_is_dim() -> None:
    async with showing(network()) as (tree, _, _):
        assert line(tree, "stem").split() == ["stem", "Conv2d", "9.4k", "●"]
        assert style_of(tree, "stem") == style_of(tree, "head")


async def test_marks_of_hooks() -> None:
    made = network()
    made.marks = HookMarks(1, bytes([1, 0, 2, *([1] * 30)]), foreign={1: 12})
    async with showing(made) as (tree, _, _):
        assert line(tree, "stem").endswith("○+12")
        assert "⊘" in line(tree, "layer0")


async def test_badges_in_words_where_there_is_room() -> None:
    made = model(
        [row(0, -1, "", "Net"), row(1, 0, "a", badges=(Badge("tied"),)),
         row(2, 0, "b", badges=(Badge("scripted"), Badge("no forward"))),
         row(3, 0, "twin", alias_of=1), row(4, 0, "bad"), row(5, 0, "late")]
    )  # fmt: skip
    run(made, [call(1, 0), call(2, 1, holds="NaN"), call(4, 2, status="raised", brief=Brief())])
    async with showing(made, 100) as (tree, _, _):
        assert line(tree, " a ").endswith("≡ tied")
        assert line(tree, " b ").endswith("N NaN S scripted")
        assert line(tree, "twin").endswith("↪ alias")
        assert line(tree, "bad").endswith("! raised")
        assert "not called" in line(tree, "late")
        assert style_of(tree, "bad") == style_of(tree, "! raised") != style_of(tree, "late")
        assert style_of(tree, "late") != style_of(tree, "twin"), "what was not called is dim"
    async with showing(made, 40) as (tree, _, _):
        assert [line(tree, name)[-1] for name in (" a ", "twin", "bad")] == ["≡", "↪", "!"]


async def test_what_stands_out_in_outputs_is_marked() -> None:
    made = model([row(0, -1, "", "Net"), row(1, 0, "inf"), row(2, 0, "dead"), row(3, 0, "once")])
    zeros = [call(2, 4, start=3, holds="zeros"), call(3, 6, start=5, holds="zeros")]
    run(made, [call(1, 2, start=1, holds="Inf"), *zeros, call(3, 8, start=7, number=1)])
    async with showing(made, 100) as (tree, _, _):
        assert line(tree, " inf ").endswith("N Inf") and line(tree, " dead ").endswith("0 dead")
        assert "dead" not in line(tree, "once"), "one of its calls gave something"


async def test_who_made_nan_is_told_from_who_hands_it_on() -> None:
    made = model([row(0, -1, "", "Net"), row(1, 0, "makes"), row(2, 0, "hands"), row(3, 0, "fine")])
    run(made, [
        call(3, 2, start=1), call(1, 4, start=3, holds="NaN"), call(2, 6, start=5, holds="NaN", input_holds="NaN"),
        call(0, 7, start=0, depth=0, holds="NaN"),
    ])  # fmt: skip
    async with showing(made, 100) as (tree, _, _):
        assert line(tree, "makes").endswith("N NaN")
        assert line(tree, "hands").endswith("n NaN") and line(tree, "Net").endswith("n NaN")
        assert "NaN" not in line(tree, "fine")


async def test_what_ran_without_a_call_is_told_from_what_did_not_run() -> None:
    made = model(
        [row(0, -1, "", "Net"), row(1, 0, "direct"), row(2, 0, "idle"),
         row(3, 0, "holds", badges=(Badge("no forward"),)),
         row(4, 3, "leaf"), row(5, 0, "box"), row(6, 5, "inner"), row(7, 0, "own", badges=(Badge("own __call__"),)),
         row(8, 0, "script", badges=(Badge("scripted"),)), row(9, 0, "again")]
    )  # fmt: skip
    calls = [call(4, 0), call(6, 1), call(9, 2), replace(call(9, 3, 1), recomputed=True), call(0, 4)]
    run(made, calls, direct=(1,))
    async with showing(made, 100) as (tree, _, _):
        said = {name: line(tree, name) for name in ("direct", "idle", "holds", "box", "own", "script", "again")}
        assert all("no hook call" in said[name] for name in ("direct", "box", "own"))
        assert "not called" in said["idle"] and "no forward" in said["holds"] and "unseen" in said["script"]
        assert said["own"].endswith("X own __call__") and said["again"].endswith("↻ recomputed")
        assert "×2" in said["again"]
    async with showing(made, 44) as (tree, _, _):
        assert " ? " in line(tree, "direct") and " – " in line(tree, "idle") and " □ " in line(tree, "holds")


async def test_without_a_hook_nothing_is_said_of_calls() -> None:
    made = network()
    made.marks = HookMarks(1, bytes([1, 0] + [1] * 30))
    run(made, [call(0, 0)])
    async with showing(made) as (tree, _, _):
        assert "not called" not in line(tree, "stem") and "not called" in line(tree, "head")


async def test_a_hook_turned_on_after_the_pass_does_not_make_a_module_uncalled() -> None:
    made = network()
    made.marks = HookMarks(1, bytes([1, 0] + [1] * 30))
    run(made, [call(0, 0)])
    async with showing(made) as (tree, pilot, _):
        made.marks = HookMarks(1, bytes([1] * 32))
        tree.refresh_rows()
        await pilot.pause()
        assert "●" in line(tree, "stem") and "not called" not in line(tree, "stem")


async def test_an_alias_shows_the_calls_of_its_object() -> None:
    made = model([row(0, -1, "", "Net"), row(1, 0, "a"), row(2, 0, "twin", alias_of=1)])
    run(made, [call(1, 0), call(1, 1, 1, brief=Brief((1, 7))), call(0, 2)])
    async with showing(made) as (tree, _, _):
        assert "1×7" in line(tree, "twin") and "×2" in line(tree, "twin")


# text from outside


ODD = ("[red]", "[/]", "\x1b[2J", "\x1b]52;c;eA==\x07", "\x9b31m", "new\nline", "tab\t", "\u202eabc", "漢字" * 40,
       "👩\u200d👩\u200d👧", "e\u0301", "", " ", "x" * 5000, "dot.ted", "\\ud800", "[@click=app.quit]x[/]")  # fmt: skip


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("width", [14, 38, 100])
async def test_odd_names_are_drawn_as_text(width: int, ascii: bool) -> None:
    made = run(named(*ODD))
    async with showing(made, width, 30) as (tree, pilot, _):
        tree.ascii = ascii
        for order in (False, True):
            tree.order = order
            tree.filter = "\x1b" if order else ""
            await pilot.pause()
            for y in range(tree.size.height):
                text = tree.render_line(y).text
                assert visible(text) == text
                assert cell_len(text) == tree.size.width
                assert not ascii or text.isascii()
            tree.order, tree.filter = False, ""
        await pilot.pause()
        assert width < 38 or ascii or "[red]" in "".join(screen(tree))


async def test_deep_nesting_leaves_room_for_the_name() -> None:
    made = model([row(0, -1, "", "Deep"), *(row(i, i - 1, f"child{i}") for i in range(1, 400))])
    async with showing(made, 38) as (tree, pilot, _):
        await pilot.press("=", "G")
        await pilot.pause()
        assert "child3" in screen(tree)[tree.size.height - 1]
        assert key_of(tree, made).endswith("child399")


# speed, as lines drawn


async def test_twenty_thousand_rows_cost_what_is_in_view() -> None:
    async with showing(flat(20_000)) as (tree, pilot, _):
        tree.drawn = 0
        tree.show(flat(20_000))
        await pilot.pause()
        assert tree.drawn <= 3 * tree.size.height
        tree.drawn = 0
        await pilot.press(*["j"] * 15)
        await pilot.pause()
        assert tree.drawn <= 2 * 15
        await pilot.press(*["j"] * 35)
        await pilot.pause()
        assert tree.cursor == 50
        assert tree.drawn <= 50 * (tree.size.height + 2)
        await pilot.press("G")
        assert tree.cursor == 20_000


# keys


async def test_moving_and_folding() -> None:
    made = network()
    async with showing(made, height=12) as (tree, pilot, app):
        steps = {
            "j": "stem", "down": "layer0", "l": "layer0", "right": "layer0.conv0", "k": "layer0", "h": "layer0",
            "left": "", "G": "head", "g": "", "end": "head", "home": "",
        }  # fmt: skip
        for key, where in steps.items():
            await pilot.press(key)
            assert key_of(tree, made) == where, key
        await pilot.press("enter")
        await pilot.pause()
        assert app.opened == [0]
        assert app.told[-1] == (0, None)


async def test_collapse_goes_to_the_parent_and_all_means_all() -> None:
    made = network()
    async with showing(made) as (tree, pilot, _):
        await pilot.press("=", "G", "k", "k")
        assert key_of(tree, made) == "layer3.conv2"
        await pilot.press("h")
        assert key_of(tree, made) == "layer3"
        await pilot.press("h")
        assert "layer3" in screen(tree)[-3] or "head" in "".join(screen(tree))
        assert made.index_of(("layer3",)) not in tree.expanded
        await pilot.press("l", "l", "-")
        assert tree.expanded == frozenset({0})
        assert key_of(tree, made) == "layer3", "the cursor goes up to what is still shown"
        assert tree.border_subtitle == "7 of 23 shown"


async def test_pages() -> None:
    async with showing(flat(100), height=22) as (tree, pilot, _):
        at = []
        for key in ("ctrl+d", "ctrl+f", "pagedown", "ctrl+u", "pageup", "pageup", "pageup"):
            await pilot.press(key)
            at.append(tree.cursor)
        assert at == [10, 29, 48, 38, 19, 0, 0]


async def test_the_cursor_stays_in_view() -> None:
    async with showing(flat(100), height=12) as (tree, pilot, _):
        await pilot.press("G")
        await pilot.pause()
        assert any("▌" in text for text in screen(tree))
        await pilot.resize_terminal(60, 6)
        await pilot.pause()
        assert any("▌" in text for text in screen(tree))


async def test_the_mouse() -> None:
    made = network()
    async with showing(made, height=12) as (tree, pilot, app):
        await pilot.click(tree, offset=(6, 3))
        assert key_of(tree, made) == "layer0" and tree.expanded == frozenset({0})
        await pilot.click(tree, offset=(2, 3))
        assert 2 in tree.expanded
        await pilot.click(tree, offset=(2, 3))
        assert 2 not in tree.expanded
        await pilot.click(tree, offset=(6, 2), times=2)
        await pilot.pause()
        assert app.opened == [1]


async def test_nothing_touches_the_scroll_bar() -> None:
    made = network()
    async with showing(made, height=5) as (tree, _, _):
        full = [len(line) for line in screen(tree)]
        assert tree.max_scroll_y > 0 and max(full) < tree.scrollable_content_region.width


# a model that changes


@pytest.mark.parametrize(("awaited", "key"), [(False, "Press o to open a model."), (True, "Press ^c to stop that.")])
async def test_an_empty_tree_says_what_to_press(awaited: bool, key: str) -> None:
    async with showing(Model(awaited=awaited)) as (tree, _, _):
        assert screen(tree)[1].strip() == key


async def test_chunks_that_arrive_keep_the_cursor() -> None:
    whole = network()
    rows: list[ModuleRow] = whole.rows
    made = Model(whole.info, 1, awaited=True)
    async with showing(made) as (tree, pilot, app):
        assert [line.strip() for line in screen(tree)[:2]] == [
            "No modules yet: the model is being loaded.",
            "Press ^c to stop that.",
        ] and tree.cursor == -1
        made.add_rows(rows[:5])
        tree.refresh_rows()
        await pilot.press("j", "j")
        made.add_rows(rows[5:])
        tree.refresh_rows()
        await pilot.pause()
        assert tree.cursor == 2 and "head" in "".join(screen(tree))
        assert app.told[0] == (0, None)


async def test_chunks_that_arrive_are_filtered_and_searched() -> None:
    whole = network()
    made = Model(whole.info, 1)
    made.add_rows(whole.rows[:7])
    async with showing(made) as (tree, pilot, _):
        tree.filter = "relu"
        assert tree.search("relu") == 1
        made.add_rows(whole.rows[7:])
        tree.refresh_rows()
        await pilot.pause()
        assert [made.paths[index][0] for index in tree.options.matches] == ["layer0", "layer1", "layer2", "layer3"]
        assert tree.search_next(-1) and key_of(tree, made) == "layer3.relu"


async def test_expanded_and_select_restore_a_session() -> None:
    made = network()
    async with showing(made) as (tree, pilot, app):
        tree.expanded = frozenset({0, 2})
        assert tree.expanded == frozenset({0, 2})
        target = made.index_of(("layer3", "relu"))
        assert target is not None
        assert tree.select(target)
        await pilot.pause()
        assert tree.cursor == target == app.told[-1][0]
        assert any("▌" in text and "relu" in text for text in screen(tree))
        assert not tree.select(10_000)


async def test_another_model_starts_at_its_root() -> None:
    async with showing(flat(100)) as (tree, pilot, _):
        await pilot.press("G")
        tree.show(network())
        await pilot.pause()
        assert tree.cursor == 0 and "Network" in screen(tree)[0]


async def test_the_place_that_is_gone_to_as_the_lines_come_is_in_view() -> None:
    """There is no scrollbar yet: without force nothing was scrolled, and the restored place was out of sight."""
    made = flat(100)
    rows = made.rows
    async with showing(Model(made.info, 1), height=10) as (tree, pilot, app):
        app.made = tree._listing.model
        app.made.add_rows(rows)
        tree.refresh_rows()
        tree.expanded = {0}
        assert tree.select(90)
        await pilot.pause()
        assert line(tree, " 89")


async def test_very_many_rows_are_looked_through_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def counting(text: str, names: Names, marks: dict[int, str]) -> list[int]:
        looked.append(len(names.paths))
        return find(text, names, marks)

    monkeypatch.setattr(listing, "find", counting)
    made = flat(1_000)
    async with showing(Model(made.info, 1)) as (tree, _, _app):
        tree.filter = "99"
        for first in range(0, 1_001, 10):
            tree._listing.model.add_rows(made.rows[first : first + 10])
            tree.refresh_rows()
        assert len(looked) < 12 and looked[-1] == 1_001
        assert tree.options.matches == find("99", tree._listing.names, {})


# filter and search


async def test_filter() -> None:
    made = network()
    async with showing(made) as (tree, pilot, _):
        tree.filter = "class:conv2d layer1"
        await pilot.pause()
        shown = [made.rows[index].key for index in tree.options.matches]
        assert shown == ["conv0", "conv1", "conv2"]
        assert [text.strip("▌ │▾").split(" ")[0] for text in screen(tree)[:5]] == [
            "Network", "layer1", "conv0", "conv1", "conv2",
        ]  # fmt: skip
        assert key_of(tree, made) == "layer1.conv0", "the cursor goes to a match"
        assert style_of(tree, "layer1") != style_of(tree, "conv1"), "ancestors are dim"
        assert tree.border_subtitle == "3 of 23 match"
        tree.filter = ""
        await pilot.pause()
        assert tree.options.matches == [] and key_of(tree, made) == "layer1.conv0"
        assert "head" in "".join(screen(tree))


async def test_a_filter_finds_classes_badges_and_marks() -> None:
    made = model([
        row(0, -1, "", "Net"), row(1, 0, "a", "BatchNorm2d"), row(2, 0, "b", badges=(Badge("tied"),)),
        row(3, 0, "c"), row(4, 0, "d", "Conv2d"),
    ])  # fmt: skip
    made.marks = replace(made.marks, added={4: 1}, edited=(1,))
    run(made, [call(1, 2), call(2, 4, holds="NaN")])
    async with showing(made) as (tree, _, _app):
        found = {}
        for word in ("batchnorm", "NaN", "tied", "altered", "edited", "not called", "tied nan", "2d"):
            tree.filter = word
            found[word] = [made.rows[index].key for index in tree.options.matches]
    assert found == {
        "batchnorm": ["a"], "NaN": ["b"], "tied": ["b"], "altered": ["d"], "edited": ["a"],
        "not called": ["c", "d"], "tied nan": ["b"], "2d": [],
    }  # fmt: skip


async def test_marks_that_change_are_filtered_anew() -> None:
    made = model([row(0, -1, ""), row(1, 0, "a"), row(2, 0, "b")])
    async with showing(made) as (tree, _, _app):
        tree.filter = "nan"
        assert tree.options.matches == []
        run(made, [call(1, 2), call(2, 4, holds="NaN")])
        tree.refresh_rows()
        assert tree.options.matches == [2]


@pytest.mark.parametrize("height", [7, 12, 24])
async def test_the_cursor_is_in_view_when_a_filter_is_gone(height: int) -> None:
    made = network(blocks=9)
    async with showing(made, height=height) as (tree, pilot, _):
        for order in (False, True):
            run(made)
            tree.order = order
            tree.refresh_rows()
            for text in ("head", "layer7.conv2", "stem"):
                tree.filter = text
                await pilot.pause()
                tree.filter = ""
                await pilot.pause()
                assert any(line.startswith("▌") for line in screen(tree)[: tree.size.height]), (text, order)


async def test_a_filter_without_a_match_says_so() -> None:
    async with showing(network()) as (tree, pilot, _):
        tree.filter = "[zz]"
        await pilot.pause()
        assert "No module matches “[zz]”" in screen(tree)[0] and "Press esc to show all again." in screen(tree)[1]
        await pilot.press("j", "l", "h", "space", "G")
        tree.filter = ""
        await pilot.pause()
        assert "Network" in screen(tree)[0]


async def test_search_finds_what_is_collapsed() -> None:
    made = network()
    async with showing(made) as (tree, pilot, _):
        await pilot.press("-")
        assert tree.search("conv2") == 5 + 8  # four layers and a class name: every convolution, the stem too
        assert tree.search("relu") == 4
        assert tree.search_next(1)
        assert key_of(tree, made) == "layer0.relu"
        await pilot.pause()
        assert style_of(tree, "relu") != style_of(tree, "conv0")
        assert tree.search_next(1) and key_of(tree, made) == "layer1.relu"
        assert tree.search_next(-1) and tree.search_next(-1) and key_of(tree, made) == "layer3.relu"
        assert tree.search_next(0) and key_of(tree, made) == "layer3.relu"
        assert tree.search("nothing") == 0 and not tree.search_next(1)
        assert key_of(tree, made) == "layer3.relu"


async def test_a_path_is_found_at_its_own_row() -> None:
    made = network()
    async with showing(made) as (tree, _, _):
        assert tree.search("layer1") == 1
        assert tree.search("layer1.conv1") == 1


# call order


async def test_call_order_lists_calls_apart_and_the_root_last() -> None:
    made = network(blocks=1, convs=1)  # 0 root, 1 stem, 2 layer0, 3 conv0, 4 relu, 5 head
    run(made, [call(1, 0), call(3, 1), call(4, 2), call(4, 3, 1, ms=2.5), call(2, 4), call(5, 5), call(0, 6, depth=0)])
    async with showing(made) as (tree, pilot, app):
        await pilot.press("j")
        tree.order = True
        await pilot.pause()
        assert [" ".join(text.strip("▌ ").split()[:2]) for text in screen(tree)[:7]] == [
            "stem Conv2d", "layer0.conv0 Conv2d", "layer0.relu #0", "layer0.relu #1", "layer0 Sequential",
            "head Linear", "(root) Network",
        ]  # fmt: skip
        assert "2.50 ms" in screen(tree)[3]
        assert tree.border_title == "Calls" and tree.border_subtitle == "7 of 7 calls, cold"
        assert tree.cursor == 1, "the same module"
        await pilot.press("j", "j", "j")
        await pilot.pause()
        assert tree.selected_call == made.calls[3] and app.told[-1] == (4, 1)
        assert tree.select(5) and tree.selected_call == made.calls[5]
        tree.order = False
        await pilot.pause()
        assert tree.cursor == 5 and tree.selected_call is None


async def test_call_order_through_a_filter_a_search_and_a_new_pass() -> None:
    made = run(network())
    async with showing(made) as (tree, pilot, _):
        tree.order = True
        tree.filter = "relu"
        await pilot.pause()
        assert tree.border_subtitle == "4 of 23 calls, cold"
        assert tree.search("layer2") == 1 and tree.search_next(1)
        assert key_of(tree, made) == "layer2.relu"
        made.start_trace(made.trace + 1)
        assert "relu" in screen(tree)[0], "drawn between two events, too"
        tree.refresh_rows()
        assert tree.selected_call is None and key_of(tree, made) == "layer2.relu"
        run(made)
        tree.refresh_rows()
        assert tree.selected_call is not None and key_of(tree, made) == "layer2.relu"


async def test_call_order_before_a_pass_says_so() -> None:
    async with showing(network()) as (tree, pilot, _):
        tree.order = True
        await pilot.pause()
        assert "no pass is over" in screen(tree)[0]
        await pilot.press("j", "enter", "h", "l", "G", "=", "-")
        assert tree.cursor == 0


# themes


@pytest.mark.parametrize("theme", [name for name in BUILTIN_THEMES if name.startswith(("textual-", "ansi-"))])
async def test_the_selection_is_seen_with_and_without_focus(theme: str) -> None:
    made = network()
    async with showing(made) as (tree, pilot, app):
        app.theme = theme
        await pilot.press("j")
        await pilot.pause()
        focused = style_of(tree, "stem")
        app.set_focus(None)
        await pilot.pause()
        blurred = style_of(tree, "stem")
        assert focused != blurred
        assert blurred != style_of(tree, "head") != focused
        assert line(tree, "stem").startswith("▌")


def test_calls_of_modules_that_were_never_told_are_left_out():
    from inspector.client.model import Model
    from inspector.records import CallColumns, CallRow

    model = Model()
    model.add_calls(CallColumns.of([CallRow(0, 0, 0, 1, 0, 0.0, "unfinished", Brief())]))
    assert not model.calls
