"""What a pass of 100,000 modules costs, most of which compute next to nothing: what is done for each of them."""

from __future__ import annotations

from .models import many_modules
from .results import Result
from .run_to_result import measure_runs

ROUNDS = 2


def measure(rounds: int = ROUNDS) -> list[Result]:
    return measure_runs("100,000 modules", many_modules(), rounds)
