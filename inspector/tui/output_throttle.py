"""Output that comes faster than a person or a screen can take: its first and last part, and how much was left out."""

from __future__ import annotations

RATE = 20_000
"""Bytes a second handed on, over any longer time: some hundred lines, more than can be read."""

BURST = 64_000
"""Bytes handed on at once after a quiet time."""

TAIL = 8_000
"""Bytes of the end of a flood that are kept."""


class OutputThrottle:
    """Takes bytes as they come and hands on what fits the rate."""

    def __init__(self, now: float) -> None:
        self._budget = float(BURST)
        self._then = now
        self._tail = bytearray()
        self._left_out = 0  # bytes between what was handed on and the tail

    @property
    def holds_back(self) -> bool:
        """There is a tail to be handed on later."""
        return bool(self._tail)

    def feed(self, data: bytes, now: float) -> bytes:
        """What to show of `data` now."""
        self._refill(now)
        if self._tail:
            self._hold(data)
            return self.release(now)
        passed = data[: int(self._budget)]
        self._budget -= len(passed)
        self._hold(data[len(passed) :])
        return passed

    def release(self, now: float, *, end: bool = False) -> bytes:
        """The tail with a line that says what is missing before it, once the rate allows it or at the `end`."""
        self._refill(now)
        if not self._tail or (len(self._tail) > self._budget and not end):
            return b""
        note = f"\n[… {self._left_out:,} bytes left out …]\n".encode() if self._left_out else b""
        held = note + bytes(self._tail)
        self._budget = max(self._budget - len(held), 0.0)
        self._tail.clear()
        self._left_out = 0
        return held

    def _refill(self, now: float) -> None:
        self._budget = min(self._budget + (now - self._then) * RATE, BURST)
        self._then = now

    def _hold(self, data: bytes) -> None:
        self._tail += data
        excess = len(self._tail) - TAIL
        if excess > 0:
            del self._tail[:excess]
            self._left_out += excess
