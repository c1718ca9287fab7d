"""Blocks of several threads and tasks on one model, nested and overlapping: who sees whose calls."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import inspector
from tests.fingerprint import fingerprint

X = torch.randn(2, 4)


def made() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))


def at_once(*works: Callable[[threading.Barrier], Any]) -> list[Any]:
    """What these give, each on a thread of its own."""
    barrier = threading.Barrier(len(works))
    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(60) for future in [pool.submit(work, barrier) for work in works]]


def test_two_threads_do_not_see_each_others_calls() -> None:
    model = made()
    before = fingerprint(model)

    def captured(rows: int, calls: int) -> Callable[[threading.Barrier], list[int]]:
        def work(barrier: threading.Barrier) -> list[int]:
            with inspector.capture(model) as cap:
                barrier.wait(60)
                for _ in range(calls):
                    model(torch.randn(rows, 4))
                barrier.wait(60)
            return [call.output.shape[0] for call in cap.calls]

        return work

    assert at_once(captured(2, 5), captured(3, 7)) == [[2] * 20, [3] * 28]
    assert {**fingerprint(model), "random": 0} == {**before, "random": 0}


def test_hooks_of_one_thread_do_not_touch_the_calls_of_another() -> None:
    model = made()
    plain = model(X)

    def scaled(barrier: threading.Barrier) -> Tensor:
        with inspector.hooks(model, {"2": inspector.scale(3)}):
            barrier.wait(60)
            output: Tensor = model(X)
            barrier.wait(60)
        return output

    def watched(barrier: threading.Barrier) -> Tensor:
        with inspector.hooks(model, {"2": inspector.observe()}) as on:
            barrier.wait(60)
            output: Tensor = model(X)
            barrier.wait(60)
        assert len(on.calls) == 1
        return output

    first, second = at_once(scaled, watched)
    assert torch.equal(first, 3 * plain) and torch.equal(second, plain)


class Parallel(nn.Module):
    """Calls its parts on threads of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList(nn.Linear(4, 4) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        with ThreadPoolExecutor(4) as pool:
            return torch.stack(list(pool.map(lambda part: part(x), self.parts))).sum(0)


def test_workers_of_the_model_are_seen_by_every_block() -> None:
    model = Parallel()
    with inspector.capture(model) as cap, inspector.hooks(model, {"parts.0": inspector.zero()}) as on:
        model(X)
    paths = [call.path for call in cap.calls]
    assert sorted(paths) == ["", "parts.0", "parts.1", "parts.2", "parts.3"] and paths[-1] == ""
    assert on.fired == {"parts.0: zero()": 1}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1)])
def test_blocks_overlap_and_are_left_in_any_order(order: tuple[int, ...]) -> None:
    model = made()
    before = fingerprint(model)
    blocks: list[Any] = [inspector.capture(model), inspector.hooks(model, {"0": "observe()"}), inspector.capture(model)]
    for block in blocks:
        block.__enter__()
    model(X)
    for count, number in enumerate(order, 1):
        blocks[number].__exit__(None, None, None)
        model(X)
        for other in order[count:]:
            each = 1 if other == 1 else 4
            assert len(blocks[other].calls) == each * (count + 1)
    lengths = [len(block.calls) for block in blocks]
    model(X)
    assert [len(block.calls) for block in blocks] == lengths
    assert {**fingerprint(model), "random": 0} == {**before, "random": 0}


def test_a_block_that_is_left_on_another_thread_is_over() -> None:
    model = made()
    cap = inspector.capture(model)
    thread = threading.Thread(target=cap.__enter__)
    thread.start()
    thread.join()
    cap.__exit__(None, None, None)
    with inspector.capture(model) as other:
        model(X)
    assert (len(cap), len(other)) == (0, 4)


def test_asyncio_tasks_are_told_apart_as_threads_are() -> None:
    model = made()

    async def captured(rows: int) -> list[int]:
        with inspector.capture(model) as cap:
            for _ in range(3):
                await asyncio.sleep(0)
                model(torch.randn(rows, 4))
            await asyncio.to_thread(model, torch.randn(rows, 4))
        return [call.output.shape[0] for call in cap.calls]

    async def both() -> list[list[int]]:
        return list(await asyncio.gather(captured(2), captured(3)))

    assert asyncio.run(both()) == [[2] * 16, [3] * 16]


def test_a_call_goes_on_while_a_block_on_another_thread_ends() -> None:
    """torch looks up what it passes to a hook after it has decided to call it."""
    model, over = made(), threading.Event()

    def call() -> int:
        calls = 0
        while not over.is_set():
            model(X)
            calls += 1
        return calls

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(1) as pool:
            called = pool.submit(call)
            for _ in range(150):
                with inspector.capture(model), inspector.hooks(model, {"0": inspector.scale(2, on="input")}) as on:
                    model(X)
                assert not on.faults
            over.set()
            assert called.result(60) > 0
    finally:
        over.set()
        sys.setswitchinterval(before)


def test_tasks_that_a_block_starts_are_its_own() -> None:
    model = made()

    async def call() -> None:
        model(X)

    async def run() -> int:
        with inspector.capture(model) as cap:
            await asyncio.gather(call(), call())
        return len(cap)

    assert asyncio.run(run()) == 8


def test_backward_passes_of_one_thread_are_not_seen_by_another() -> None:
    model = made()

    def trained(barrier: threading.Barrier) -> tuple[int, bool]:
        with inspector.capture(model) as cap:
            barrier.wait(60)
            model(X).sum().backward()
            barrier.wait(60)
        return len(cap.gradients), all(call.gradient is not None for call in cap.calls)

    def looked(barrier: threading.Barrier) -> tuple[int, bool]:
        with inspector.capture(model) as cap:
            barrier.wait(60)
            model(X)
            barrier.wait(60)
        return len(cap.gradients), all(call.gradient is not None for call in cap.calls)

    assert at_once(trained, looked) == [(4, True), (0, False)]


def test_a_capture_that_is_entered_again_goes_on() -> None:
    model = made()
    cap = inspector.capture(model)
    for _ in range(2):
        with cap:
            model(X).sum().backward()
    assert len(cap) == 8 and list(cap.gradients) == [name for name, _ in model.named_parameters()]
    assert [call.call for call in cap.calls if call.path == "0"] == [0, 1]


@pytest.mark.filterwarnings("error:.*cannot be observed:RuntimeWarning")
def test_nothing_is_left_where_entering_fails() -> None:
    model = nn.Sequential(nn.Linear(4, 4), torch.jit.trace(nn.Sequential(nn.ReLU()), X))
    before = fingerprint(model)
    with pytest.raises(RuntimeWarning), inspector.capture(model):
        pass
    assert {**fingerprint(model), "random": 0} == {**before, "random": 0}
    assert torch._dynamo.eval_frame._stance.stance == "default"


def test_modules_that_refuse_to_be_observed_are_said() -> None:
    model = nn.Sequential(nn.Linear(4, 4), torch.jit.trace(nn.Sequential(nn.ReLU()), X))
    with (
        pytest.warns(RuntimeWarning, match=r"1 of 4 modules cannot be observed: 1\.0: traced"),
        inspector.capture(model) as cap,
    ):
        model(X)
    assert set(cap.refused) == {"1.0"} and "traced" in cap.refused["1.0"]
