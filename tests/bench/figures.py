"""Every figure by name. A new one is a file with `measure(rounds)` and `ROUNDS`, and a line here."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from .results import Result

FIGURES = {
    "first-frame": "first_frame",
    "tree": "tree_ready",
    "pass": "observed_pass",
    "generate": "generating",
    "run": "run_to_result",
    "modules": "many_modules",
    "memory": "open_memory",
    "first-bad": "first_bad",
    "lines": "traced_lines",
    "disabled": "disabled_hooks",
    "key": "key_to_frame",
    "result": "result_frame",
}


def measure(name: str, rounds: int | None = None) -> list[Result]:
    """The results of one figure, after as many rounds as it is worth unless `rounds` says otherwise."""
    module = import_module(f".{FIGURES[name]}", __package__)  # here, because one of them needs torch and others do not
    run: Callable[[int], list[Result]] = module.measure
    return run(rounds or module.ROUNDS)
