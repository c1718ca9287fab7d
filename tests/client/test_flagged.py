"""Places out of very many, against plain lists."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.client import flagged
from inspector.client.call_table import CallTable
from inspector.client.flagged import Flagged
from inspector.client.module_bytes import ModuleBytes
from inspector.records import Brief, CallColumns, CallRow


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40), st.integers(1, 9), st.slices(40))
def test_places_are_as_in_a_list(flags: list[tuple[bool, bool]], block: int, some: slice) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flagged, "_BLOCK", block)
        one, other = (Flagged(bytes(column)) for column in (zip(*flags, strict=True) if flags else ((), ())))
        places = [place for place, (flag, _) in enumerate(flags) if flag]
        assert list(one) == places and len(one) == len(places)
        assert one[some] == places[some] and [one[index] for index in range(-len(places), 0)] == places
        assert [one.rank(place) for place in range(len(flags))] == [
            sum(each < place for each in places) for place in range(len(flags))
        ]
        assert list(one.among(other)) == [place for place, both in enumerate(flags) if all(both)]
        named = Flagged(bytes(flag for flag, _ in flags), [7 * place for place in range(len(flags))].__getitem__)
        assert list(named) == named[:] == [7 * place for place in places]
    with pytest.raises(IndexError):
        one[len(places)]


@given(
    st.lists(st.lists(st.one_of(st.integers(0, 3), st.integers(250, 260), st.integers(0, 70_000)), max_size=60)),
    st.sets(st.one_of(st.integers(0, 260), st.integers(0, 70_000))),
)
def test_modules_are_flagged_whatever_their_order(pages: list[list[int]], wanted: set[int]) -> None:
    modules = ModuleBytes()
    for page in pages:
        modules.extend(array("i", page))
    assert list(modules.flag(wanted, 70_001)) == [module in wanted for page in pages for module in page]


def test_calls_of_some_modules_are_found_without_a_look_at_each() -> None:
    """A letter of a search goes through a million calls: it must cost a fraction of one look at each of them."""
    table = CallTable()
    table.extend(CallColumns.of([CallRow(module, 0, 0, 1, 0, 1.0, "ok", Brief()) for module in range(1_000)] * 200))
    wanted = frozenset(range(0, 1_000, 3))
    modules = table.modules[:]
    found = table.find(wanted)
    assert list(found) == [place for place, module in enumerate(modules) if module in wanted]
    assert _best(lambda: len(table.find(wanted))) < _best(lambda: [module in wanted for module in modules]) / 2


def _best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        began = perf_counter()
        work()
        times.append(perf_counter() - began)
    return min(times)
