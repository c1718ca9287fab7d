"""The calls of a pass as a tree: drawn, folded, filtered and searched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from inspector.client.call_table import CallTable
from inspector.client.call_tree import CallTree
from inspector.client.model import Model
from inspector.records import CallRow
from inspector.tui.tree import listing
from inspector.tui.tree.calls.outline import CallOutline
from inspector.tui.tree.columns import lay_out
from inspector.tui.tree.lines import DisplayOptions
from inspector.tui.tree.listing import Listing
from tests.client.test_call_tree import passes

from .test_tree import line, screen, showing, style_of
from .tree_models import call, model, named, network, row, run


def stacked() -> Model:
    """The root calls `stem` and `layer0`, which calls its conv, and its relu twice; and then that relu itself."""
    made = network(blocks=1, convs=1)  # 0 root, 1 stem, 2 layer0, 3 conv0, 4 relu, 5 head
    root, layer = 0, 10
    return run(made, [
        call(1, 2, start=1, caller=root), call(3, 12, start=11, caller=layer),
        call(4, 14, start=13, caller=layer), call(4, 16, 1, start=15, caller=layer, status="raised"),
        call(2, 17, start=layer, caller=root, ms=7.5), call(4, 19, 2, start=18, caller=root),
        call(0, 20, start=root, depth=0, ms=20.0, caller=-1),
    ])  # fmt: skip


def names(lines: list[str]) -> list[str]:
    words = (text.strip("▌ ").replace("│", " ").split() for text in lines if text)
    return [" ".join(each[: 3 if each[0] in "▸▾" else 2]) for each in words]


async def test_calls_stand_below_their_callers_in_the_order_in_which_they_began() -> None:
    made = stacked()
    async with showing(made, 70) as (tree, pilot, app):
        tree.order = tree.nested = True
        await pilot.pause()
        assert names(screen(tree)[:7]) == [
            "▾ (root) Network", "stem Conv2d", "▾ layer0 Sequential", "conv0 Conv2d", "relu #0", "relu #1",
            "layer0.relu #2",
        ]  # fmt: skip
        assert str(tree.border_title) == "Call tree · own time" and "7 of 7 calls" in str(tree.border_subtitle)
        assert "3.00 ms" in line(tree, "layer0 "), "without what stands below it"
        assert style_of(tree, " #1") != style_of(tree, " #0"), "the one that raised"
        await pilot.press("j", "j", "j", "minus")
        assert tree.selected_call == made.calls[4], "its caller, into which it was folded"
        await pilot.press("g", "enter")
        assert tree.selected_call == made.calls[0] and not app.opened
        await pilot.press("enter")
        assert app.opened == [1], "nothing is called by it"
        await pilot.press("j")
        assert "7.50 ms" in line(tree, "layer0 "), "with what is folded into it"
        await pilot.press("enter")
        assert tree.selected_call == made.calls[1] and app.told[-1] == (3, 0)
        await pilot.press("backspace")
        assert tree.selected_call == made.calls[4]
        await pilot.press("h", "h", "backspace", "backspace")
        assert tree.selected_call == made.calls[6]


async def test_a_search_and_a_filter_find_what_is_folded() -> None:
    made = stacked()
    async with showing(made, 70) as (tree, pilot, _):
        tree.order = tree.nested = True
        await pilot.press("minus")
        assert tree.search("relu") == 3 and tree.search_next(1) == "1 of 3"
        assert tree.selected_call == made.calls[2]
        assert tree.search_next(-1) == "3 of 3" and tree.selected_call == made.calls[5]
        tree.search("")
        await pilot.press("minus")
        tree.filter = "conv0"
        await pilot.pause()
        assert names(screen(tree)[:3]) == ["▾ (root) Network", "▾ layer0 Sequential", "conv0 Conv2d"]
        await pilot.press("g", "enter", "enter", "enter")
        assert tree.selected_call == made.calls[1]
        tree.filter = ""
        await pilot.pause()
        assert tree.selected_call == made.calls[1] and "3 of" not in str(tree.border_subtitle)


async def test_the_next_pass_keeps_what_is_expanded_where_it_made_the_same_calls() -> None:
    made = stacked()
    async with showing(made, 70) as (tree, pilot, _):
        tree.order = tree.nested = True
        await pilot.press("minus", "j", "j", "l", "j", "j")
        before, selected = screen(tree), tree.selected_call
        calls = list(made.calls)
        made.start_trace(made.trace + 1)
        tree.refresh_rows()
        run(made, calls)
        tree.refresh_rows()
        await pilot.pause()
        assert screen(tree) == before and tree.selected_call == selected
        run(made, calls[:1])
        tree.refresh_rows()
        assert names(screen(tree)[:1]) == ["stem Conv2d"]


async def test_a_module_keeps_the_cursor_from_order_to_order() -> None:
    made = stacked()
    async with showing(made, 70) as (tree, _, _):
        tree.order = True
        tree.select(3)
        tree.nested = True
        assert tree.selected_call == made.calls[1]
        tree.nested, tree.order = False, False
        assert tree.cursor == 3 and tree.selected_call is None


@pytest.mark.parametrize("width", [16, 24, 40, 80])
async def test_odd_names_and_depth_fit_in_any_width(width: int) -> None:
    made = named("[red]x", "ⅷ" * 40, "a\nb")
    deep = [
        call(1 + n % 3, 200 - n, n, start=n, caller=n - 1, status="unfinished" if n % 2 else "ok") for n in range(60)
    ]
    run(made, deep[::-1])
    async with showing(made, width) as (tree, pilot, _):
        tree.order = tree.nested = True
        await pilot.press("equals_sign", "G")
        assert tree.selected_call == made.calls[0], "the innermost"
        assert all(tree.render_line(y).cell_length == tree.size.width for y in range(tree.size.height))


async def test_threads_and_what_a_backward_pass_recomputed_stand_on_their_own() -> None:
    made = model([row(0, -1, "", "Net"), row(1, 0, "a"), row(2, 0, "b")])
    run(made, [
        call(2, 4, start=3, caller=1), call(1, 5, start=1, caller=-1), call(0, 6, start=0, caller=-1),
        call(2, 8, 1, start=7, caller=-1, recomputed=True),
    ])  # fmt: skip
    async with showing(made, 70) as (tree, pilot, _):
        tree.order = tree.nested = True
        await pilot.pause()
        assert names(screen(tree)[:4]) == ["(root) Net", "▾ a Linear", "b #0", "b #1"] and "↻" in screen(tree)[3]


@given(
    st.lists(st.builds(call, st.integers(0, 3), st.integers(-1, 6), st.integers(0, 2), start=st.integers(-1, 6),
                       caller=st.integers(-1, 6)), max_size=12),
    st.lists(st.sampled_from(("toggle", "into", "above", "end", "fold", "unfold", "match", "filter", "all", "again")),
             max_size=12),
)  # fmt: skip
def test_calls_that_cannot_be_are_shown_all_the_same(calls: list[CallRow], deeds: list[str]) -> None:
    made = run(named("a", "b", "c"), calls)
    listing = Listing(made, DisplayOptions(), by_calls=True, nested=True)
    listing.update(4)
    does = {
        "toggle": listing.toggle,
        "into": lambda: listing.go_to(listing.into() or 0),
        "above": lambda: listing.go_to(listing.above() or 0),
        "end": lambda: listing.go_to(99),
        "fold": lambda: listing.fold_all(False),
        "unfold": lambda: listing.fold_all(True),
        "match": lambda: listing.search("b") and listing.match(1) is not None and listing.place_of_match(),
        "filter": lambda: listing.refilter("b"),
        "all": lambda: listing.refilter(""),
        "again": lambda: run(made, calls[::-1]) and listing.update(4),
    }
    for deed in deeds:
        does[deed]()
        lines = listing.lines
        columns = lay_out(40, lines.widths())
        assert all(sum(cell_len(text) for text, _ in lines.pieces(id, columns)) == 40 for id in lines.ids)
        assert len(set(lines.ids)) == len(lines.ids) and listing.line <= len(lines.ids)


@given(
    passes(), st.lists(st.tuples(st.sampled_from(("toggle", "reveal")), st.integers(0, 30)), max_size=12), st.booleans()
)
def test_where_all_are_expanded_some_are_folded_again(
    rows: list[CallRow], deeds: list[tuple[str, int]], ordered: bool
) -> None:
    """Whether or not the order of all calls is made yet, from which the lines are cut where it is."""
    made = run(named("a"), rows)
    tree, folded = made.call_tree, set[int]()
    assert not ordered or tree.order.is_complete
    outline = CallOutline(made, tree)
    outline.fold_all(True)

    def below(places: Iterable[int]) -> Iterator[int]:
        for place in places:
            yield place
            yield from below(() if place in folded else tree.children(place))

    for deed, place in deeds:
        if place < len(tree):
            getattr(outline, deed)(place)
            if deed == "reveal":
                folded -= set(tree.ancestors(place))
            elif tree.has_children(place):
                folded ^= {place}
        assert list(outline.lines) == list(below(tree.roots))
    again = CallOutline(made, tree)
    again.expand_as(outline.expansion)
    assert list(again.lines) == list(outline.lines)
    outline.fold_all(False)
    folded = set(range(len(tree))) - set(tree.roots)
    assert list(outline.lines) == list(below(tree.roots))


def test_all_are_expanded_without_a_look_at_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a million calls that took 300 ms of the app's time."""
    made = stacked()
    assert made.call_tree.order.is_complete
    outline = CallOutline(made, made.call_tree)
    monkeypatch.delattr(CallTree, "children")
    monkeypatch.delattr(CallTree, "has_children")
    outline.fold_all(True)
    assert list(outline.lines) == [6, 0, 4, 1, 2, 3, 5]


async def test_calls_of_other_threads_say_so_where_they_begin() -> None:
    made = network(blocks=1, convs=1)
    made = run(made, [
        call(1, 2, start=1, caller=0),
        call(3, 5, start=4, caller=3, thread=1), call(2, 6, start=3, caller=-1, thread=1),
        call(5, 8, start=7, caller=-1, thread=2), call(0, 9, start=0, depth=0, caller=-1),
    ])  # fmt: skip
    async with showing(made, 70) as (tree, pilot, _):
        tree.order = tree.nested = True
        await pilot.pause()
        rows = screen(tree)[:5]
        assert "layer0 thread 2 " in rows[2] and "thread" not in rows[3], "below it nobody has to be told again"
        assert "head thread 3 " in rows[4] and not any("thread" in row for row in rows[:2])
        tree.nested = False
        await pilot.pause()
        assert sum("thread 2" in row for row in screen(tree)[:5]) == 2, "in call order each stands alone"


async def test_a_tree_that_is_being_made_says_so_and_takes_every_key() -> None:
    """Of a million calls that takes seconds, and keys do not wait for it."""
    made = stacked()
    made.orders_due = True
    async with showing(made, 70) as (tree, pilot, _):
        tree.order = True
        await pilot.press("g", "j", "j")
        selected = tree.selected_call
        tree.nested = True
        await pilot.pause()
        assert made._call_tree.calls is not made.calls and selected == made.calls[2]
        assert "The tree of 7 calls is being made." in screen(tree)[0]
        tree.search("relu")
        tree.search_next(1)
        assert not tree.select(4, 2)
        tree.filter = "relu"
        await pilot.press("j", "k", "g", "G", "enter", "l", "h", "backspace", "minus", "equals_sign")
        tree.filter = ""
        made.orders_due = False
        tree.refresh_rows()
        await pilot.pause()
        assert "7 of 7 calls" in str(tree.border_subtitle) and tree.search("relu") == 3
        assert tree.selected_call is not None and made.calls[2].module in (tree.cursor, tree.selected_call.module, 4)


def test_what_a_pass_gave_is_taken_in_without_a_row_of_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a dead module or NaN in a million calls the app stood still for 20 seconds when the pass was over."""
    made_rows, make = list[int](), CallTable._row
    monkeypatch.setattr(CallTable, "_row", lambda self, place: (made_rows.append(place), make(self, place))[1])
    monkeypatch.setattr(listing, "_MOST_BAD", 10)
    counts = []
    for calls in (300, 3_000):
        ends = range(1, 2 * calls, 2)
        kinds = [{"holds": ("zeros", "NaN", "")[n % 3], "input_holds": ("", "NaN")[n % 2]} for n in range(calls)]
        rows = [call(n % 5 + 1, end, n // 5, start=end - 1, caller=-1, **kinds[n]) for n, end in enumerate(ends)]
        made = run(network(blocks=1, convs=1), rows)
        shown = Listing(made, DisplayOptions(), by_calls=False)
        made_rows.clear()
        shown.update(24)
        for index in range(6):
            shown.lines.pieces(index, lay_out(80, shown.lines.widths()))
        counts.append(len(made_rows))
    assert counts[0] == counts[1] < 50
