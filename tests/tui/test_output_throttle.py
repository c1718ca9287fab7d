"""Output faster than a person can take, with a clock that the test moves."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from inspector.tui.output_throttle import BURST, RATE, TAIL, OutputThrottle

NOTE = re.compile("\n\\[… ([0-9,]+) bytes left out …\\]\n".encode())


def left_out(shown: bytes) -> int:
    """The bytes that notes in `shown` say are missing."""
    return sum(int(count.replace(b",", b"")) for count in NOTE.findall(shown))


def test_ordinary_output_passes_as_it_is():
    throttle = OutputThrottle(0.0)
    assert throttle.feed(b"hello\n", 0.0) == b"hello\n"
    assert not throttle.holds_back


def test_of_a_flood_the_first_and_the_last_part_stay():
    throttle = OutputThrottle(0.0)
    shown = throttle.feed(b"first" + b"x" * 50_000_000 + b"last", 0.0)
    assert shown.startswith(b"first") and len(shown) == BURST
    end = throttle.release(0.0, end=True)
    assert end.endswith(b"last") and b"bytes left out" in end and len(end) < TAIL + 100
    assert left_out(end) == 50_000_009 - BURST - TAIL


def test_over_time_the_rate_holds():
    throttle = OutputThrottle(0.0)
    shown = sum(len(throttle.feed(b"x" * 65536, n / 1000)) for n in range(10_000))
    assert shown <= BURST + 10 * RATE * 1.1


@given(st.lists(st.tuples(st.binary(max_size=300_000), st.floats(0, 2)), max_size=8))
def test_every_byte_is_shown_or_counted(pieces):
    throttle, now, shown = OutputThrottle(0.0), 0.0, b""
    for data, wait in pieces:
        now += wait
        shown += throttle.feed(data, now)
    shown += throttle.release(now, end=True)
    total = sum(len(data) for data, _ in pieces)
    if b"left out" not in b"".join(data for data, _ in pieces):
        assert len(NOTE.sub(b"", shown)) + left_out(shown) == total
