"""Output faster than a person can take, with a clock that the test moves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inspector.tui.output_throttle import BURST, RATE, TAIL, Flood


def test_ordinary_output_passes_as_it_is():
    flood = Flood(0.0)
    assert flood.feed(b"hello\n", 0.0) == b"hello\n"
    assert not flood.holds_back and flood.dropped == 0


def test_of_a_flood_the_first_and_the_last_part_stay():
    flood = Flood(0.0)
    shown = flood.feed(b"first" + b"x" * 50_000_000 + b"last", 0.0)
    assert shown.startswith(b"first") and len(shown) == BURST
    end = flood.release(0.0, end=True)
    assert end.endswith(b"last") and b"bytes left out" in end and len(end) < TAIL + 100
    assert flood.dropped == 50_000_009 - BURST - TAIL


def test_over_time_the_rate_holds():
    flood = Flood(0.0)
    shown = sum(len(flood.feed(b"x" * 65536, n / 1000)) for n in range(10_000))
    assert shown <= BURST + 10 * RATE * 1.1


@given(st.lists(st.tuples(st.binary(max_size=300_000), st.floats(0, 2)), max_size=8))
def test_every_byte_is_shown_or_counted(pieces):
    flood, now, shown = Flood(0.0), 0.0, b""
    for data, wait in pieces:
        now += wait
        shown += flood.feed(data, now)
    shown += flood.release(now, end=True)
    total = sum(len(data) for data, _ in pieces)
    notes = sum(len(line) + 2 for line in shown.split(b"\n") if line.endswith(b"bytes left out \xe2\x80\xa6]"))
    if b"left out" not in b"".join(data for data, _ in pieces):
        assert len(shown) - notes + flood.dropped == total
