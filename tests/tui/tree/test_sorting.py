"""The modules with the most of something first."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from inspector.client.model import Model
from inspector.records import Delta
from inspector.tui.tree.sorting import most_first, own_times
from inspector.tui.tree.widget import ModuleTree
from tests.tui import fake_engine
from tests.tui.app.test_app import running

from .test_tree import screen, showing
from .tree_models import call, model, network, row, run

ROWS = [
    row(0, -1, "", "Net", parameters=90), row(1, 0, "a", "Block", parameters=40), row(2, 1, "slow", parameters=20),
    row(3, 1, "large"), row(4, 0, "act", "ReLU", parameters=0),
]  # fmt: skip


def first_words(tree: ModuleTree) -> list[str]:
    return [line.strip("▌ ").split()[0] for line in screen(tree)[:2] if line]


def made(**more: object) -> Model:
    """`slow` takes 5 ms twice, `large` 1 ms, `a` 12 ms with both, `act` 3 ms, and all 20 ms."""
    calls = [
        call(2, 1, depth=2, ms=5.0, **more), call(2, 2, 1, depth=2, ms=5.0), call(3, 3, depth=2, ms=1.0),
        call(1, 4, depth=1, ms=12.0), call(4, 5, depth=1, ms=3.0), call(0, 6, depth=0, ms=20.0),
    ]  # fmt: skip
    return run(model(ROWS), calls)


def test_own_time_is_that_of_no_module_below() -> None:
    assert own_times(made()) == {2: 10.0, 3: 1.0, 1: 1.0, 4: 3.0, 0: 5.0}
    assert most_first({4: 1.0, 2: float("nan"), 3: 2.0, 1: 1.0}) == [2, 3, 1, 4]


def test_own_time_taken_in_piece_by_piece_is_the_same() -> None:
    pieces, whole = made(), made()
    while pieces.prepare(2):
        pass
    assert own_times(pieces) == own_times(whole) and list(pieces.call_tree.own_ms) == list(whole.call_tree.own_ms)
    pieces.start_trace(2)
    assert not pieces.prepare(2) and own_times(pieces) == {} and not pieces.call_tree.parents


@pytest.mark.parametrize(("width", "words"), [(60, "Δ from the baseline"), (34, "Δ")])
async def test_no_word_of_the_title_is_cut(width: int, words: str) -> None:
    async with showing(made(delta=Delta(0.5, 1.0, 1.0)), width) as (tree, _, _):
        tree.sort()
        assert str(tree.border_title) == f"Modules by own time · {words}"


async def test_a_key_goes_from_one_order_to_the_next() -> None:
    both = made(gradient=0.5, gradient_norm=2.0, delta=Delta(0.5, 1.0, 1.0))
    async with showing(both, 60) as (tree, pilot, app):
        tree.select(3)
        tree.sort()
        assert "by own time" in str(tree.border_title) and tree.cursor == 2
        lines = screen(tree)
        assert first_words(tree) == ["a.slow", "(root)"] and "Linear" in lines[0]
        assert "10.0 ms" in lines[0] and "×2" in lines[0]
        await pilot.press("g", "j", "h", "l")
        assert tree.cursor == 0 and app.told[-1] == (0, None)
        for title in ("own parameters", "gradient", "Δ from the baseline"):
            tree.sort()
            assert str(tree.border_title).startswith(f"Modules by {title}")
        assert first_words(tree)[0] == "a.slow" and screen(tree)[0].count("0.50") == 1, "as heat, and no second time"
        tree.sort()
        assert " by " not in str(tree.border_title) and tree.cursor == 2


async def test_what_nobody_measured_is_passed_over() -> None:
    async with showing(network(2), 60) as (tree, _, _):
        tree.sort()
        assert "own parameters" in str(tree.border_title)
        tree.sort()
        assert str(tree.border_title) == "Modules"


async def test_filter_search_and_another_pass_keep_the_order() -> None:
    async with showing(made()) as (tree, _, _):
        tree.sort()
        tree.filter = "class:Linear"
        assert first_words(tree) == ["a.slow", "a.large"]
        assert tree.search("large") == 1 and tree.search_next(0) and tree.cursor == 3
        tree.filter = ""
        run(tree._listing.model, [call(3, 1, depth=1, ms=9.0), call(0, 2, depth=0, ms=10.0)])
        tree.refresh_rows()
        assert first_words(tree) == ["a.large", "(root)"] and tree.cursor == 3
        tree.order = True
        assert "Calls" in str(tree.border_title)


async def test_a_module_that_is_not_among_the_sorted_is_shown_in_the_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = (fake_engine.ROWS[0], replace(fake_engine.ROWS[1], own_parameters=0), *fake_engine.ROWS[2:])
    monkeypatch.setattr(fake_engine, "ROWS", rows)
    async with running(tmp_path) as (app, pilot, _):
        tree = app.workbench.module_tree
        for _ in range(5):
            if "parameters" not in str(tree.border_title):
                await pilot.press("S")
        assert str(tree.border_title).startswith("Modules by own parameters")
        app.workbench.go_to(1)
        assert tree.cursor == 1 and str(tree.border_title) == "Modules"
