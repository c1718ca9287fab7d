"""Many cases, front by front, and what came of them."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .apart import Verdict, run_apart
from .case import Size
from .fronts import FRONTS

CASES = 1_000_000
"""Numbers of cases of one seed."""

_SHRINKS = 4
_MORE = 20.0  # seconds in which what has begun may be ended


@dataclass
class Tally:
    cases: int = 0
    failures: int = 0
    seconds: float = 0.0


class Campaign:
    """Args:
    names: The fronts.
    seed: What the cases are drawn from.
    size: Of every terminal; None for random ones.
    minutes: How long it goes on, with all that it takes to shorten what failed.
    details: The folder for what failures did and showed.
    """

    def __init__(
        self, names: Sequence[str], seed: int, size: Size | None, minutes: float, details: str | None = None
    ) -> None:
        self._seed = seed
        self._size = size
        self._minutes = minutes
        self._details = details
        self._tallies = {name: Tally() for name in names}
        self._deadline = 0.0
        self._cut_off = False

    def run(self) -> int:
        """Returns the exit code."""
        print(f"attack: seed {self._seed}", flush=True)
        for name in self._tallies:
            FRONTS[name].prepare()
        self._deadline = time.monotonic() + self._minutes * 60
        while time.monotonic() < self._deadline:
            self._attack(min(self._tallies, key=lambda name: self._tallies[name].seconds))
        self._clear_progress()
        print(self.table())
        return 1 if any(tally.failures for tally in self._tallies.values()) else 0

    def table(self) -> str:
        rows = [("front", "cases", "failures", "seconds")]
        rows += [(name, str(t.cases), str(t.failures), f"{t.seconds:.0f}") for name, t in self._tallies.items()]
        lines = [f"{name:<10}{cases:>8}{failures:>10}{seconds:>9}" for name, cases, failures, seconds in rows]
        return "\n".join([*lines, *(["the last case was not done in time"] if self._cut_off else [])])

    def _attack(self, name: str) -> None:
        tally = self._tallies[name]
        seed = self._seed * CASES + tally.cases
        verdict = self._run(name, seed)
        if verdict.cut_off:
            self._cut_off = True
            return
        tally.cases += 1
        if verdict.problem:
            tally.failures += 1
            self._tell(name, seed, verdict)
        self._show_progress()

    def _run(self, name: str, seed: int, skip: int = 0) -> Verdict:
        verdict = run_apart(name, FRONTS[name], seed, self._size, skip, self._deadline + _MORE)
        self._tallies[name].seconds += verdict.seconds
        return verdict

    def _tell(self, name: str, seed: int, verdict: Verdict) -> None:
        """First as it is: to shorten it takes a while."""
        self._clear_progress()
        command = f"python -m tests.attack --case {name}:{seed}"
        command += f" --size {self._size[0]}x{self._size[1]}" if self._size else ""
        print(f"attack: {name}: {verdict.problem}\n    {command}", flush=True)
        self._keep(f"{name}-{seed}", verdict)
        skip, shorter = self._shrink(name, seed, verdict) if FRONTS[name].shrinks else (0, verdict)
        if skip:
            print(f"    {command} --skip {skip}", flush=True)
            self._keep(f"{name}-{seed}-skip-{skip}", shorter)

    def _keep(self, name: str, verdict: Verdict) -> None:
        if self._details:
            Path(self._details).mkdir(parents=True, exist_ok=True)
            Path(self._details, f"{name}.txt").write_text(verdict.detail, "utf-8", "backslashreplace")

    def _shrink(self, name: str, seed: int, verdict: Verdict) -> tuple[int, Verdict]:
        """How many of the first deeds can be left out so that it still fails, by halves, while there is time."""
        skip, step = 0, verdict.deeds // 2
        for _ in range(_SHRINKS):
            if time.monotonic() > self._deadline:
                break
            shorter = self._run(name, seed, skip + step)
            if shorter.problem:
                skip, verdict = skip + step, shorter
            step //= 2
        return skip, verdict

    def _show_progress(self) -> None:
        if sys.stderr.isatty():
            words = "  ".join(f"{name} {tally.cases}" for name, tally in self._tallies.items())
            failures = sum(tally.failures for tally in self._tallies.values())
            print(f"\r\x1b[K{words}  failures {failures}", end="", file=sys.stderr, flush=True)

    def _clear_progress(self) -> None:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
