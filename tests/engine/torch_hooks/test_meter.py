"""Other people's hooks, counted and timed in a pass, and not changed by it."""

from __future__ import annotations

import copy
import functools
import io
import pickle
import sys
import threading
import time
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules import module as torch_modules

from inspector.engine.modules.tree import walk
from inspector.engine.torch_hooks.ledger import Ledger
from inspector.engine.torch_hooks.meter import Meter
from inspector.engine.torch_hooks.timed import Tally, Timed, unwrap_timed
from tests.fingerprint import fingerprint
from tests.models import build, names


def nobody(module: nn.Module) -> dict[int, str]:
    return {}


def counted(model: nn.Module, meter: Meter, kind: str, of: str = "") -> list[int]:
    """Times that the hooks of one kind on a module fired, in order."""
    rows = Ledger(nobody).rows(model, counts=meter)
    return [row.fired for row in rows if row.kind == kind and row.of == of]


def forward_and_backward(model: nn.Module) -> torch.Tensor:
    out = model(torch.ones(1, 2, requires_grad=True))
    out.sum().backward()
    return out


def named(module: nn.Module, args: Any, output: Any) -> None:
    """What it says."""


def hooked() -> nn.Linear:
    model = nn.Linear(2, 2)
    model.register_forward_pre_hook(lambda module, args: None)
    model.register_forward_hook(named)
    model.register_full_backward_pre_hook(lambda module, grads: None)
    model.register_full_backward_hook(lambda module, inputs, outputs: None)
    model.weight.register_hook(lambda grad: None)
    model.weight.register_post_accumulate_grad_hook(lambda tensor: None)
    model.register_state_dict_pre_hook(lambda *args: None)
    return model


def test_every_kind_is_counted_and_all_is_as_before() -> None:
    model = hooked()
    before = fingerprint(model)
    with Meter(walk(model)) as meter:
        forward_and_backward(model)
        forward_and_backward(model)
    for kind in ("forward_pre", "forward", "full_backward_pre", "full_backward"):
        assert counted(model, meter, kind) == [2], kind
    assert counted(model, meter, "parameter", "weight") == [2]
    assert counted(model, meter, "post_accumulate_grad", "weight") == [2]
    assert counted(model, meter, "state_dict_pre") == [0]
    model.zero_grad()
    assert fingerprint(model) == before


def test_hooks_of_the_process_are_counted() -> None:
    handle = torch_modules.register_module_forward_hook(lambda *args: None)
    held = torch_modules._global_forward_hooks[handle.id]
    try:
        with Meter(walk(nn.Linear(2, 2))) as meter:
            nn.ReLU()(torch.ones(1))
            nn.ReLU()(torch.ones(1))
        assert torch_modules._global_forward_hooks[handle.id] is held
    finally:
        handle.remove()
    assert meter.tally((id(torch_modules), "global forward"), handle.id)[0] == 2


def test_the_time_is_the_hooks() -> None:
    model = nn.ReLU()
    model.register_forward_hook(lambda *args: time.sleep(0.02))
    with Meter(walk(model)) as meter:
        model(torch.ones(1))
    (row,) = Ledger(nobody).rows(model, counts=meter)
    assert 20 <= row.ms < 1_000


def test_what_it_returns_and_takes_is_handed_on() -> None:
    model = nn.Linear(2, 2)
    model.register_forward_pre_hook(lambda module, args, kwargs: ((args[0] * 2,), kwargs), with_kwargs=True)
    model.register_forward_hook(lambda module, args, kwargs, output: output + 1, with_kwargs=True)
    model.register_full_backward_hook(lambda module, inputs, outputs: (inputs[0] * 3,))
    x, y = torch.ones(1, 2, requires_grad=True), torch.ones(1, 2, requires_grad=True)
    plain = model(x)
    plain.sum().backward()
    with Meter(walk(model)):
        metered = model(y)
        metered.sum().backward()
    assert torch.equal(plain, metered) and torch.equal(x.grad, y.grad)


def test_what_it_raises_comes_out_and_counts() -> None:
    def fails(*args: Any) -> None:
        raise KeyError("mine")

    model = nn.ReLU()
    model.register_forward_hook(fails)
    always = model.register_forward_hook(lambda *args: None, always_call=True)
    with pytest.raises(KeyError, match="mine"), Meter(walk(model)) as meter:
        model(torch.ones(1))
    assert counted(model, meter, "forward") == [1, 1]
    assert model._forward_hooks[next(iter(model._forward_hooks))] is fails and always.id in model._forward_hooks


def test_ours_are_not_timed() -> None:
    model = nn.ReLU()
    handle = model.register_forward_hook(named)
    with Meter(walk(model), {handle.id}):
        assert type(model._forward_hooks[handle.id]) is not Timed


def test_ours_on_a_tied_parameter_are_not_timed_whichever_module_they_came_by() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    handle = model[1].weight.register_hook(lambda grad: None)
    with Meter(walk(model), {handle.id}):
        assert type(model[0].weight._backward_hooks[handle.id]) is not Timed


def test_a_model_without_foreign_hooks_is_not_touched() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    before = fingerprint(model)
    with Meter(walk(model)):
        assert fingerprint(model) == before


def test_hooks_that_come_and_go_during_the_pass() -> None:
    class Busy(nn.Module):
        def forward(self, x):
            gone.remove()
            self.register_forward_hook(named)
            return x

    model = Busy()
    gone = model.register_forward_hook(lambda *args: None)
    stays = model.register_forward_hook(lambda *args: None)
    held = model._forward_hooks[stays.id]
    with Meter(walk(model)):
        model(torch.ones(1))
    assert gone.id not in model._forward_hooks
    assert list(model._forward_hooks.values()) == [held, named] and model._forward_hooks[stays.id] is held


def test_a_dict_that_is_copied_during_the_pass_keeps_no_stand_in() -> None:
    model = hooked()
    with Meter(walk(model)):
        model._forward_hooks = model._forward_hooks.copy()
    assert not any(type(hook) is Timed for hook in model._forward_hooks.values())


def test_order_and_flags_stay() -> None:
    log: list[int] = []
    model = nn.ReLU()
    for number in range(3):
        model.register_forward_hook(lambda *args, number=number: log.append(number), prepend=number == 1)
    with Meter(walk(model)):
        model(torch.ones(1))
    assert log == [1, 0, 2]


def test_a_tied_parameter_counts_once() -> None:
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    model[1].weight = model[0].weight
    model[0].weight.register_hook(lambda grad: None)
    held = dict(model[0].weight._backward_hooks)
    with Meter(walk(model)) as meter:
        (timed,) = model[0].weight._backward_hooks.values()
        assert unwrap_timed(timed) in held.values() and type(unwrap_timed(timed)) is not Timed
        forward_and_backward(model)
    assert len(meter._tallies) == 1
    assert counted(model[0], meter, "parameter", "weight") == [1] == counted(model[1], meter, "parameter", "weight")
    assert type(next(iter(model[0].weight._backward_hooks.values()))) is not Timed


def test_two_meters_one_in_the_other() -> None:
    model = hooked()
    before = fingerprint(model)
    with Meter(walk(model)) as outer, Meter(walk(model)) as inner:
        model(torch.ones(1, 2))
    assert counted(model, outer, "forward") == counted(model, inner, "forward") == [1]
    assert fingerprint(model) == before


def test_calls_from_many_threads_are_all_counted() -> None:
    model = nn.ReLU()
    model.register_forward_hook(lambda *args: None)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with Meter(walk(model)) as meter:
            calls = [threading.Thread(target=lambda: [model(torch.ones(1)) for _ in range(200)]) for _ in range(8)]
            for thread in calls:
                thread.start()
            for thread in calls:
                thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert counted(model, meter, "forward") == [1600]


def test_a_copy_made_in_the_middle_of_a_pass_has_the_hook_itself() -> None:
    model = nn.ReLU()
    handle = model.register_forward_hook(named)
    with Meter(walk(model)):
        copied = copy.deepcopy(model)
        text = pickle.dumps(model)
        torch.save(model, stream := io.BytesIO())
    stream.seek(0)
    assert b"inspector.engine" not in text
    for other in (copied, pickle.loads(text), torch.load(stream, weights_only=False)):
        assert other._forward_hooks[handle.id] is named


class Scaler:
    """A hook with a state of its own."""

    name = "weight"

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, *args: Any) -> None:
        self.calls += 1


@pytest.mark.parametrize("hook", [named, Scaler(), functools.partial(named), torch.relu, "text".join, Scaler])
def test_a_stand_in_looks_like_the_hook(hook: Any) -> None:
    timed: Any = Timed(hook, Tally())
    for name in ("__name__", "__qualname__", "__module__", "__doc__", "__dict__", "__self__", "func", "calls", "gone"):
        assert getattr(timed, name, "none") == getattr(hook, name, "none"), name
    assert isinstance(timed, type(hook)) and callable(timed)
    assert timed == hook and hook in [timed] and hash(timed) == hash(hook) and repr(timed) == repr(hook)
    assert copy.copy(timed) is hook and unwrap_timed(timed) is hook and unwrap_timed(hook) is hook


def test_attributes_are_set_on_the_hook() -> None:
    hook = Scaler()
    timed: Any = Timed(hook, Tally())
    timed.calls, timed.extra = 5, 1
    timed()
    del timed.extra
    assert hook.calls == 6 and not hasattr(hook, "extra")


def test_hooks_are_found_by_their_class_in_the_middle_of_a_pass() -> None:
    """torch.nn.utils looks for its own hooks that way."""
    model = nn.utils.spectral_norm(nn.Linear(2, 2))
    with Meter(walk(model)):
        nn.utils.remove_spectral_norm(model)
    assert not model._forward_pre_hooks


def test_rows_and_switches_in_the_middle_of_a_pass_see_the_hook() -> None:
    model, book = nn.ReLU(), Ledger(nobody)
    hook = Scaler()
    handle = model.register_forward_hook(hook)
    with Meter(walk(model)):
        (row,) = book.rows(model)
        assert row.name == "Scaler" and book.hook(model, "forward", handle.id) is hook
        book.toggle(model, "forward", handle.id, False)
    book.enable_all()
    assert model._forward_hooks[handle.id] is hook


@pytest.mark.parametrize("name", names("plain", without=("hostile", "big")))
def test_a_metered_pass_leaves_every_model_as_it_was(name: str) -> None:
    model, _, _ = build(name)
    before = fingerprint(model)
    with Meter(walk(model)):
        pass
    assert fingerprint(model) == before
