"""The kernel for statistics on a CUDA device: its source here, its numbers where there is one."""

from __future__ import annotations

import math
import sys
from types import SimpleNamespace

import pytest
import torch

from inspector.engine.values import statistics as stats
from inspector.engine.values.kernels import cuda_statistics as cuda
from inspector.engine.values.summarize import Summarizer
from inspector.records import TensorValue

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def anew() -> None:
    cuda.find_kernel.cache_clear()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_the_source_compiles(dtype: torch.dtype) -> None:
    utilities = pytest.importorskip("torch.cuda._utils")
    if not hasattr(utilities, "_nvrtc_compile") or torch.version.cuda is None:
        pytest.skip("this torch compiles no CUDA")
    code, _ = utilities._nvrtc_compile(cuda.SOURCE.read_text(), f"reduce<{cuda.TYPES[dtype]}>", "80")
    assert code


def test_without_a_kernel_the_operations_of_torch_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cuda.find_kernel(torch.float32, CPU) is None
    monkeypatch.setattr(torch.cuda, "_compile_kernel", lambda *given: 1 / 0, raising=False)
    cuda.find_kernel.cache_clear()
    assert cuda.find_kernel(torch.float32, torch.device("cuda:0")) is None


def test_the_kernel_takes_the_place_of_the_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Integers and eight bits are converted for it; of nothing there is nothing to launch."""
    taken: list[torch.dtype] = []
    row = torch.zeros(8, dtype=torch.float64)
    kernel = SimpleNamespace(reduce=lambda flat: (taken.append(flat.dtype), row)[1])
    monkeypatch.setattr(cuda, "find_kernel", lambda dtype, device: kernel)
    for dtype in (torch.float32, torch.bfloat16, torch.int64, torch.bool, torch.float8_e5m2):
        assert stats.reduce_on_device(torch.ones(3).to(dtype)) is row
    assert taken == [torch.float32, torch.bfloat16, torch.float64, torch.float64, torch.float32]
    assert stats.reduce_on_device(torch.empty(0)) is not row


def describe(tensor: torch.Tensor) -> TensorValue:
    summarizer = Summarizer()
    value = summarizer.describe_now(tensor)
    assert isinstance(value, TensorValue)
    return value


@needs_gpu
@pytest.mark.parametrize("dtype", [*cuda.TYPES, torch.int32, torch.bool, torch.complex64])
@pytest.mark.parametrize("count", [1, 31, 1_000, 70_001, 3_000_000])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize("odd", [(), (math.nan,), (math.inf, -math.inf), (math.nan, math.inf)], ids=str)
def test_it_counts_and_measures_as_float64_does(
    dtype: torch.dtype, count: int, offset: float, odd: tuple[float, ...]
) -> None:
    if odd and not (dtype.is_floating_point or dtype.is_complex):
        pytest.skip("it has only numbers")
    x = torch.randn(count, device="cuda").relu() + offset
    for number, value in enumerate(odd):
        x[number :: 7 + number] = value
    x = x.to(dtype)
    found = describe(x).statistics
    exact = (x.abs() if x.is_complex() else x).double()
    finite = exact[exact.isfinite()]
    assert found is not None
    assert (found.nan, found.inf) == (int(exact.isnan().sum()), int(exact.isinf().sum()))
    assert found.zeros == int((exact == 0).sum())
    if finite.numel() == 0:
        assert found.min is found.max is found.mean is found.std is None
        return
    assert (found.min, found.max) == (finite.min().item(), finite.max().item())
    assert found.mean == pytest.approx(finite.mean().item(), rel=1e-9, abs=1e-12)
    assert found.std == pytest.approx(finite.std(unbiased=False).item(), rel=1e-7, abs=1e-9)


LAYOUTS = {
    "a parameter": torch.nn.Parameter,
    "with a gradient": lambda x: x.requires_grad_() * 1,
    "a piece": lambda x: x[3:, 2:],
    "some rows": lambda x: x[3:],
    "transposed": lambda x: x.T,
    "expanded": lambda x: x[:1].expand(5, -1),
    "negative": lambda x: torch.complex(x, x).conj().imag,
    "sparse": lambda x: x.relu().to_sparse(),
    "nothing": lambda x: x[:0],
}


@needs_gpu
@pytest.mark.parametrize("words", LAYOUTS)
def test_whatever_lies_on_the_device_has_the_numbers_of_its_copy_on_the_host(words: str) -> None:
    tensor = LAYOUTS[words](torch.randn(40, 30, device="cuda"))
    on_device, on_host = describe(tensor), describe(tensor.detach().cpu())
    assert on_device.requires_grad == tensor.requires_grad and on_device.type == type(tensor).__name__
    found, truth = on_device.statistics, on_host.statistics
    assert (found is None) == (truth is None)
    if found is not None and truth is not None:
        assert (found.min, found.max, found.nan, found.inf, found.zeros, found.of) == (
            truth.min, truth.max, truth.nan, truth.inf, truth.zeros, truth.of
        )  # fmt: skip
        assert found.mean is truth.mean is None or found.mean == pytest.approx(truth.mean, rel=1e-5, abs=1e-7)


@needs_gpu
def test_to_compile_it_leaves_the_path_of_modules_as_it_was() -> None:
    before = list(sys.path)
    assert cuda.find_kernel(torch.float32, torch.device("cuda:0")) is not None and sys.path == before


@needs_gpu
def test_rows_are_taken_anew_when_all_are_used() -> None:
    summarizer = Summarizer()
    values = [summarizer.tensor(torch.full((3,), float(number), device="cuda")) for number in range(600)]
    summarizer.resolve()
    assert [value.statistics.max for value in values if value.statistics is not None] == [float(n) for n in range(600)]


@needs_gpu
def test_streams_do_not_meet() -> None:
    streams = [torch.cuda.Stream() for _ in range(4)]
    tensors = [torch.full((500_000,), float(number), device="cuda") for number in range(4)]
    torch.cuda.synchronize()
    summarizer = Summarizer()
    values = []
    for _ in range(20):
        for stream, tensor in zip(streams, tensors, strict=True):
            with torch.cuda.stream(stream):
                values.append(summarizer.tensor(tensor))
    summarizer.resolve()
    means = [value.statistics.mean for value in values if value.statistics is not None]
    assert means == [0.0, 1.0, 2.0, 3.0] * 20


@needs_gpu
def test_what_is_recorded_into_a_graph_has_no_numbers() -> None:
    x, graph = torch.ones(8, device="cuda"), torch.cuda.CUDAGraph()
    x.mul(2)
    torch.cuda.synchronize()
    with torch.cuda.graph(graph):
        value = describe(x)
    assert value.statistics is None and "CUDA graph" in value.why
