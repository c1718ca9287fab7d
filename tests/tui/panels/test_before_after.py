"""An output beside its baseline: numbers, histograms, classes and gradients in the Outputs panel."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from inspector import records as r
from inspector.text import visible
from inspector.tui.drawing.before_after import draw_comparison, draw_distance, top_classes
from inspector.tui.drawing.values import Space
from inspector.tui.panels.outputs import OutputsPanel

from .. import panel_records as made
from .test_panels import NARROW, ODD, Picture, seen, showing, text


@pytest.fixture
def picture(snapshot: Any) -> Any:
    return snapshot.use_extension(Picture)


def plain(detail: r.CallDetail, width: int = 66, tall: bool = False) -> list[str]:
    return [line.body.plain.rstrip() for line in draw_comparison(detail, Space(width, depth=1, tall=tall))]


def summary(ranking: tuple[r.Ranked, ...]) -> r.PassSummary:
    return r.PassSummary(2, 1.0, 8, ranking=ranking)


@pytest.mark.parametrize(("size", "theme"), [((72, 34), "textual-dark"), (NARROW, "textual-light")])
async def test_it_looks_as_kept(size: tuple[int, int], theme: str, picture: Any) -> None:
    panel = OutputsPanel()
    async with showing(panel, made.the_outputs(made.a_comparison()), size=size, theme=theme) as pilot:
        assert pilot.app.export_screenshot(simplify=True) == picture


def test_numbers_stand_side_by_side_with_their_difference() -> None:
    lines = plain(made.a_comparison())
    assert lines[0].strip() == "moved: relative L2 0.322 · cosine 0.951 · max |Δ| 3.06"
    (mean,) = [line for line in lines if "mean" in line]
    assert mean.split() == ["mean", "0.812", "0.844", "+0.0312"]
    heading = next(line for line in lines if "baseline" in line)
    assert heading.split() == ["baseline", "now", "difference"] and len(heading) == len(mean)
    assert [line.split()[0] for line in lines if "▂" in line] == ["baseline", "now", "-1.5"]


def test_histograms_of_two_rows_do_not_touch() -> None:
    lines = plain(made.a_comparison(), tall=True)
    now = next(number for number, line in enumerate(lines) if line.split()[:1] == ["now"])
    assert "baseline" in lines[now - 3] and not lines[now - 2] and lines[now - 1].strip()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [(0, 0, "0 %"), (50_000, 60_000, "+5 %"), (60_000, 50_000, "-5 %"), (50_000, 50_009, "+<0.1 %")],
)
def test_shares_differ_in_percent(before: int, after: int, said: str) -> None:
    then, now = (made.a_tensor(statistics=r.Statistics(0, 1, 1, 1, zeros=count)) for count in (before, after))
    (zeros,) = [line for line in plain(made.a_comparison(baseline=then, output=now)) if "zeros" in line]
    assert zeros.endswith(f"  {said}")


def test_where_it_is_narrow_each_number_has_a_line() -> None:
    lines = plain(made.a_comparison(), 40)
    assert "mean     0.812 → 0.844  +0.0312" in [line.strip() for line in lines]
    assert max(map(cell_len, lines[1:])) <= 40


@pytest.mark.parametrize("width", [36, 44, 46, 66, 120])
def test_no_line_of_a_table_is_wider_than_the_panel(width: int) -> None:
    assert max(cell_len(line) for line in plain(made.a_comparison(), width)[1:]) <= width


def test_a_sample_is_called_one() -> None:
    (line,) = draw_distance(r.Delta(0.1, 0.2, 0.3, sampled=True))
    assert line.body.plain.endswith("(of a sample)")
    assert list(draw_distance(None)) == []


def test_what_is_not_finite_is_counted_on_both_sides() -> None:
    bad = made.a_tensor(statistics=r.Statistics(nan=3, inf=2))
    lines = plain(made.a_comparison(output=bad))
    assert ["NaN", "0", "3", "+3"] in [line.split() for line in lines]
    assert ["Inf", "0", "2", "+2"] in [line.split() for line in lines]
    assert ["mean", "0.812", "–", "–"] in [line.split() for line in lines]


def test_nested_values_are_compared_part_by_part() -> None:
    def output(shift: float) -> r.Value:
        inner = r.MappingValue("dict", ("[red]x",), (made.a_tensor((2, 2), shift),), 1)
        return r.SequenceValue("tuple", (made.a_tensor((4,)), inner), 2, is_tuple=True)

    lines = plain(made.a_comparison(output=output(1.0), baseline=output(0.0)))
    assert sum(line.split()[:1] == ["mean"] for line in lines) == 2
    assert any("[red]x" in line and "2×2" in line for line in lines)


def test_another_kind_of_value_says_what_it_was() -> None:
    lines = plain(made.a_comparison(output=r.NoneValue(), baseline=made.a_tensor((3, 4))))
    assert ["was", "3×4"] in [line.split() for line in lines]
    other = plain(made.a_comparison(output=made.a_tensor((2, 4)), baseline=made.a_tensor((3, 4), dtype="float16")))
    assert any("was 3×4 float16" in line for line in other)


def test_what_did_not_move_is_said_in_one_line() -> None:
    row = msgspec.structs.replace(made.a_comparison().row, delta=r.Delta(0.0, 1.0, 0.0))
    lines = plain(made.a_comparison(row=row, output=made.a_tensor()))
    assert lines[1].strip() == "as in the baseline"
    assert not any("difference" in line for line in lines)


def test_equal_summaries_of_other_elements_are_not_called_the_same() -> None:
    assert not any("as in the baseline" in line for line in plain(made.a_comparison(output=made.a_tensor())))


@pytest.mark.parametrize("width", [20, 36, 46, 60, 100])
def test_classes_fit_and_show_both_probabilities(width: int) -> None:
    lines = [line.body.plain for line in top_classes(made.the_ranking(), Space(width, depth=1))]
    assert len(lines) == 4
    assert width < 36 or max(map(cell_len, lines)) <= width
    assert "10.3 %" in lines[0] and "61.3 %" in lines[0] and "<0.1 %" in lines[2]
    assert ("█" in lines[0]) is (width >= 60)


chances = st.floats(0, 1) | st.just(math.nan)


@given(st.lists(st.builds(r.Ranked, st.integers(0, 10**6), chances, chances, st.text(max_size=30)), max_size=5))
def test_any_ranking_is_one_harmless_line_a_class(ranking: list[r.Ranked]) -> None:
    lines = [line.body.plain for line in top_classes(ranking, Space(66, depth=1))]
    assert len(lines) == len(ranking)
    assert all(cell_len(line) <= 66 and line == visible(line) for line in lines)


async def test_only_the_root_shows_classes() -> None:
    panel, model = OutputsPanel(), made.a_model()
    model.summary = summary(made.the_ranking())
    root = made.a_comparison(path=())
    async with showing(panel, made.the_outputs(root), model=model, size=(72, 60)) as pilot:
        assert any(row.split()[:3] == ["281", "tabby", "cat"] for row in seen(panel))
        panel.show(made.the_outputs(made.a_comparison()))
        await pilot.pause()
        assert "tabby cat" not in text(panel)


async def test_the_gradient_of_the_output_has_a_section() -> None:
    panel = OutputsPanel()
    both = made.a_comparison(gradients=(made.a_tensor((2, 3)), made.a_tensor((5,))))
    async with showing(panel, made.the_outputs(both), size=(72, 60)) as pilot:
        rows = seen(panel)
        at = rows.index("gradient of the output")
        assert rows[at + 1].split()[:2] == ["0", "2×3"]
        panel.show(made.the_outputs(made.a_call()))
        await pilot.pause()
        assert "gradient of the output" not in text(panel)


async def test_names_from_outside_do_no_harm() -> None:
    panel, model = OutputsPanel(), made.a_model()
    model.summary = summary(tuple(r.Ranked(n, 0.5, 0.5, name) for n, name in enumerate(ODD)))
    value = r.MappingValue("dict", ODD, tuple(made.a_tensor((1,), n, preview=None) for n in range(len(ODD))), len(ODD))
    before = msgspec.structs.replace(value, items=tuple(made.a_tensor((1,), preview=None) for _ in ODD))
    detail = made.a_comparison(path=(), output=value, baseline=before)
    async with showing(panel, made.the_outputs(detail), model=model, size=(72, 70)):
        shown = text(panel)
        assert "[red]x" in shown and "[@click=app.quit]q" in shown
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)
