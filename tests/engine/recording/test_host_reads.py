"""On a device nothing is waited for while a model runs: its numbers come to the host once, when the pass is over.

The device is a fake one: tensors of the host that say they are elsewhere. What brings a number to Python is counted.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inspector.engine.hooks import effect
from inspector.engine.hooks.attached import Attached
from inspector.engine.hooks.session_state import HookState
from inspector.engine.hooks.spec import parse_hook
from inspector.engine.modules.tree import walk
from inspector.engine.recording.observers import Observers
from inspector.engine.recording.recorder import Recorder
from inspector.engine.values import summarize
from inspector.records import TensorValue

READS = ("item", "tolist", "cpu", "numpy", "__bool__", "__float__", "__int__", "__index__", "__array__")


class Elsewhere(Tensor):
    """A tensor of another device, to whoever asks; what is computed of it is plain."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @property
    def device(self) -> torch.device:
        return torch.device("xpu", 0)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What brought a number to the host, in order, from now on."""
    found: list[str] = []

    def counted(owner: Any, name: str) -> Any:
        before = getattr(owner, name)

        def read(*args: Any, **kwargs: Any) -> Any:
            found.append(name)
            return before(*args, **kwargs)

        return read

    for name in READS:
        monkeypatch.setattr(Tensor, name, counted(Tensor, name))
    monkeypatch.setattr(torch, "equal", counted(torch, "equal"))
    return found


@pytest.fixture(autouse=True)
def device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every tensor that is described, or compared by a hook, is on the fake device."""
    numbers_of = summarize.numbers_of

    def find(tensor: Tensor) -> tuple[Tensor | None, str]:
        numbers, words = numbers_of(tensor)
        return (numbers if numbers is None else numbers.as_subclass(Elsewhere)), words

    monkeypatch.setattr(summarize, "numbers_of", find)
    monkeypatch.setattr(summarize, "see", lambda tensor: None)
    monkeypatch.setattr(effect, "_answers_at_once", lambda tensor: False)


def chain(layers: int) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(*[layer for _ in range(layers) for layer in (nn.Linear(3, 3), nn.ReLU(inplace=True))])


@pytest.mark.parametrize("layers", [1, 20])
@pytest.mark.parametrize("backward", [False, True])
def test_a_pass_is_read_once_when_it_is_over(layers: int, backward: bool, reads: list[str]) -> None:
    model = chain(layers)
    x = torch.randn(5, 3, requires_grad=backward)
    expected, value = [], x.detach()
    for layer in model:
        value = layer(value.clone()).detach()
        std, zeros = float(value.std(correction=0)), int((value == 0).sum())
        expected.append((float(value.min()), float(value.mean()), std, zeros))
    tree = walk(model)
    observers = Observers(tree)
    observers.add_all()
    recorder = observers.recorder = Recorder(tree, gradients=backward)
    del reads[:]
    with torch.set_grad_enabled(backward):
        output = model(x)
        if backward:
            output.sum().backward()
    assert reads == []
    recorder.finish()
    assert reads == ["tolist"]
    outputs = [call.output for call in recorder.calls if call.depth]
    assert [_numbers(value) for value in outputs] == [pytest.approx(numbers, abs=1e-6) for numbers in expected]
    gradients = [_numbers(value) for call in recorder.calls for value in call.gradients]
    assert len(gradients) == backward * len(recorder.calls)
    observers.remove_all()


def _numbers(value: object) -> tuple[float, ...]:
    assert isinstance(value, TensorValue) and value.statistics is not None, value
    found = value.statistics
    return found.min, found.mean, found.std, found.zeros


def test_hooks_that_alter_wait_for_nothing(reads: list[str]) -> None:
    model, state = chain(8), HookState(lambda text: None)
    hooks = [
        "scale(2)",
        "clamp(-1, 1)",
        "zero()",
        "add(1)",
        "noise(0.1)",
        "dropout(0.5)",
        "round('bfloat16')",
        "mean()",
    ]
    attached = [Attached(parse_hook(text), layer, "", state) for text, layer in zip(hooks, model, strict=False)]
    handles = [each.register() for each in attached]
    state.start()
    x = torch.randn(5, 3)
    del reads[:]
    with torch.no_grad():
        model(x)
    assert reads == []
    for handle in handles:
        handle.remove()
