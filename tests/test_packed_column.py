"""Packed numbers against plain lists of them."""

from __future__ import annotations

import zlib
from array import array
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector import packed_column
from inspector.packed_column import PAGE, PackedColumn, pack, unpack

longs = st.lists(st.integers(-(1 << 63), (1 << 63) - 1), max_size=30)


@given(longs, longs, st.integers(-30, 30), st.integers(-30, 30), st.integers(1, 3))
def test_a_column_is_as_a_list(first: list[int], then: list[int], start: int, stop: int, step: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed_column, "PAGE", 4)
        column: PackedColumn[int] = PackedColumn("q")
        column.extend(first)
        column.tail.extend(then)
        plain = first + then
        assert [column[place] for place in range(len(plain))] == plain == list(column[:])
        assert list(column[start:stop:step]) == plain[start:stop:step]
        column.settle()
        assert len(column.tail) < 4 and list(column) == plain == list(column[:]) and len(column) == len(plain)
        assert [column[place] for place in range(-len(plain), len(plain))] == plain * 2
        assert list(column[start:stop:step]) == plain[start:stop:step]
        with pytest.raises(IndexError):
            column[len(plain)]
        again: PackedColumn[int] = PackedColumn("q")
        for place in range(0, len(plain), 4):
            page: array[int] = unpack(
                "q", column.packed(place, min(place + 4, len(plain))), len(plain[place : place + 4])
            )
            again.adopt(pack(page), page)
        assert again == column


@given(st.lists(st.floats()))
def test_a_page_of_floats_is_as_it_was(numbers: list[float]) -> None:
    held = array("d", numbers)
    again: array[float] = unpack("d", pack(held), len(held))
    assert again.tobytes() == held.tobytes()


def test_few_pages_are_kept_unpacked_and_several_threads_read_them() -> None:
    column: PackedColumn[int] = PackedColumn("i")
    column.extend(range(60 * PAGE))
    places = range(0, len(column), 997)
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda _: [column[place] for place in places], range(4))
        assert all(each == list(places) for each in found)
    assert len(column._at_hand) <= 32


def test_alike_numbers_take_next_to_nothing() -> None:
    assert len(pack(array("q", range(0, 3 * PAGE, 3)))) * 50 < PAGE * 8
    column: PackedColumn[int] = PackedColumn("q")
    column.extend(range(100 * PAGE))
    column[0], column[50 * PAGE]
    assert len(column.tail) == 0 and len(column._at_hand) == 2


@pytest.mark.parametrize(
    "held",
    [
        b"", b"\0", b"\1x", b"\0" + zlib.compress(bytes(7)), b"\0" + zlib.compress(bytes(16)),
        pack(array("q", [1])) + b"x",
        b"\1" + zlib.compress(array("q", [1 << 62, 1 << 62]).tobytes()), b"\0" + zlib.compress(bytes(1 << 24)),
        b"\0" + zlib.compress(bytes(8))[:-4],
    ],
)  # fmt: skip
def test_what_is_no_page_is_refused(held: bytes) -> None:
    with pytest.raises(ValueError, match="column"):
        unpack("q", held, 1)
