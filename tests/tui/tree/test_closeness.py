"""How near names are to what is typed."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.tui.tree.closeness import closeness
from inspector.tui.tree.finding import Finder, locate


def list_ways(typed: str, name: str) -> list[tuple[int, ...]]:
    places = combinations(range(len(name)), len(typed))
    return [at for at in places if "".join(name[each] for each in at) == typed]


def count_groups(places: tuple[int, ...]) -> int:
    return 1 + sum(after != before + 1 for before, after in pairwise(places))


@given(st.text("ab.", min_size=1, max_size=5), st.text("ab.", max_size=9))
def test_it_is_that_of_the_fewest_groups_of_all_ways(typed: str, name: str) -> None:
    ways = list_ways(typed, name)
    if not ways or typed in name:
        assert (closeness(typed, name) > 0) == (typed in name)
        return
    groups = min(map(count_groups, ways))
    starts = {at for at, letter in enumerate(name) if letter != "." and (at == 0 or name[at - 1] == ".")}
    firsts = max(len(starts & {*way}) for way in ways if count_groups(way) == groups)
    together = (len(typed) - groups + 1) / len(typed)
    assert closeness(typed, name) == pytest.approx((len(typed) + firsts) * (1 + together * together))


def test_near_names_come_before_far_ones() -> None:
    names = ["resnet", "wide_resnet50_2", "regnet_x", "rust_engine_set", "alexnet"]
    assert sorted(names, key=lambda name: -closeness("resnet", name))[:2] == ["resnet", "wide_resnet50_2"]
    assert closeness("rx", "regnet_x") > closeness("gx", "regnet_x") > 0 == closeness("xr", "regnet_x")


@pytest.mark.parametrize(
    "typed", ["e" * 60, "e" * 59 + "z", "1" * 40 + "x", " ".join("e" * 40), " ".join("e" * 41) + " z"]
)
def test_a_key_that_is_held_down_takes_no_longer_than_another(typed: str) -> None:
    """Every way to find so many letters in so many would take longer than anybody lives."""
    name = "e1" * 70
    closeness(typed, name)
    locate(typed, name)
    Finder([name] * 20).find(typed, 10)
