"""The calls of a pass in columns, against plain lists of rows."""

from __future__ import annotations

import math
import tracemalloc
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from inspector import packed_column
from inspector.client.call_table import ALTERED, BAD, ODD, RAISED, CallTable
from inspector.client.model import Model
from inspector.client.notable_calls import pick_notable
from inspector.packed_column import pack
from inspector.records import Brief, CallColumns, CallRow, Delta
from inspector.report.findings import find_producers
from inspector.report.hints import hint_at_dead, hint_at_first_bad
from inspector.tui.tree.lines import call_badges, module_badges

floats = st.floats(allow_infinity=True, allow_nan=False)
some = st.none() | floats
holds = st.sampled_from(("", "NaN", "Inf", "zeros"))
whole = st.integers(0, (1 << 31) - 1)
calls = st.lists(
    st.builds(
        CallRow,
        module=st.integers(0, 5),
        call=whole,
        start=st.integers(-1, 1 << 60),
        end=st.integers(-1, 1 << 60),
        depth=whole,
        ms=st.floats(-1e15, 1e15),
        status=st.sampled_from(("ok", "raised", "unfinished")),
        brief=st.sampled_from((Brief(), Brief((1, 2)), Brief(None, 2, "None"))),
        holds=holds,
        file=st.sampled_from(("", "net.py")),
        line=st.integers(0, 2),
        altered=st.booleans(),
        delta=st.none() | st.builds(Delta, st.floats(0), floats, floats, st.booleans()),
        gradient=some,
        recomputed=st.booleans(),
        input_holds=holds,
        step=st.integers(0, 1),
        in_step=whole,
        gradient_norm=some,
        weight_ratio=some,
        caller=st.integers(-1, (1 << 31) - 1),
    ),
    max_size=12,
)


@pytest.fixture(params=[4, packed_column.PAGE], autouse=True, scope="module")
def page(request: pytest.FixtureRequest) -> Iterator[None]:
    """Calls in several pages, and in one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed_column, "PAGE", request.param)
        yield


@given(calls, st.sampled_from((0, 1, 4, 12)))
def test_every_column_is_what_came(rows: list[CallRow], cut: int) -> None:
    table = CallTable()
    table.extend(CallColumns.of(rows[:cut]))
    table.extend(CallColumns.of(rows[cut : cut + 4]))
    table.extend(CallColumns.of(rows[cut + 4 :]))
    assert list(table) == rows == table[:] and len(table) == len(rows) and table[1:3] == rows[1:3]
    assert list(table.modules) == [row.module for row in rows] and table.briefs() == {row.brief for row in rows}
    assert table.distances() == {row.delta.rel_l2 for row in rows if row.delta is not None}
    assert table.distances(cut) == {row.delta.rel_l2 for row in rows[cut:] if row.delta is not None}
    assert table.has("gradient_norm") == any(row.gradient_norm is not None for row in rows)
    assert list(table.find({0, 3})) == [place for place, row in enumerate(rows) if row.module in (0, 3)]
    for module in range(7):
        of = [row for row in rows if row.module == module]
        assert table.of(module) == of and table.count(module) == len(of)
        assert table.last(module) == (of[-1] if of else None)
        distances = [row.delta.rel_l2 for row in of if row.delta is not None]
        assert table.distance(module) == max(distances, default=None)
        flags = table.flags(module)
        assert bool(flags & RAISED) == any(row.status == "raised" for row in of)
        assert bool(flags & ALTERED) == any(row.altered for row in of)
    assert table.most == max((table.count(module) for module in range(6)), default=0)


@given(calls)
def test_what_stands_out_is_found(rows: list[CallRow]) -> None:
    table = CallTable()
    table.extend(CallColumns.of(rows))
    odd = [row for row in rows if row.status != "ok" or row.holds or row.recomputed]
    bad = [row for row in rows if {row.holds, row.input_holds} & {"NaN", "Inf"}]
    assert list(table.select(ODD)) == odd and list(table.select(BAD)) == bad
    assert list(table.called()) == sorted({row.module for row in rows})
    assert list(table.called(ODD)) == sorted({row.module for row in odd})


@given(calls)
def test_the_largest_gradient_is_known_of_each_module(rows: list[CallRow]) -> None:
    table = CallTable()
    table.extend(CallColumns.of(rows))
    for module in range(7):
        norms = [row.gradient_norm for row in rows if row.module == module and row.gradient_norm is not None]
        assert table.gradient_norm(module) == max(norms, default=None)


@given(calls, st.integers(0, 12))
def test_what_is_said_of_calls_needs_few_of_them(rows: list[CallRow], cut: int) -> None:
    """The badges of a module from what was counted, and the hints from the notable ones, are those from every row."""
    table = CallTable()
    table.extend(CallColumns.of(rows[:cut]))
    table.extend(CallColumns.of(rows[cut:]))
    producers = find_producers(rows)
    for module in range(7):
        own = [row for row in rows if row.module == module]
        made = any(row.start in producers for row in own)
        assert module_badges(table, module, made) == call_badges(own, producers)
    some = pick_notable(table)
    paths = [str(module) for module in range(6)]
    assert list(hint_at_first_bad(some, paths)) == list(hint_at_first_bad(rows, paths))
    assert hint_at_dead(some, paths) == hint_at_dead(rows, paths)
    assert {row.module for row in table.examples(ODD)} <= {row.module for row in rows}


def test_a_module_that_gave_zeros_around_the_first_nan_is_not_dead_where_it_gave_more() -> None:
    bad = CallRow(0, 0, 1, 2, 1, 1.0, "ok", Brief(), "NaN")
    around = CallRow(1, 0, 0, 9, 0, 1.0, "ok", Brief(), "zeros")
    live = CallRow(1, 1, 10, 11, 0, 1.0, "ok", Brief())
    table = CallTable()
    table.extend(CallColumns.of((bad, around, live)))
    assert not hint_at_dead(pick_notable(table), ["0", "1"])


@pytest.mark.parametrize("field", ["start", "end", "depth", "call", "in_step", "caller"])
def test_numbers_that_a_damaged_log_holds_do_no_harm(field: str) -> None:
    model = Model()
    model.calls.extend(CallColumns.of([CallRow(**{**CALL, field: 1 << 63})]))
    assert getattr(model.calls[0], field) < 1 << 63


@pytest.mark.parametrize("distances", [(1.0, math.nan, 2.0), (math.nan,), (math.inf, math.nan)])
def test_a_distance_that_is_no_number_is_the_farthest(distances: tuple[float, ...]) -> None:
    table = CallTable()
    for distance in distances:
        table.extend(CallColumns.of([CallRow(**CALL, delta=Delta(distance, 1.0, 0.0))]))
    farthest = table.distance(0)
    assert farthest is not None and math.isnan(farthest) and table.distance(1) is None


def test_a_number_that_is_none_stays_none_where_it_is_not_a_number() -> None:
    table = CallTable()
    table.extend(
        CallColumns.of([CallRow(**CALL), CallRow(**CALL, gradient_norm=math.nan), CallRow(**CALL, gradient_norm=0.0)])
    )
    first, second, third = table
    assert first.gradient_norm is None and third.gradient_norm == 0.0
    assert second.gradient_norm is not None and math.isnan(second.gradient_norm)


CALL = {"module": 0, "call": 0, "start": 0, "end": 1, "depth": 0, "ms": 0.5, "status": "ok", "brief": Brief()}


def test_many_calls_take_a_fraction_of_what_their_rows_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """As they come from the channel."""
    monkeypatch.setattr(packed_column, "PAGE", 4096)
    fields = {**CALL, "brief": Brief((1, 64, 56, 56)), "file": "site-packages/torch/nn/modules/container.py"}
    sent = [CallRow(**{**fields, "start": 1000 + n, "end": 2000 + n, "ms": n / 7, "in_step": n}) for n in range(20_000)]
    chunks = [sent[first : first + 500] for first in range(0, len(sent), 500)]
    rows, table = list[CallRow](), CallTable()

    def measure(keep: Callable[[Any], object], kind: Any, encoded: list[bytes]) -> int:
        decoder = msgspec.msgpack.Decoder(kind)
        tracemalloc.start()
        for chunk in encoded:
            keep(decoder.decode(chunk))
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return taken

    one_by_one = [msgspec.msgpack.encode(chunk) for chunk in chunks]
    in_columns = [msgspec.msgpack.encode(CallColumns.of(chunk)) for chunk in chunks]
    assert sum(map(len, in_columns)) * 9 < sum(map(len, one_by_one)) * 5
    assert measure(table.extend, CallColumns, in_columns) * 4 < measure(rows.extend, list[CallRow], one_by_one)
    assert list(table) == rows == sent


@given(calls, st.data())
def test_columns_that_do_not_go_together_are_refused(rows: list[CallRow], data: st.DataObject) -> None:
    columns = CallColumns.of(rows)
    assert list(msgspec.msgpack.decode(msgspec.msgpack.encode(columns), type=CallColumns)) == rows
    name = data.draw(st.sampled_from([*columns.whole, *columns.floats]))
    part = "whole" if name in columns.whole else "floats"
    held = getattr(columns, part)
    for wrong in ({**held, name: held[name] + bytes(8)}, {**held, name: held[name] + b"x"}, {**held, "colour": b""}):
        with pytest.raises(ValueError, match=r"column|bytes"):
            list(replace(columns, **{part: wrong}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"kinds": ()},
        {"kind": pack(array("i", [1]))},
        {"kind": pack(array("i", [-1]))},
        {"ms": pack(array("d", [math.nan]))},
        {"ms": pack(array("d", [math.inf]))},
        {"ms": b""},
        {"whole": {}},
    ],
)
def test_columns_that_hold_what_no_call_has_are_refused(wrong: dict[str, Any]) -> None:
    columns = CallColumns.of([CallRow(**CALL)])
    with pytest.raises(ValueError):
        list(replace(columns, **wrong))
    below = {**columns.whole, "module": pack(array("i", [-1]))}
    with pytest.raises(ValueError, match="below 0"):
        list(replace(columns, whole=below))
