"""What became of one hook since its pass began, counted while the model runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from .effect import Effect


@dataclass
class Tally:
    """`fired` says how often the hook was carried out, `seconds` how long that took, and `fault` what went wrong last.

    The rest is for saying why it never fired, and whether it changed anything.
    """

    fired: int = 0
    seconds: float = 0.0
    fault: Exception | None = None
    calls: int = 0  # of its module; of a state dict hook, state dicts
    most_calls: int = 0  # of its module within one step
    last_step: int = -1  # that its module was called in
    chosen: int = 0  # calls that `step`, `call` and `every` let through
    tested: int = 0  # tensors that its condition was tried on
    awaited: int = 0  # tensors whose gradient was waited for
    effect: Effect = field(default_factory=Effect)

    def count_call(self, step: int, within: int, chosen: bool) -> None:
        """A call of the module begins in this step, which is so many within it."""
        self.calls += 1
        self.last_step = max(self.last_step, step)
        self.most_calls = max(self.most_calls, within)
        self.chosen += chosen
