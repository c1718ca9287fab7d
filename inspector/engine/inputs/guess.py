"""Guessing a sample input: proposals tried by real passes until one runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice

import torch
from torch import nn

from ...errors import UsageError
from .placeholders import PlaceholderSolver
from .pretrained import is_described
from .proposals import Proposal, proposals
from .sample import Arguments, Sample, draw, sample_from_values, setting_for
from .solve import SideSolver
from .specs import parse_specs

TRIES = 25
SECONDS = 20.0
FEW_TRIES = 15
FEW_SECONDS = 3.0
"""For what is only a proposal."""
STRANGERS = 3
"""Failures in a row that no other shape will cure, after which guessing stops."""

_WORDS = ("shape", "size", "dim", "dtype", "type", "channel", "expected", "match", "index", "broadcast", "batch")
_MORE_WORDS = (
    "scalar",
    "multiply",
    "multiplied",
    "element",
    "length",
    "kernel",
    "long",
    "float",
    "divisible",
    "unpack",
)

Attempt = Callable[[Sample], "BaseException | None"]


def example_of(model: nn.Module) -> Arguments | None:
    """The example that a model carries itself, as Lightning's modules do: an argument, several, or keywords."""
    try:
        example = getattr(model, "example_input_array", None)
    except Exception:  # a property is the model's code, and may need a trainer or data that are not there
        return None
    if isinstance(example, torch.Tensor):
        return (example,), {}
    if isinstance(example, (tuple, list)) and example:
        return tuple(example), {}
    if isinstance(example, dict) and example and all(isinstance(name, str) for name in example):
        return (), dict(example)
    return None


def guess_candidates(model: nn.Module, seed: int = 0) -> Iterator[Sample]:
    """Samples that may fit, likely and cheap ones first."""
    for sample, _ in _candidates(model, seed, _solver(model)):
        yield sample


def guess(model: nn.Module, attempt: Attempt, seed: int = 0) -> Sample | None:
    """The first candidate with which `attempt` runs.

    Args:
        model: Looked at, not called.
        attempt: Runs a real pass and returns what it raised, None where it ran. An error that is no `Exception` (a
            cancelled pass) ends the guessing.
        seed: For the random parts.
    """
    solver = _solver(model)
    found = _search(_candidates(model, seed, solver), attempt, solver, TRIES, SECONDS, _patience(model))
    return found[0] if found is not None else None


def fitting_specs(model: nn.Module, attempt: Attempt, seed: int = 0) -> Proposal | None:
    """Specs with which `attempt` runs, for somebody whose own did not; None where a few tries find none."""
    solver = _solver(model)
    typed = (each for each in _candidates(model, seed, solver) if each[1])
    found = _search(typed, attempt, solver, FEW_TRIES, FEW_SECONDS, _patience(model))
    return found[1] if found is not None else None


def _patience(model: nn.Module) -> int:
    """A config's proposals are few and each leaves out something else, so any error may be cured by the next."""
    return TRIES if is_described(model) else STRANGERS


def _search(
    candidates: Iterator[tuple[Sample, Proposal]],
    attempt: Attempt,
    solver: SideSolver | PlaceholderSolver,
    tries: int,
    seconds: float,
    patience: int,
) -> tuple[Sample, Proposal] | None:
    deadline, strangers = time.monotonic() + seconds, 0
    for sample, proposal in islice(candidates, tries):
        error = attempt(sample)
        if error is None:
            return sample, proposal
        text = _text(error)
        strangers = 0 if is_about_input(error, text) else strangers + 1
        if not isinstance(error, Exception) or strangers >= patience or time.monotonic() > deadline:
            return None
        solver.observe(proposal, text)
    return None


def _solver(model: nn.Module) -> SideSolver | PlaceholderSolver:
    return PlaceholderSolver(model) if is_described(model) else SideSolver()


def _candidates(
    model: nn.Module, seed: int, solver: SideSolver | PlaceholderSolver
) -> Iterator[tuple[Sample, Proposal]]:
    example = example_of(model)
    if example is not None:
        yield sample_from_values(*example, "known for this target"), ()
    setting = setting_for(model)
    for proposal in _with_solutions(model, solver):
        try:
            sample = draw(parse_specs(proposal), setting, seed, "guessed")
        except (UsageError, RuntimeError):  # larger than a guess may be, or than memory is
            continue
        yield sample, proposal


def _with_solutions(model: nn.Module, solver: SideSolver | PlaceholderSolver) -> Iterator[Proposal]:
    """The proposals, and between them what the solver makes of the errors seen so far."""
    for proposal in proposals(model):
        yield proposal
        while (solution := solver.solution()) is not None:
            yield solution


def is_about_input(error: BaseException, text: str) -> bool:
    """Another shape or dtype may cure it."""
    if isinstance(error, NotImplementedError) or not isinstance(
        error, (RuntimeError, ValueError, IndexError, TypeError, AssertionError)
    ):
        return False
    lower = text.lower()
    return not lower or any(word in lower for word in (*_WORDS, *_MORE_WORDS))


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # an exception's __str__ is the model's code as well
        return type(error).__name__
