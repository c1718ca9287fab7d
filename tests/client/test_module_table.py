"""The module list in columns, against plain lists of rows and dicts of paths."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from inspector.client.module_table import ModuleTable, Paths
from inspector.records import ModuleRow, Path
from inspector.records.badges import Badge

_BADGES = ((), (Badge("tied"),))


@st.composite
def lists(draw: st.DrawFn) -> list[ModuleRow]:
    """In preorder; up to 40 rows, so that some have more below them than are looked through one by one."""
    rows = [ModuleRow(0, -1, "", "Net", 7, 0, 28)]
    way = [0]  # from the root down to the row that came last
    for index in range(1, draw(st.integers(1, 40))):
        del way[draw(st.integers(1, len(way))) :]
        alias, own = draw(st.integers(-1, index - 1)), draw(st.integers(0, 1 << 70))
        badges, shape = draw(st.sampled_from(_BADGES)), draw(st.sampled_from((None, (), (2, 3))))
        rows.append(ModuleRow(index, way[-1], str(index), "Linear", own, own, 4 * own, alias, badges, shape))
        way.append(index)
    return rows


def paths_of(rows: list[ModuleRow]) -> list[Path]:
    paths: list[Path] = []
    for row in rows:
        paths.append((*paths[row.parent], row.key) if row.index else ())
    return paths


@given(lists(), st.integers(0, 40))
def test_every_column_is_what_came(rows: list[ModuleRow], cut: int) -> None:
    table, paths = ModuleTable(), paths_of(rows)
    table.extend(rows[:cut])
    assert [table.index_of(path) for path in paths[:cut]] == list(range(len(rows[:cut])))
    table.extend(rows[cut:])
    assert list(table) == rows and table[1:3] == rows[1:3] and table[-1] == rows[-1] and len(table) == len(rows)
    assert list(Paths(table)) == paths == Paths(table)[:] and [Paths(table)[i] for i in range(len(rows))] == paths
    assert list(table.dotted()) == [".".join(path) for path in paths]
    assert list(table.depths) == list(map(len, paths))
    for row in rows:
        children = [other.index for other in rows if other.parent == row.index]
        assert list(table.children(row.index)) == children and table.has_children(row.index) == bool(children)
        below = [i for i, path in enumerate(paths) if path[: len(paths[row.index])] == paths[row.index]]
        assert list(range(row.index, table.end(row.index))) == below
        assert table.object_of(row.index) == (row.alias_of if row.alias_of >= 0 else row.index)
    assert table.list_odd() == {row.index for row in rows if row.badges or row.alias_of >= 0}


def test_where_there_is_none() -> None:
    table = ModuleTable()
    assert table.index_of(()) is None and list(table) == [] and list(Paths(table)) == []
    table.extend([ModuleRow(0, -1, "", "Net", 0, 0, 0)])
    assert table.index_of(()) == 0 and table.index_of(("a",)) is None and table.index_of(("a", "b")) is None


def test_many_modules_take_a_fraction_of_what_their_rows_do() -> None:
    """The rows as they come from the channel, whose parts are all objects of their own."""
    count = 20_000
    sent = [ModuleRow(0, -1, "", "Net", 0, 0, 0)]
    sent += [ModuleRow(n, n - 1 - (n - 1) % 10, str(n % 10), "Linear", 300, 300, 1200) for n in range(1, count)]
    chunks = [msgspec.msgpack.encode(sent[first : first + 500]) for first in range(0, count, 500)]
    decoder = msgspec.msgpack.Decoder(list[ModuleRow])

    def measure(keep: Callable[[list[ModuleRow]], object]) -> int:
        tracemalloc.start()
        for chunk in chunks:
            keep(decoder.decode(chunk))
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return taken

    rows, table = list[ModuleRow](), ModuleTable()
    assert measure(table.extend) * 4 < measure(rows.extend) and list(table) == rows == sent
