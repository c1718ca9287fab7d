"""A guard of torch's that a pass entered and left to something: when that is gone, no mode comes back with it."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils import _python_dispatch

import inspector
from inspector.engine.session import Session

X = torch.ones(2, 4)


class Leaves(nn.Module):
    def __init__(self, leave: Callable[[nn.Module], object]) -> None:
        super().__init__()
        self.layer, self.leave = nn.Linear(4, 4), leave

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)
        self.leave(self)
        return y


def _to_the_module(model: nn.Module) -> None:
    model.guard = torch.inference_mode()
    model.guard.__enter__()


def _to_a_circle(model: nn.Module) -> None:
    guard: Any = torch.inference_mode()
    guard.__enter__()
    guard.itself = guard


def _to_an_error(model: nn.Module) -> None:
    guard = torch.inference_mode()
    guard.__enter__()
    raise ValueError("with a mode on")


def _to_a_generator(model: nn.Module) -> None:
    def run() -> Iterator[None]:
        with _python_dispatch._disable_current_modes():
            yield

    model.running = run()
    next(model.running)


def _summarize(model: nn.Module) -> None:
    inspector.summary(model, X)


def _sweep(model: nn.Module) -> None:
    inspector.sweep(model, X, over="layer", hook=inspector.zero(), metric="mean")


def _run(model: nn.Module) -> None:
    session = Session(lambda event: None)
    session.adopt(model, (X,), {}, "net")
    session.run()
    session.run()
    session.close()


@contextlib.contextmanager
def _beside_another() -> Iterator[None]:
    """Which has torch at hand, so that every operation of a pass is looked at."""
    end = threading.Event()
    other = threading.Thread(target=lambda: end.wait())
    other.start()
    try:
        yield
    finally:
        end.set()
        other.join()


def _read_modes() -> tuple[object, ...]:
    keys = torch._C._dispatch_tls_local_include_set(), torch._C._dispatch_tls_local_exclude_set()
    return (
        *(str(each) for each in keys),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        len(_python_dispatch._get_current_dispatch_mode_stack()),
    )


@pytest.mark.parametrize("look", [_summarize, _sweep, _run])
@pytest.mark.parametrize("leave", [_to_the_module, _to_a_circle, _to_an_error, _to_a_generator])
def test_no_mode_comes_back_with_a_guard_that_is_freed(
    leave: Callable[[nn.Module], None], look: Callable[[nn.Module], None]
) -> None:
    before = _read_modes()
    model = Leaves(leave)
    with _beside_another(), contextlib.suppress(Exception):
        look(model)
    gc.collect()
    assert _read_modes() == before
    model.layer(X).sum().backward()
    assert model.layer.weight.grad is not None and not model.layer.weight.grad.is_inference()
