"""The benchmarks themselves: that they measure. What they measure is not asserted here, on a machine with others."""

from __future__ import annotations

import pytest

from tests.bench import generating, observed_pass, run_to_result
from tests.bench.__main__ import main
from tests.bench.figures import measure
from tests.bench.results import Result, median_ratio, percentile, table


def test_pass_figure_gives_ratios_of_ours_and_of_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observed_pass, "SMALL", {"resnet18": observed_pass.SMALL["resnet18"]})
    results = measure("pass", rounds=2)
    ours, peers = results[: len(observed_pass.OURS)], results[len(observed_pass.OURS) :]
    assert "shapes" in ours[0].figure and all("statistics" in each.figure for each in ours[1:])
    assert len(peers) >= 2 and all(peer.limit is None for peer in peers)
    assert all(0.2 < result.measured < 200 for result in results)


def test_run_figure_gives_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_to_result, "billion", lambda: run_to_result.resnet18(1))
    results = measure("run", rounds=2)
    assert len(results) == 4 and all(result.measured > 0.2 for result in results)


def test_generate_figure_gives_a_ratio_for_shapes_and_for_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generating, "LAYERS", 2)
    shapes, statistics, *_ = measure("generate", rounds=1)
    assert "shapes" in shapes.figure and "statistics" in statistics.figure
    assert 0.2 < shapes.measured < 30 and 0.2 < statistics.measured < 30


def test_unknown_figure_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as end:
        main(["speed"])
    assert end.value.code == 2


def test_percentile_is_a_value_that_was_measured() -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentile(values, 0.99) == 99
    assert percentile(values, 1.0) == 100
    assert percentile([7.0], 0.99) == 7


def test_ratio_is_of_neighbours_and_not_of_medians() -> None:
    assert median_ratio([2, 30, 4], [1, 10, 1]) == 3


@pytest.mark.parametrize(
    "measured, missed, words", [(1.0, False, "1.00 |"), (1.05, False, "within the margin"), (1.2, True, "**missed**")]
)
def test_a_target_is_missed_only_past_the_margin(measured: float, missed: bool, words: str) -> None:
    result = Result("thing", measured, limit=1.0)
    assert result.missed is missed
    assert words in table([result])
