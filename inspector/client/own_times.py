"""How long each module ran itself: the time in its calls that is in none of the calls in them."""

from __future__ import annotations

from collections import defaultdict

from .call_table import CallTable


class OwnTimes:
    """Of the calls of a table, as far as `extend` took them in."""

    def __init__(self, calls: CallTable) -> None:
        self.calls = calls
        self.by_module: dict[int, float] = defaultdict(float)  # milliseconds, over all its calls
        self._inside: dict[int, float] = defaultdict(float)  # depth -> of the calls there that were not taken off yet
        self._known = 0

    @property
    def is_complete(self) -> bool:
        """Whether all calls were taken in."""
        return self._known == len(self.calls)

    def extend(self, most: int | None = None) -> None:
        """Take in the calls that came since the last time, or so many of them."""
        calls, first, spent, inside = self.calls, self._known, self.by_module, self._inside
        last = len(calls) if most is None else min(first + most, len(calls))
        columns = calls.modules[first:last], calls.depths[first:last], calls.ms[first:last]
        for module, depth, ms in zip(*columns, strict=True):
            spent[module] += max(ms - inside.pop(depth + 1, 0.0), 0.0)
            inside[depth] += ms
        self._known = last
