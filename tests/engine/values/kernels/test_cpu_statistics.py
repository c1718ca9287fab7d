"""The kernel for statistics on the CPU: its numbers against float64, how it is made ready, and what it leaves alone."""

from __future__ import annotations

import contextlib
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.engine.session import Session
from inspector.engine.values import statistics as stats
from inspector.engine.values.kernels import cpu_statistics as cpu
from inspector.engine.values.kernels import team
from inspector.engine.values.kernels.rounding import forgive_rounding
from inspector.engine.values.kernels.team import PART
from inspector.engine.values.summarize import Summarizer
from inspector.errors import InspectorError
from inspector.records import Run, SequenceValue, TensorValue, Value
from tests.engine.values.test_statistics import LAYOUTS, assert_close, reference, statistics_of, tensors

ROOT = Path(__file__).parents[4]
needs_numba = pytest.mark.skipif(cpu.find_spec("numba") is None, reason="numba is not installed")
many = settings(max_examples=150, deadline=None)


@pytest.fixture(autouse=True)
def stock() -> Iterator[None]:
    """However a test before left it, and for those that follow."""
    cpu.put_away()
    cpu._prepared.clear()
    cpu._begun.clear()
    yield
    cpu.put_away()
    cpu._prepared.clear()
    cpu._begun.clear()


@contextlib.contextmanager
def fused() -> Iterator[None]:
    cpu.load()
    cpu.take_up()
    try:
        yield
    finally:
        cpu.put_away()


@st.composite
def flats(draw: st.DrawFn) -> torch.Tensor:
    """Lengths around those of blocks and vectors, scales to the ends of the type, offsets that dwarf the deviation."""
    dtype = draw(st.sampled_from([torch.float32, torch.bfloat16, torch.float16]))
    count = draw(st.one_of(st.integers(1, 70), st.integers(2040, 2060), st.sampled_from([4096, 5001, 20_000])))
    scale = 10.0 ** draw(st.integers(-44, 37)) if dtype is torch.float32 else 10.0 ** draw(st.integers(-7, 3))
    offset = draw(st.sampled_from([0.0, 0.0, 1.0, -1e3, 1e6])) * scale
    x = torch.randn(count, dtype=torch.float64, generator=torch.Generator().manual_seed(draw(st.integers(0, 99))))
    x = x.mul(scale).add(offset).clamp(-3e38, 3e38).to(dtype)
    if draw(st.booleans()):
        x = x.relu()
    for _ in range(draw(st.integers(0, 2))):
        x[draw(st.integers(0, count - 1))] = draw(st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-45]))
    step = draw(st.sampled_from([1, 1, 2]))
    return x[draw(st.integers(0, 3)) :: step]


@needs_numba
@many
@given(flats())
def test_any_elements_are_as_float64_says(flat: torch.Tensor) -> None:
    with fused():
        found = stats.finish([stats.reduce_on_host(flat)], 1, "values")
    expected = reference(flat)
    assert_close(found, expected)
    if expected.std is not None and expected.mean is not None:
        size = max(abs(expected.min or 0.0), abs(expected.max or 0.0))
        assert found.mean == pytest.approx(expected.mean, rel=1e-6, abs=size * 1e-7)
        assert found.std == pytest.approx(expected.std, rel=1e-5, abs=size * 1e-8)


@needs_numba
@many
@given(tensors())
def test_any_tensor_is_as_float64_says(tensor: torch.Tensor) -> None:
    with fused():
        assert_close(statistics_of(tensor), reference(tensor))


@needs_numba
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("layout", [*LAYOUTS, "expanded", "empty", "large"])
def test_any_layout_is_seen_whole(layout: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "CHUNK", 50 if layout != "large" else 1 << 16)
    others = {"expanded": (3, 1, 1), "empty": (0, 3), "large": (300, 1001)}
    tensor = torch.randn(others.get(layout, (3, 4, 5, 6))).to(dtype)
    tensor = tensor.expand(-1, 7, 5) if layout == "expanded" else tensor
    tensor = LAYOUTS[layout](tensor.float() if "lazily" in layout else tensor) if layout in LAYOUTS else tensor
    with fused():
        assert_close(statistics_of(tensor), reference(tensor))


@needs_numba
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_every_number_of_a_half_is_read(dtype: torch.dtype) -> None:
    """Small ones, infinities and each NaN among them."""
    every = torch.arange(-(1 << 15), 1 << 15, dtype=torch.int32).to(torch.int16).view(dtype)
    with fused():
        assert_close(statistics_of(every), reference(every))
        for start in range(0, 1 << 16, 1 << 12):
            assert_close(statistics_of(every[start : start + 4096]), reference(every[start : start + 4096]))


@needs_numba
def test_an_outlier_costs_no_digits_wherever_it_stands() -> None:
    for place in (0, 1, 2047, 2048, 9_999):
        flat = torch.randn(10_000, generator=torch.Generator().manual_seed(1)) + 1e3
        flat[place] = 1e8
        with fused():
            assert_close(statistics_of(flat), reference(flat))


@needs_numba
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("count", [PART, 4 * PART, 4 * PART + 1, 7 * PART, 7 * PART + 17])
def test_any_number_of_threads_finds_the_same(
    count: int, dtype: torch.dtype, threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = torch.randn(count, generator=torch.Generator().manual_seed(count)).add(3).relu().to(dtype)
    broken = flat.clone()
    broken[-1] = math.nan
    with fused():
        found = []
        for number in (1, 2, 3):
            torch.set_num_threads(number)
            found.append((cpu.reduce(flat), cpu.add_bits(flat)))
            assert_close(statistics_of(broken), reference(broken))
        monkeypatch.setattr(team, "_team", [])
        found.append((cpu.reduce(flat), cpu.add_bits(flat)))
        assert found == [found[0]] * 4 and found[0][0] is not None and found[0][0].bits == found[0][1]
        assert_close(statistics_of(flat), reference(flat))


@pytest.fixture
def threads() -> Iterator[None]:
    """Of torch, as many as before."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@needs_numba
def test_what_is_nowhere_in_memory_is_left_to_torch() -> None:
    """And so is what only looks like a tensor on the CPU, or has no addresses in order."""
    with fused():
        assert cpu.reduce(torch.ones(3)) is not None
        for odd in (
            torch._efficientzerotensor(3),
            torch.ones(3, device="meta"),
            torch.nn.Parameter(torch.ones(3)),
            torch.ones(6)[::2],
            torch.complex(torch.ones(3), torch.ones(3)).conj().imag,
            torch.ones(3, dtype=torch.float64),
        ):
            assert cpu.reduce(odd) is None


@needs_numba
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.int32])
def test_bits_are_added_up_and_tell_of_any_write(dtype: torch.dtype) -> None:
    tensor = torch.randn(3, 5000).mul(100).to(dtype)
    as_integers = tensor.view(torch.int32 if tensor.element_size() == 4 else torch.int16)
    with fused():
        assert cpu.add_bits(tensor) == (int(as_integers.long().sum()) + (1 << 31)) % (1 << 32) - (1 << 31)
        summarizer = Summarizer()
        first = summarizer.describe(tensor)
        assert summarizer.describe(tensor) is first
        tensor.data[2, 4999] += 1
        assert summarizer.describe(tensor) != first
        assert cpu.add_bits(torch.ones(3, dtype=torch.float64)) is None
    assert cpu.add_bits(tensor) is None


class Passes:
    """One after another, of a model whose values two kernels round differently."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(64, 3000), torch.nn.GELU(), torch.nn.Linear(3000, 7))
        self.session = Session(lambda event: None)
        self.session.adopt(model, (torch.randn(16, 64),), {}, "wide")

    def run(self) -> list[Any]:
        """What is known of each call, as the modules come."""
        self.session.run(Run(self.session.generation))
        return [call for path in self.session.subject.tree.paths for call in self.session.calls_of(path).calls]


def numbers(value: Value | None) -> Any:
    assert isinstance(value, TensorValue) and value.statistics is not None
    return value.statistics


@needs_numba
def test_a_pass_by_each_kind_is_no_change() -> None:
    passes = Passes()
    stock = [numbers(call.output) for call in passes.run()]
    assert not cpu.is_in_use()
    cpu.load()
    calls = passes.run()
    assert cpu.is_in_use() and stock != [numbers(call.output) for call in calls]  # in the last digits
    assert [numbers(call.previous) for call in calls] == [numbers(call.output) for call in calls]
    assert all(call.previous == call.output for call in passes.run())
    passes.session.close()


@needs_numba
def test_a_change_between_the_two_is_one() -> None:
    passes = Passes()
    passes.run()
    cpu.load()
    passes.session.subject.tree.root[0].weight.data.mul_(1.001)
    calls = passes.run()
    assert numbers(calls[0].previous) != numbers(calls[0].output)
    passes.session.close()


@needs_numba
def test_the_baseline_is_run_anew_by_the_other_kind() -> None:
    passes = Passes()
    passes.session.add_hook("2", "add(3.0)")
    passes.run()
    cpu.load()
    _, first, _, last = passes.run()
    assert numbers(first.baseline) == numbers(first.output)
    assert numbers(last.baseline) != numbers(last.output)
    passes.session.close()


def test_only_rounding_is_forgiven() -> None:
    now = TensorValue((3,), "float32", "cpu", statistics=stats.Statistics(0.0, 9.0, 1.0, 2.0, zeros=1))
    near = TensorValue((3,), "float32", "cpu", statistics=stats.Statistics(0.0, 9.0, 1.0 + 1e-6, 2.0 - 1e-6, zeros=1))
    assert forgive_rounding(near, now) == now
    assert forgive_rounding(SequenceValue("list", (near, near), 2), SequenceValue("list", (now,), 1)) == SequenceValue(
        "list", (now, near), 2
    )
    for other in (
        stats.Statistics(0.0, 9.0, 1.001, 2.0, zeros=1),
        stats.Statistics(0.0, 9.0, 1.0, 2.001, zeros=1),
        stats.Statistics(0.0, 9.0000001, 1.0, 2.0, zeros=1),
        stats.Statistics(0.0, 9.0, 1.0, 2.0, zeros=2),
        stats.Statistics(None, None, None, None, nan=3),
        None,
    ):
        before = TensorValue((3,), "float32", "cpu", statistics=other)
        assert forgive_rounding(before, now) == before
    assert forgive_rounding(None, now) is None


def prepare(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What it tells, once it is over."""
    monkeypatch.setattr(cpu, "_QUIET", 0.0)
    told: list[str] = []
    cpu.prepare(contextlib.nullcontext, told.append)
    cpu.prepare(contextlib.nullcontext, told.append)
    assert len(cpu._begun) == 1
    cpu._begun[0].join(120)
    assert not cpu._begun[0].is_alive()
    cpu.take_up()
    return told


@needs_numba
def test_it_is_used_once_it_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not cpu.is_in_use()
    assert prepare(monkeypatch) == []
    assert cpu.is_in_use()


def test_a_turn_that_is_somebody_elses_for_long_is_waited_for() -> None:
    refused = [InspectorError("another thread has not ended"), InspectorError("nor now")]

    @contextlib.contextmanager
    def turn() -> Iterator[None]:
        if refused:
            raise refused.pop()
        yield

    with cpu._hold(turn):
        assert not refused


def test_without_numba_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "find_spec", lambda name: None)
    monkeypatch.setattr(cpu, "_start_compiling", lambda: pytest.fail("started"))
    assert prepare(monkeypatch) == []
    assert not cpu.is_in_use() and statistics_of(torch.ones(3)).mean == 1


@pytest.mark.parametrize("where", ["process", "import"])
def test_a_numba_that_does_not_work_is_told_once(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "find_spec", lambda name: "there")
    monkeypatch.setattr(cpu, "_COMPILE", "raise SystemExit(3)" if where == "process" else "pass")
    monkeypatch.setitem(sys.modules, "numba", None)
    told = prepare(monkeypatch)
    assert len(told) == 1 and ("ended with 3" if where == "process" else "ModuleNotFoundError") in told[0]
    assert not cpu.is_in_use() and statistics_of(torch.ones(3)).mean == 1


LIBRARY = """
import sys, torch, inspector
model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU())
inspector.summary(model, torch.ones(2, 4))
with inspector.capture(model) as captured:
    model(torch.ones(2, 4))
assert captured.calls
assert not [name for name in sys.modules if name.partition(".")[0] in ("numba", "llvmlite")]
"""

GUARDED = """
import torch
from inspector.engine.restore.process.state import ProcessState
from inspector.engine.values.kernels import cpu_statistics
from tests.fingerprint import fingerprint
model = torch.nn.Linear(2, 2)
then, before = ProcessState(), fingerprint(model)
cpu_statistics.load()
cpu_statistics.take_up()
assert cpu_statistics.reduce(torch.ones(1 << 20)).mean == 1
assert fingerprint(model) == before, [key for key in before if fingerprint(model)[key] != before[key]]
changed, lost = then.restore()
assert changed == lost == [], (changed, lost)
"""


FORKED = """
import os, torch
from inspector.engine.values.kernels import cpu_statistics
torch.set_num_threads(2)
cpu_statistics.load()
cpu_statistics.take_up()
flat = torch.ones(1 << 20)
row = cpu_statistics.reduce(flat)
if child := os.fork():
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
os._exit(cpu_statistics.reduce(flat) != row)
"""


@pytest.mark.parametrize("program", [LIBRARY, *(pytest.param(each, marks=needs_numba) for each in (GUARDED, FORKED))])
def test_a_process_is_left_as_it_was(program: str) -> None:
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stderr
