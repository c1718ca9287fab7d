"""Which steps a hook acts in, as a person types them: `3`, `"2:5"`, `"last"`."""

from __future__ import annotations

import re
from dataclasses import dataclass

LAST = "last"
_RANGE = re.compile(r"(\d*):(\d*)", re.ASCII)


@dataclass(frozen=True)
class StepChoice:
    """From `first` on, and before `end` where there is one. `last` is the last step alone, which is known afterwards:
    until then it is each one that began."""

    first: int = 0
    end: int | None = None
    last: bool = False

    def holds(self, step: int) -> bool:
        """Whether this step is one of them."""
        return step >= self.first and (self.end is None or step < self.end)


def parse_step(step: int | str | None) -> StepChoice:
    """None is every step. Raises ValueError."""
    if step is None:
        return StepChoice()
    if step == LAST:
        return StepChoice(last=True)
    if isinstance(step, int) and not isinstance(step, bool) and step >= 0:
        return StepChoice(step, step + 1)
    found = _RANGE.fullmatch(step) if isinstance(step, str) else None
    if found is None:
        raise ValueError(f"step is 3, '2:5' (2, 3 and 4), '2:' or 'last', counted from 0, not {repr(step)[:80]}")
    first, end = int(found[1] or 0), int(found[2]) if found[2] else None
    if end is not None and end <= first:
        raise ValueError(f"there is no step in {step!r}: the first one is counted, the last one is not")
    return StepChoice(first, end)
