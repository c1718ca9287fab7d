"""The first bad value in models that are put together at random, with one fault in each, or none."""

from __future__ import annotations

import random
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inspector.engine.passes.training import loss_of
from inspector.records import FirstBadValue

from .faults import line_of
from .pieces import PIECES, WIDTH, WRAPPERS
from .seeds import SEEDS, Seed
from .seeds_backward import BACKWARD_SEEDS
from .test_first_bad import look

ALL = {**SEEDS, **BACKWARD_SEEDS}


def build(rng: random.Random, fault: nn.Module) -> nn.Module:
    """A model with `fault` somewhere in it, behind a layer whose gradient depends on all of it."""
    model = fault
    for _ in range(rng.randint(1, 3)):
        before, behind = ([rng.choice(PIECES)() for _ in range(rng.randint(0, 2))] for _ in range(2))
        model = nn.Sequential(*before, model, *behind)
        if rng.random() < 0.8:
            model = rng.choice(WRAPPERS)(model)
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), model)


def find_bad_phase(model: nn.Module, x: Tensor, backward: bool) -> str:
    """Where torch alone ends up with something that is not finite; "" for nowhere."""
    torch.manual_seed(0)
    output = model(x.clone())
    if not output.isfinite().all():
        return "forward"
    if not backward:
        return ""
    output.mean().backward()
    gradients = [each.grad for each in model.parameters() if each.grad is not None]
    model.zero_grad()
    return "" if all(each.isfinite().all() for each in gradients) else "backward"


def check(answer: FirstBadValue, model: nn.Module, fault: nn.Module, seed: Seed, phase: str) -> None:
    """That it names the module, the call and the line of the fault."""
    paths = {module: path for path, module in reversed(list(model.named_modules(remove_duplicate=False)))}
    assert answer.found and ".".join(answer.path) == paths[fault.get_submodule(seed.path)], answer
    if phase != ("backward" if seed.phase == "backward" else "forward"):
        return  # the forward took it up; its gradient goes wrong somewhere in the same module
    assert answer.phase == seed.phase, answer
    assert answer.call >= seed.call  # an earlier one may have been taken up
    if seed.where is not None:
        module = sys.modules[seed.where.__module__]
        assert answer.place is not None
        assert (Path(answer.place.file).name, answer.place.line) == (
            Path(str(module.__file__)).name,
            line_of(seed.where),
        ), answer


def try_seed(seed: Seed | None, number: int) -> None:
    """One model, by `number`."""
    rng = random.Random(number)
    torch.manual_seed(number)
    fault = seed.make() if seed is not None else nn.Identity()
    model, x = build(rng, fault), torch.randn(2, 3, WIDTH)
    backward = rng.random() < 0.5 or (seed is not None and seed.phase == "backward")
    phase = find_bad_phase(model, x, backward)
    answer = look(model, (x,), loss_of("mean") if backward else None)
    if seed is None or not phase:
        assert not answer.found and not phase, answer
    else:
        check(answer, model, fault, seed, phase)


@pytest.mark.parametrize("name", ALL)
def test_the_fault_is_named_wherever_it_is(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(6):
            try_seed(ALL[name], number)


def test_nothing_is_said_of_what_is_fine() -> None:
    for number in range(40):
        try_seed(None, number)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 2_100, 100))
def test_many(first: int) -> None:
    names: list[Any] = [None, *ALL.values()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(first, first + 100):
            try_seed(random.Random(number).choice(names), number)
