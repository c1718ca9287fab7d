"""Guessing a sample input: proposals tried by real passes until one runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice

import torch
from torch import nn

from ...errors import UsageError
from ...raised import message_of
from ..values import nested
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
MORE = 8
"""Tries after one that ran and reached too little of the model."""
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

LITTLE, LITTLE_WITHOUT = 0.05, 0.5
"""A share of a model's modules that is too small to have seen the model: with a tensor in the sample, which may well go
through a few of many experts, and without any."""

Attempt = Callable[[Sample], "BaseException | None"]
Found = tuple[Sample, Proposal]


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


def guess(model: nn.Module, attempt: Attempt, seed: int = 0, reach: Callable[[], float] = lambda: 1.0) -> Sample | None:
    """The first candidate with which `attempt` runs and reaches the model; where none does, the one that reaches most.

    Args:
        model: Looked at, not called.
        attempt: Runs a real pass and returns what it raised, None where it ran. An error that is no `Exception` (a
            cancelled pass) ends the guessing.
        seed: For the random parts.
        reach: The share of the model's modules that the last attempt went through.
    """
    solver = _solver(model)
    found = _search(_candidates(model, seed, solver), attempt, solver, TRIES, SECONDS, _patience(model), reach)
    return found[0] if found is not None else None


def reaches_little(sample: Sample, share: float) -> bool:
    """Whether a pass with `sample` that goes through this share of the modules says next to nothing of the model."""
    has_tensor = next(nested.tensors_in((sample.args, sample.kwargs)), None) is not None
    return share < (LITTLE if has_tensor else LITTLE_WITHOUT)


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
    reach: Callable[[], float] = lambda: 1.0,
) -> Found | None:
    deadline, strangers = time.monotonic() + seconds, 0
    best = _Best()
    for sample, proposal in islice(candidates, tries):
        error = attempt(sample)
        if error is None:
            if best.take((sample, proposal), reach()):
                break
        else:
            text = message_of(error)
            strangers = 0 if is_about_input(error, text) else strangers + 1
            if not isinstance(error, Exception) or strangers >= patience:
                break
            solver.observe(proposal, text)
        if best.is_enough() or time.monotonic() > deadline:
            break
    return best.found


class _Best:
    """Of what ran so far, that with which most of the model did."""

    def __init__(self) -> None:
        self.found: Found | None = None
        self._share = -1.0
        self._after = 0

    def take(self, found: Found, share: float) -> bool:
        """Whether it reaches the model, so that nothing better has to be looked for."""
        if share > self._share:
            self.found, self._share = found, share
        return not reaches_little(found[0], share)

    def is_enough(self) -> bool:
        """Whether that was looked for long enough."""
        self._after += self.found is not None
        return self._after > MORE


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
