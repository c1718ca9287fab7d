"""What another thread does to a model while a pass of it is put back, besides training it: it stays, or is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

import inspector
from inspector.engine.session import Session
from inspector.records import PassSummary, Run

from .meanwhile import at_the_call_of

X = torch.ones(2, 4)


def _look(*values: object) -> None:
    return None


def _model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 3))


def _run(model: nn.Module, backward: bool = False) -> PassSummary:
    session = Session(lambda event: None)
    session.adopt(model, (X,), {}, "net")
    summary = session.run(Run(1, backward=backward))
    session.close()
    return summary


def _summarize(model: nn.Module) -> None:
    inspector.summary(model, X)


def _sweep(model: nn.Module) -> None:
    inspector.sweep(model, X, over="*", hook=inspector.zero(), metric="mean")


WAYS = [_run, _summarize, _sweep]


@pytest.mark.parametrize("look", WAYS)
@pytest.mark.parametrize("kind", ["forward_hook", "forward_pre_hook", "full_backward_hook", "state_dict_pre_hook"])
def test_a_hook_that_another_thread_puts_on_stays(kind: str, look: Callable[[nn.Module], Any]) -> None:
    model = _model()
    with at_the_call_of(model[0], lambda: getattr(model[2], f"register_{kind}")(_look)):
        look(model)
    held = {"full_backward_hook": "_backward_hooks"}.get(kind, f"_{kind}s")
    assert _look in getattr(model[2], held).values()
    assert model[2]._is_full_backward_hook is (True if kind == "full_backward_hook" else None)


@pytest.mark.parametrize("look", WAYS)
def test_options_of_a_hook_of_another_thread_stay(look: Callable[[nn.Module], Any]) -> None:
    model, seen = _model(), list[object]()
    hook = lambda module, args, kwargs, output: seen.append(kwargs)  # noqa: E731
    with at_the_call_of(model[0], lambda: model[2].register_forward_hook(hook, with_kwargs=True)):
        look(model)
    seen.clear()
    model(X)
    assert seen == [{}]


@pytest.mark.parametrize("look", WAYS)
def test_a_hook_that_another_thread_takes_off_stays_off(look: Callable[[nn.Module], Any]) -> None:
    model = _model()
    handle = model[2].register_forward_hook(_look)
    with at_the_call_of(model[0], lambda: handle.remove()):
        look(model)
    assert not model[2]._forward_hooks


@pytest.mark.parametrize("look", WAYS)
def test_hooks_of_tensors_and_of_the_process_stay_too(look: Callable[[nn.Module], Any]) -> None:
    model, handles = _model(), list[Any]()

    def put_on() -> None:
        handles.append(model[2].weight.register_hook(_look))
        handles.append(register_module_forward_hook(_look))

    with at_the_call_of(model[0], put_on):
        look(model)
    try:
        assert _look in model[2].weight._backward_hooks.values()
        assert _look in torch.nn.modules.module._global_forward_hooks.values()
    finally:
        for handle in handles:
            handle.remove()


@pytest.mark.parametrize("look", WAYS)
def test_parameters_and_modules_that_another_thread_sets_stay(look: Callable[[nn.Module], Any]) -> None:
    model = _model()
    state, new = {key: torch.full_like(value, 7) for key, value in model.state_dict().items()}, nn.ReLU()

    def set_them() -> None:
        model.load_state_dict(state, assign=True)
        model[2].extra = new

    with at_the_call_of(model[0], set_them):
        look(model)
    assert all(parameter.eq(7).all() for parameter in model.parameters())
    assert model[2].extra is new


def test_it_is_said_where_nothing_tells_who_set_it() -> None:
    model = _model()
    with at_the_call_of(model[0], lambda: model[2].eval()):
        summary = _run(model)
    assert any(words.startswith("2: training (") and "another thread" in words for words in summary.not_restored)


def test_what_is_left_of_hooks_is_said() -> None:
    model = _model()
    with at_the_call_of(model[0], lambda: model[2].register_forward_hook(_look)):
        summary = _run(model)
    assert any(words.startswith("2: forward hooks (another thread") for words in summary.not_restored)


@pytest.mark.parametrize("look", WAYS)
def test_a_mode_that_is_set_by_a_thread_that_calls_the_model_stays(look: Callable[[nn.Module], Any]) -> None:
    model = _model()

    def evaluate() -> None:
        model.eval()
        with torch.no_grad():
            model[2](X)

    with at_the_call_of(model[0], evaluate):
        look(model)
    assert not model.training and not model[2].training


class _HooksItself(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.handle = self.second.register_forward_pre_hook(_look)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        self.second.register_forward_hook(_look)
        self.handle.remove()
        self.second.weight = nn.Parameter(torch.zeros(4, 4))
        out: Tensor = self.second(x)
        return out


@pytest.mark.parametrize("look", WAYS[:2])
def test_what_the_pass_did_itself_is_put_back_beside_a_busy_thread(look: Callable[[nn.Module], Any]) -> None:
    model = _HooksItself()
    weight = model.second.weight
    with at_the_call_of(model.first, lambda: torch.ones(3)):
        look(model)
    assert not model.second._forward_hooks and list(model.second._forward_pre_hooks.values()) == [_look]
    assert model.second.weight is weight


def test_handles_of_torch_are_as_before_after_a_watched_pass() -> None:
    before = dict(vars(torch.utils.hooks.RemovableHandle))
    model = _model()
    with at_the_call_of(model[0], lambda: None):
        _summarize(model)
    after = dict(vars(torch.utils.hooks.RemovableHandle))
    assert {key: value for key, value in after.items() if key != "next_id"} == {
        key: value for key, value in before.items() if key != "next_id"
    }


def test_gradients_that_both_may_have_made_are_said() -> None:
    model = _model()
    with at_the_call_of(model[0], lambda: model[2](X).sum().backward()):
        summary = _run(model, backward=True)
    assert any(words.startswith("2.weight: grad (another thread") for words in summary.not_restored)


def test_a_gradient_that_another_thread_set_is_said() -> None:
    model = _model()
    with at_the_call_of(model[0], lambda: setattr(model[2].weight, "grad", torch.ones(3, 4))):
        summary = _run(model)
    assert model[2].weight.grad is not None
    assert any(words.startswith("2.weight: grad (another thread") for words in summary.not_restored)
