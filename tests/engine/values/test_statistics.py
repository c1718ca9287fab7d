"""Statistics against a float64 reference."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.engine.values import statistics as stats
from inspector.engine.values.histogram import BINS
from inspector.engine.values.kernels import small_statistics
from inspector.engine.values.summarize import Summarizer
from inspector.records import Statistics, TensorValue

FLOATS = (torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.float8_e4m3fn, torch.float8_e5m2)
INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
COMPLEX = (torch.complex64, torch.complex128)

quick = settings(max_examples=60, deadline=None)


def seen(tensor: torch.Tensor, values: bool = False) -> TensorValue:
    summarizer = Summarizer(True, values)
    value = summarizer.tensor(tensor)
    summarizer.resolve()
    return value


def statistics_of(tensor: torch.Tensor) -> Statistics:
    value = seen(tensor)
    assert value.statistics is not None, value.why
    return value.statistics


def reference(tensor: torch.Tensor) -> Statistics:
    x = (tensor.abs() if tensor.is_complex() else tensor).double().flatten()
    finite = x[x.isfinite()]
    counts = int(x.isnan().sum()), int(x.isinf().sum()), int((x == 0).sum())
    if not finite.numel():
        return Statistics(None, None, None, None, *counts)
    mean = finite.mean()
    std = (finite - mean).square().mean().sqrt()
    return Statistics(finite.min().item(), finite.max().item(), mean.item(), std.item(), *counts)


def assert_close(found: Statistics, expected: Statistics, digits: float = 1e-5) -> None:
    assert (found.nan, found.inf, found.zeros) == (expected.nan, expected.inf, expected.zeros)
    assert (found.min, found.max) == (expected.min, expected.max)
    if expected.mean is None or expected.std is None:
        assert found.mean is None and found.std is None
        return
    assert found.mean is not None and found.std is not None
    size = max(abs(expected.min or 0), abs(expected.max or 0))
    assert found.mean == pytest.approx(expected.mean, rel=digits, abs=size * 1e-6)
    assert found.std == pytest.approx(expected.std, rel=digits * 10, abs=size * 1e-7)


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    dtype = draw(st.sampled_from(FLOATS + INTEGERS + COMPLEX))
    shape = draw(st.lists(st.integers(0, 5), max_size=4))
    count = math.prod(shape)
    scale = 10.0 ** draw(st.integers(-30, 30)) if dtype in (torch.float32, torch.float64) else 1.0
    offset = draw(st.sampled_from([0.0, 1.0, -1000.0])) * scale
    odd = draw(st.lists(st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 3e38]), max_size=3))
    x = torch.randn(count, dtype=torch.float64, generator=torch.Generator().manual_seed(draw(st.integers(0, 99))))
    x = x * scale * 3 + offset
    if dtype not in INTEGERS:
        x[: len(odd)] = torch.tensor(odd[:count], dtype=torch.float64)
    x = torch.complex(x, x.flip(0)) if dtype in COMPLEX else x
    return x.to(dtype).reshape(shape)


@quick
@given(tensors())
def test_any_tensor_is_as_float64_says(tensor: torch.Tensor) -> None:
    expected = reference(tensor)
    found = statistics_of(tensor)
    assert found.of == ("magnitudes" if tensor.is_complex() else "values")
    assert_close(found, expected)


@quick
@given(tensors())
def test_a_device_says_what_the_host_says(tensor: torch.Tensor) -> None:
    pieces, repeats = stats.chunks(tensor)
    pieces = list(pieces)
    on_device = [stats.Partial(*stats.reduce_on_device(piece).tolist()) for piece in pieces]
    found = stats.finish(on_device, repeats, "values")
    expected = stats.finish([stats.reduce_on_host(piece) for piece in pieces], repeats, "values")
    assert_close(found, expected)


@quick
@given(tensors(), st.integers(1, 40))
def test_chunks_merge_to_the_whole(tensor: torch.Tensor, size: int) -> None:
    flat = tensor.abs().flatten() if tensor.is_complex() else tensor.flatten()
    parts = [stats.reduce_on_host(part) for part in flat.split(size)]
    assert_close(stats.finish(parts, 1, "values"), reference(tensor))


@pytest.mark.parametrize(
    ("count", "offset"),
    [*((count, offset) for count in (1000, 1 << 20) for offset in (0.0, 5.0, 9.0, 11.0, 30.0, 1e4)), (1 << 24, 1e4)],
)
def test_a_mean_far_above_the_deviation_costs_no_digits(count: int, offset: float) -> None:
    x = torch.randn(count, generator=torch.Generator().manual_seed(1)) + offset
    found, exact = stats.reduce_on_host(x), x.double()
    deviation = exact.std(correction=0).item()
    assert math.sqrt(found.m2 / count) == pytest.approx(deviation, rel=3e-5)
    assert found.mean == pytest.approx(exact.mean().item(), abs=deviation * 1e-5)


@pytest.mark.parametrize("scale", [1e-44, 1e-38, 1e-25, 1e-22, 1e-15, 1e18, 1e25, 1e38])
def test_squares_that_float32_cannot_hold(scale: float) -> None:
    x = torch.tensor([1.0, -1.0, 2.0]) * scale
    assert_close(statistics_of(x), reference(x))
    if scale > 1e-38:  # a device subtracts the mean in float32, where what is smaller than that has few digits
        row = stats.Partial(*stats.reduce_on_device(x).tolist())
        assert_close(stats.finish([row], 1, "values"), reference(x))


def test_float16_sums_do_not_overflow() -> None:
    found = statistics_of(torch.tensor([60000.0, 59968.0] * 500, dtype=torch.float16))
    assert (found.mean, found.std) == (59984.0, 16.0)


def test_large_integers_keep_their_digits() -> None:
    x = torch.tensor([2**40, 2**40 + 1, 2**40 + 2])
    row = stats.Partial(*stats.reduce_on_device(x).tolist())
    for found in (statistics_of(x), stats.finish([row], 1, "values")):
        assert (found.min, found.max, found.mean) == (2**40, 2**40 + 2, 2**40 + 1)


def test_nan_and_inf_are_counted_apart_and_minus_zero_is_a_zero() -> None:
    found = statistics_of(torch.tensor([math.nan, math.inf, -math.inf, 1.0, -0.0]))
    assert found == Statistics(0.0, 1.0, 0.5, 0.5, nan=1, inf=2, zeros=1)


def test_without_a_finite_element_there_are_no_floats() -> None:
    assert statistics_of(torch.tensor([math.nan, math.inf])) == Statistics(None, None, None, None, 1, 1, 0)
    assert statistics_of(torch.empty(0, 3)) == Statistics(None, None, None, None)


@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64, torch.bfloat16])
def test_an_expanded_tensor_costs_its_one_stored_element(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    seen_elements: list[int] = []
    real = stats.reduce_on_host
    monkeypatch.setattr(stats, "reduce_on_host", lambda flat: (seen_elements.append(flat.numel()), real(flat))[1])
    value = seen(torch.zeros(1, 3, dtype=dtype)[:, :1].expand(10**9, 1).unsqueeze(0), values=True)
    assert seen_elements == [1]
    assert value.statistics is not None and value.statistics.zeros == 10**9
    assert value.histogram is not None and value.histogram.zeros == 10**9


LAYOUTS = {
    "transposed": lambda x: x.transpose(0, 3),
    "channels last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "every second": lambda x: x[:, ::2, :, 1::3],
    "flipped": lambda x: x.flip(0),
    "overlapping": lambda x: x.unfold(3, 3, 1),
    "expanded inside": lambda x: x[:, :1].expand(-1, 7, -1, -1),
    "negated lazily": lambda x: torch.complex(x, x).conj().imag,
    "one element": lambda x: x[0, 0, 0, 0],
    "offset": lambda x: x[1:, 2:],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("chunk", [1 << 24, 50])
def test_any_layout_is_seen_whole(layout: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "CHUNK", chunk)
    tensor = LAYOUTS[layout](torch.randn(3, 4, 5, 6))
    assert_close(statistics_of(tensor), reference(tensor))


def test_no_chunk_is_larger_than_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "CHUNK", 50)
    for tensor in (torch.randn(3, 4, 5, 6), torch.randn(3, 4, 5, 6)[:, ::2, :, 1::3]):
        pieces, repeats = stats.chunks(tensor)
        sizes = [piece.numel() for piece in pieces]
        assert sum(sizes) * repeats == tensor.numel() and max(sizes) <= 50


def test_what_a_tensor_stands_for_is_said() -> None:
    assert statistics_of(torch.eye(4).to_sparse()).of == "stored values"
    assert statistics_of(torch.eye(4).to_sparse_csr()).of == "stored values"
    assert statistics_of(torch.quantize_per_tensor(torch.ones(3), 0.5, 0, torch.quint8)) == Statistics(
        1.0, 1.0, 1.0, 0.0, of="dequantized values"
    )


def test_reducing_on_a_device_never_waits_for_it() -> None:
    row = stats.reduce_on_device(torch.empty(5, device="meta"))  # any look at a value would raise
    assert row.shape == (len(stats.Partial._fields),)


def test_all_rows_of_a_pass_move_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    moves: list[torch.Size] = []
    real = torch.Tensor.tolist
    tensors = [torch.randn(10) for _ in range(20)]
    pending = stats.Pending()
    values = []
    for tensor in tensors:
        values.append(TensorValue((10,), "float32", "cuda:0"))
        pending.add(values[-1], [stats.reduce_on_device(part) for part in tensor.split(6)], 1, "values")
    monkeypatch.setattr(torch.Tensor, "tolist", lambda self: (moves.append(self.shape), real(self))[1])
    monkeypatch.setattr(torch.Tensor, "item", lambda self: pytest.fail("one value was moved alone"))
    pending.resolve()
    monkeypatch.undo()
    assert moves == [(40, 8)]
    for tensor, value in zip(tensors, values, strict=True):
        assert_close(value.statistics, reference(tensor))
    pending.resolve()  # nothing is left to move


def test_a_summarizer_completes_device_values_only_in_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU: the deferred way, taken here by a CPU tensor."""
    summarizer = Summarizer()
    x = torch.tensor([1.0, math.nan, 3.0])
    value = summarizer._defer(x, x, "")
    x.zero_()
    assert value.statistics is None
    summarizer.resolve()
    assert value.statistics == Statistics(1.0, 3.0, 2.0, 1.0, nan=1)


@quick
@given(tensors())
def test_a_histogram_counts_every_finite_element(tensor: torch.Tensor) -> None:
    value = seen(tensor, values=True)
    real = tensor.abs() if tensor.is_complex() else tensor
    finite = int(real.double().isfinite().sum())
    if finite:
        zeros = int((real.double() == 0).sum())
        assert value.histogram is not None and value.histogram.zeros == zeros
        assert sum(value.histogram.counts) == finite - zeros
        assert len(value.histogram.counts) == BINS
    else:
        assert value.histogram is None


@pytest.mark.parametrize(
    "x",
    [
        torch.tensor([-3.4e38, 3.4e38]),
        torch.tensor([-1.5e308, 1.5e308], dtype=torch.float64),
        torch.tensor([2**60, 5]),
        torch.tensor([2**53, 2**53 + 1]),
        torch.tensor([0.0, 1e-45]),
        torch.tensor([0.0, math.inf, 2.0, math.nan]),
        torch.tensor([False, True]),
    ],
)
def test_extreme_ranges_are_binned(x: torch.Tensor) -> None:
    histogram = seen(x, values=True).histogram
    assert histogram is not None
    assert (histogram.counts[0] + histogram.zeros, histogram.counts[-1]) == (1, 1) or histogram.low == histogram.high


def test_a_constant_stands_in_the_middle() -> None:
    histogram = seen(torch.full((7,), 2.0).to(torch.float8_e4m3fn), values=True).histogram
    assert histogram is not None and histogram.counts[BINS // 2] == 7


def test_a_preview_is_the_leading_corner() -> None:
    x = torch.arange(2 * 3 * 10 * 10).reshape(2, 3, 10, 10)
    preview = seen(x, values=True).preview
    assert preview is not None and preview.start == (0, 0, 0, 0)
    assert preview.rows == tuple(tuple(row) for row in x[0, 0, :6, :8].tolist())


@pytest.mark.parametrize(
    ("tensor", "start", "rows"),
    [
        (torch.tensor(3), (), ((3,),)),
        (torch.tensor([1.5, 2.5]), (0,), ((1.5, 2.5),)),
        (torch.tensor([[True], [False]]), (0, 0), ((True,), (False,))),
        (torch.tensor([1 + 2j]), (0,), (("1+2j",),)),
        (torch.tensor([2**64 - 1], dtype=torch.uint64), (0,), ((2**64 - 1,),)),
        (torch.tensor([0.5]).to(torch.float8_e5m2), (0,), ((0.5,),)),
    ],
)
def test_previews_of_every_kind(tensor: torch.Tensor, start: tuple, rows: tuple) -> None:
    preview = seen(tensor, values=True).preview
    assert preview is not None and (preview.start, preview.rows) == (start, rows)


@pytest.mark.parametrize("count", [3, 20_000, 1 << 20])
def test_numpy_is_asked_to_raise_nothing(count: int) -> None:
    """Whatever the program asked of it, and however large the elements are: torch says nothing either."""
    import numpy

    for element in (3e38, 1e-44, math.nan, math.inf, -0.0):
        x = torch.randn(count)
        x[1] = element
        with numpy.errstate(all="raise"), warnings.catch_warnings():
            warnings.simplefilter("error")
            assert_close(statistics_of(x), reference(x))


@pytest.mark.parametrize(("dtype", "bits"), [(torch.float32, 0x7F800001), (torch.float16, 0x7D01)])
def test_nor_where_a_nan_is_a_signalling_one(dtype: torch.dtype, bits: int) -> None:
    import numpy

    x = torch.ones(3, dtype=dtype)
    x.view(torch.int32 if dtype is torch.float32 else torch.int16)[1] = bits
    with numpy.errstate(all="raise"):
        assert statistics_of(x) == Statistics(1.0, 1.0, 1.0, 0.0, nan=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("count", [1, 511, 512, 513, 1024, 1025, 1 << 15, (1 << 15) + 1, 1 << 16, (1 << 16) + 1])
@pytest.mark.parametrize("offset", [0.0, 9.0, 1e3])
def test_around_what_is_copied_or_added_up_by_numpy_it_is_as_float64_says(
    dtype: torch.dtype, count: int, offset: float
) -> None:
    x = torch.randn(count, generator=torch.Generator().manual_seed(count)).to(dtype) + offset
    x[0] = 0.0
    assert_close(statistics_of(x), reference(x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("few", [0, 1 << 20])
def test_a_large_tensor_is_as_float64_says_with_few_and_many_threads(
    few: int, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(small_statistics, "FEW_THREADS", few)
    flat = torch.randn(700_001, generator=torch.Generator().manual_seed(1)).add(2).relu().to(dtype)
    assert_close(statistics_of(flat), reference(flat))
    for place, odd in ((3, math.inf), (700_000, math.nan), (700_000, -9e3)):
        broken = flat.clone()
        broken[place] = odd
        assert_close(statistics_of(broken), reference(broken))
