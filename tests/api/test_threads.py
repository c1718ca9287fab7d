"""One model and several threads: passes that are put back take turns, blocks come and go as they please."""

from __future__ import annotations

import copyreg
import os
import random
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import inspector
from inspector.engine.restore import turn
from inspector.errors import InspectorError
from tests.fingerprint import fingerprint

X = torch.randn(3, 4)

pytestmark = pytest.mark.filterwarnings("ignore::inspector.errors.HookWarning")


@pytest.fixture(autouse=True, scope="module")
def _imports() -> None:
    """The first pass imports much, which changes the warning filters."""
    inspector.summary(nn.ReLU(), torch.randn(1))


def _model() -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    return nn.Sequential(layers, nn.ReLU(), layers, nn.Linear(4, 2))


def _run_all(*work: Callable[[], object]) -> list[Any]:
    """Each on a thread of its own, all at once; raises what one of them raised."""
    with ThreadPoolExecutor(len(work)) as pool:
        futures = [pool.submit(each) for each in work]
        return [future.result(60) for future in futures]


def test_summaries_of_one_model_on_several_threads_leave_nothing() -> None:
    model, x = _model(), X
    before = fingerprint(model)
    texts = _run_all(*[lambda: [inspector.summary(model, x) for _ in range(3)]] * 4)
    assert fingerprint(model) == before
    assert all("BatchNorm1d" in text for found in texts for text in found)


def test_a_block_that_ends_on_another_thread_in_a_guarded_pass_does_not_come_back() -> None:
    model, x = _model(), X
    before = fingerprint(model)
    block = inspector.capture(model)
    block.__enter__()
    handle = model[1].register_forward_hook(lambda *values: print(_run_all(lambda: block.__exit__(None, None, None))))
    inspector.summary(model, x)
    handle.remove()
    assert len(block) == 6 and fingerprint(model) == before


def test_a_block_that_begins_on_another_thread_in_a_guarded_pass_stays() -> None:
    model, x = _model(), X
    before = fingerprint(model)
    block = inspector.capture(model, "1, 3")
    handle = model[0][0].register_forward_hook(
        lambda *values: None if block._block._open else print(_run_all(block.__enter__))
    )
    inspector.summary(model, x)
    handle.remove()
    assert [len(module._forward_hooks) for module in (model[1], model[3])] == [1, 1]
    model(x)
    block.__exit__(None, None, None)
    assert {call.path for call in block.calls} >= {"1", "3"}
    assert {key: value for key, value in fingerprint(model).items() if key != "random" and "tensor" not in key} == {
        key: value for key, value in before.items() if key != "random" and "tensor" not in key
    }


class _Nests(nn.Module):
    def __init__(self, look: Callable[[nn.Module], object]) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.look = look

    def forward(self, x: Tensor) -> Tensor:
        self.look(self)
        out: Tensor = self.layer(x)
        return out


@pytest.mark.parametrize(
    "look",
    [
        lambda model: inspector.summary(model, X),
        lambda model: inspector.summary(model.layer, X),
        lambda model: inspector.sweep(model, X, over="layer", hook="zero()", metric="mean"),
        lambda model: inspector.summary(nn.Sequential(nn.Identity(), model.layer), X),
        lambda model: inspector.inspect(model, X),
    ],
)
@pytest.mark.filterwarnings("ignore:no terminal")
def test_a_pass_inside_a_pass_of_the_same_model_is_refused_with_what_to_do(look: Callable[[nn.Module], object]) -> None:
    model = _Nests(look)
    before = fingerprint(model)
    with pytest.raises(InspectorError, match="in the middle of a pass"):
        inspector.summary(model, X)
    assert fingerprint(model) == before


def test_a_pass_of_another_model_inside_a_pass_is_fine() -> None:
    other = _model()
    model = _Nests(lambda model: inspector.summary(other, X))
    before = fingerprint(model), fingerprint(other)
    assert "Linear" in inspector.summary(model, X)
    assert (fingerprint(model), fingerprint(other)) == before


def test_two_threads_that_would_wait_for_each_other_for_ever_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "PATIENCE", 0.1)
    monkeypatch.setattr(turn, "_LOOK_AGAIN", 0.05)
    other = _model()
    model = _Nests(lambda model: _run_all(lambda: inspector.summary(other, X)))
    with pytest.raises(InspectorError, match=r"a summary cannot begin: a pass in thread '.*' has not ended for 0 s"):
        inspector.summary(model, X)
    assert "Linear" in inspector.summary(other, X)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_copy_of_the_process_that_is_made_while_another_thread_has_its_turn_has_one_too() -> None:
    began, end = threading.Event(), threading.Event()
    held = _Nests(lambda model: (began.set(), end.wait(20)))
    holder = threading.Thread(target=lambda: inspector.summary(held, X))
    model, x = _model(), X
    holder.start()
    try:
        assert began.wait(20)
        child = os.fork()
        if child == 0:
            torch.set_num_threads(1)
            os._exit(0 if "Linear" in inspector.summary(model, x) else 1)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        end.set()
        holder.join()


def test_a_copy_of_the_process_has_the_blocks_and_leaves_those_of_the_first_alone() -> None:
    model, x = _model(), X
    with inspector.capture(model) as cap:
        child = os.fork()
        if child == 0:
            torch.set_num_threads(1)
            model(x)
            os._exit(0 if len(cap) == 11 else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert len(cap) == 0
        model(x)


@pytest.mark.parametrize("seed", range(4))
def test_random_interleavings_leave_the_model_and_the_process_as_they_were(seed: int) -> None:
    model, x = _model().eval(), X
    model[0].register_forward_hook(lambda *values: None)
    asked_before = copyreg.dispatch_table.get(OrderedDict)
    before = fingerprint(model)
    _run_all(*[lambda number=number: _act(model, x, random.Random(100 * seed + number)) for number in range(4)])
    after = fingerprint(model)
    assert {key: value for key, value in after.items() if value != before[key]} == {}
    assert copyreg.dispatch_table.get(OrderedDict) is asked_before


def _act(model: nn.Module, x: Tensor, chance: random.Random) -> None:
    for _ in range(6):
        with ExitStack() as stack:
            for _ in range(chance.randrange(4)):
                with suppress(KeyboardInterrupt, ZeroDivisionError):
                    _begin(model, x, chance, stack)
            if chance.random() < 0.5:
                model(x)


def _begin(model: nn.Module, x: Tensor, chance: random.Random, stack: ExitStack) -> None:
    part = chance.choice([model, model[0]])
    match chance.randrange(6):
        case 0:
            inspector.summary(part, x)
        case 1:
            inspector.sweep(model, x, over="*", hook="zero()", metric="mean")
        case 2:
            stack.enter_context(inspector.capture(part, statistics=False))
        case 3:
            stack.enter_context(inspector.hooks(part, {"*": ["scale(2)", "observe()"]}))
        case 4:
            with inspector.hooks(part, {"*": "add(1)"}), inspector.capture(part):
                part(x)
                raise chance.choice([KeyboardInterrupt, ZeroDivisionError])
        case 5:
            block = iter(_in_a_generator(part))
            next(block)
            stack.callback(block.close)


def _in_a_generator(model: nn.Module) -> Any:
    with inspector.capture(model, statistics=False) as cap:
        yield cap
