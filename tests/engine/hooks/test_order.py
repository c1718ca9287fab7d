"""Hooks take the tensors of a value first to last, and compute what the same hook written by hand does, bit for bit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import inspector
from inspector.engine.values.nested import tensors_in
from tests.models import ModelOutput

X = torch.arange(24.0).reshape(4, 6)
VALUES: dict[str, Callable[[Tensor], Any]] = {
    "tuple": lambda x: (x, x + 1, (x + 2, x + 3)),
    "dict": lambda x: {"z": x, "a": [x + 1], "m": x + 2},
    "ModelOutput": lambda x: ModelOutput(logits=x, past=None, hidden=(x + 1, x + 2)),
    "deque": lambda x: deque([x, x + 1]),
    "object": lambda x: SimpleNamespace(z=x, a=x + 1),
}


class Gives(nn.Module):
    def __init__(self, make: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.make = make

    def forward(self, x: Tensor) -> Any:
        return self.make(x)


def noise(generator: torch.Generator, tensor: Tensor) -> Tensor:
    return tensor + 0.5 * torch.randn(tensor.shape, generator=generator)


def dropout(generator: torch.Generator, tensor: Tensor) -> Tensor:
    return tensor * (torch.rand([1, tensor.shape[1]], generator=generator) >= 0.5)


def permute(generator: torch.Generator, tensor: Tensor) -> Tensor:
    return tensor[torch.randperm(len(tensor), generator=generator)]


BY_HAND = {
    "noise(0.5, seed=3": noise,
    "dropout(0.5, seed=3": dropout,
    "permute(seed=3": permute,
}


@pytest.mark.parametrize("make", VALUES.values(), ids=list(VALUES))
@pytest.mark.parametrize("hook", BY_HAND)
def test_an_output_is_altered_as_by_hand(hook: str, make: Callable[[Tensor], Any]) -> None:
    model = nn.Sequential(Gives(make))
    generator = torch.Generator().manual_seed(3)
    expected = [BY_HAND[hook](generator, tensor) for tensor in tensors_in(make(X))]
    with inspector.hooks(model, {"0": f"{hook})"}) as on:
        output = model(X)
    assert type(output) is type(make(X)) and not on.faults
    found = list(tensors_in(output))
    assert len(found) == len(expected) and all(map(torch.equal, found, expected))
    assert list(on.fired.values()) == [len(expected)]


class Sums(nn.Module):
    def forward(self, x: Tensor, pair: tuple[Tensor, Tensor], *, z: Tensor, a: dict[str, Tensor]) -> list[Tensor]:
        return [x, *pair, z, *a.values()]


@pytest.mark.parametrize("hook", BY_HAND)
def test_arguments_are_altered_as_by_hand(hook: str) -> None:
    args, kwargs = (X, (X + 1, X + 2)), {"z": X + 3, "a": {"y": X + 4, "b": X + 5}}
    model = Sums()
    generator = torch.Generator().manual_seed(3)
    expected = [BY_HAND[hook](generator, tensor) for tensor in model(*args, **kwargs)]
    with inspector.hooks(model, {"": f"{hook}, on='input')"}) as on:
        output = model(*args, **kwargs)
    assert not on.faults and all(map(torch.equal, output, expected))


class Fills(nn.Module):
    """Puts what it is given into a cache, as attention does."""

    def forward(self, x: Tensor, cache: Any) -> Tensor:
        cache.held.append(x)
        return torch.stack(cache.held).sum(0)


def test_a_cache_that_comes_in_gets_what_the_module_puts_in() -> None:
    cache = SimpleNamespace(held=[X])
    model = Fills()
    with inspector.hooks(model, {"": "scale(2, on='input')"}) as on:
        output = model(X, cache)
    assert len(cache.held) == 2 and torch.equal(cache.held[0], X) and torch.equal(cache.held[1], 2 * X)
    assert torch.equal(output, 3 * X) and not on.faults


def test_recordings_are_numbered_first_to_last() -> None:
    make = VALUES["tuple"]
    model = nn.Sequential(Gives(make))
    with inspector.hooks(model, {"0": "record('r')"}) as on:
        model(X)
    kept = on.recorded["r"]
    assert list(kept) == ["0:output", "0:output.1", "0:output.2", "0:output.3"]
    assert all(map(torch.equal, kept.values(), tensors_in(make(X))))


@pytest.mark.parametrize("make", VALUES.values(), ids=list(VALUES))
def test_zeros_in_any_container(make: Callable[[Tensor], Any]) -> None:
    model = nn.Sequential(Gives(make))
    with inspector.hooks(model, {"0": inspector.zero()}) as on:
        output = model(X)
    assert not on.faults and all(tensor.eq(0).all() for tensor in tensors_in(output))


def test_a_container_that_cannot_be_made_anew_is_a_fault() -> None:
    model = nn.Sequential(Gives(lambda x: {"x": x}.values()))
    with pytest.warns(inspector.HookWarning, match="failed"), inspector.hooks(model, {"0": inspector.zero()}) as on:
        output = model(X)
    assert "a dict_values cannot be made anew" in str(on.faults[0]) and torch.equal(*output, X)
    assert list(on.fired.values()) == [0]
