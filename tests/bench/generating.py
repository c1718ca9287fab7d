"""What observing costs where values come again: 16 tokens of `generate`, every module observed, against the bare ones.

A Llama of 32 small layers hands its key-value cache to each of them, twice, in each step. The time is that of
`observed_pass`.
"""

from __future__ import annotations

import random
from statistics import median
from typing import Any

from inspector.engine.passes.forward import listening
from inspector.engine.passes.guarded import forget, run_guarded
from inspector.engine.recording.recorder import Recorder

from .least_hooks import LEAST
from .models import llama
from .observed_pass import OURS, SHAPES, Bench
from .results import Result, median_ratio

LIMITS: dict[str, float | None] = {**dict.fromkeys(OURS, 2.0), SHAPES: None, **dict.fromkeys(LEAST)}
ROUNDS = 9
TOKENS = 16
LAYERS = 32


def measure(rounds: int = ROUNDS) -> list[Result]:
    bench = _Generating(llama(LAYERS))
    kinds = ("bare", *LIMITS)
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(1 + rounds):
        for kind in random.sample(kinds, len(kinds)):
            times[kind].append(bench.run(kind))
    return [_result(kind, limit, times[kind][1:], times["bare"][1:]) for kind, limit in LIMITS.items()]


def _result(kind: str, limit: float | None, taken: list[float], bare: list[float]) -> Result:
    detail = f"{median(taken):.0f} ms against {median(bare):.0f} ms, {len(taken)} rounds"
    return Result(f"{TOKENS} tokens, {LAYERS} layers: {kind} / bare", median_ratio(taken, bare), limit, detail=detail)


class _Generating(Bench):
    """A pass is a `generate`."""

    def _pass(self, recorder: Recorder | None) -> float:
        model: Any = self.measured.model

        def run() -> Any:
            with listening([self.observers] if recorder is not None else [], recorder):
                return model.generate(*self.measured.args, max_new_tokens=TOKENS, do_sample=False, pad_token_id=0)

        outcome = run_guarded(self.tree, self.backup, run, forget, seed=0)
        if recorder is not None:
            recorder.finish(outcome.error)
        assert outcome.error is None, outcome.error
        return outcome.ms
