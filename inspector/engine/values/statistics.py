"""Statistics of one tensor, made the moment it is seen, on its own device.

On the CPU a tensor is reduced at once, in one read where `cpu_statistics` is in use. Otherwise extremes, sum and sum of
squares take about five copies' time together (numpy's, `small_statistics`, or `amin`, `amax`, `sum`, `dot`), and zeros
are counted only where the extremes admit any. NaN and Inf show in the extremes and are counted only then. On any other
device the reductions stay there as one small row per chunk and `Pending` moves all rows of a pass to the host at once,
because each `.item()` would be a synchronisation; on CUDA one kernel makes the row.

Chunks merge with Chan, Golub and LeVeque's update of (elements, mean, M2) ("Algorithms for computing the sample
variance", The American Statistician 37, 1983).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
import torch
from torch import Tensor
from torch.nn import Parameter

from ...records import Statistics, TensorValue
from .kernels import cpu_statistics, cuda_statistics, small_statistics

CHUNK = 1 << 24
"""Elements reduced at a time, so that temporaries stay small next to the tensor."""

WINDOWS = 1 << 26
"""Elements of a tensor that slides over shared memory, past which what is in that memory is reduced instead."""

COMPRESSED = (torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc)
"""Sparse layouts whose numbers are in `values()`."""

HISTOGRAM_BINS = 40

# Below this ratio of variance to squared mean, sum-of-squares in float32 has lost too many digits.
_CANCELLATION = 1e-2

# Below this variance the squares of float32 elements are denormal numbers, or zero.
_UNDERFLOW = 1e-30

# Elements per `dot`: BLAS adds so many squares in a few float32 lanes, and 16 million of them lost two digits.
_DOT = 1 << 18

# Elements that are still in a processor's cache when they are read again.
_CACHED = 1 << 19

# Elements of a narrow type that are converted at a time, so that they stay in a processor's cache.
_CONVERTED = 1 << 18

# `histc` computes (element - low) * bins in the tensor's own dtype.
_HISTC_RANGE = {torch.float32: 1e36, torch.float64: 1e306}


class Partial(NamedTuple):
    """Of some of a tensor's elements: the finite ones' count, mean, M2 and extremes, and counts of the others."""

    elements: float
    mean: float
    m2: float
    low: float
    high: float
    nan: float
    inf: float
    zeros: float


_NOTHING = Partial(0, 0.0, 0.0, math.inf, -math.inf, 0, 0, 0)


def merge(a: Partial, b: Partial) -> Partial:
    count = a.elements + b.elements
    if count == 0:
        return Partial(0, 0.0, 0.0, math.inf, -math.inf, a.nan + b.nan, a.inf + b.inf, 0)
    delta = b.mean - a.mean
    return Partial(
        count,
        a.mean + delta * b.elements / count,
        a.m2 + b.m2 + delta * delta * a.elements * b.elements / count,
        min(a.low, b.low),
        max(a.high, b.high),
        a.nan + b.nan,
        a.inf + b.inf,
        a.zeros + b.zeros,
    )


def finish(partials: list[Partial], repeats: int, of: str) -> Statistics:
    """The whole tensor's statistics; every element seen stands for `repeats` of its (expanded) elements."""
    total = partials[0] if len(partials) == 1 else _NOTHING
    if len(partials) > 1:
        for partial in partials:
            total = merge(total, partial)
    counts = int(total.nan) * repeats, int(total.inf) * repeats, int(total.zeros) * repeats
    if total.elements == 0:
        return Statistics(None, None, None, None, *counts, of)
    std = math.sqrt(max(total.m2, 0.0) / total.elements)
    low, high = total.low + 0.0, total.high + 0.0  # never -0.0: which of both zeros is found depends on the kernel
    return Statistics(low, high, total.mean, std, *counts, of)


def finish_row(row: Sequence[float], count: int) -> Statistics | None:
    """Those of `count` elements, of which a kernel found this; None where it cannot know all."""
    low, high, mean, m2, zeros, _ = row
    if not (-math.inf < low and high < math.inf):  # where an element is not finite, neither are both extremes
        return None
    if low == high:
        mean, m2 = low, 0.0
    if low == high or count * _UNDERFLOW < m2 < math.inf:
        return Statistics(low + 0.0, high + 0.0, mean, math.sqrt(m2 / count), 0, 0, int(zeros))
    return None


def numbers(tensor: Tensor) -> tuple[Tensor, str]:
    """A strided tensor with the numbers `tensor` stands for, and what its statistics are of, in words."""
    of = "values"
    if tensor.layout is torch.sparse_coo:
        tensor, of = tensor._values(), "stored values"
    elif tensor.layout in COMPRESSED or tensor.is_nested:
        tensor, of = tensor.values(), "stored values"
    elif tensor.is_quantized:
        tensor, of = tensor.dequantize(), "dequantized values"
    elif tensor.is_mkldnn:
        tensor = tensor.to_dense()
    elif tensor.numel() > WINDOWS and _overlaps(tensor):
        tensor, of = tensor.as_strided((_span(tensor),), (1,)), "stored values"
    return tensor, "magnitudes" if tensor.is_complex() else of


def chunks(tensor: Tensor) -> tuple[Iterable[Tensor], int]:
    """The elements of `tensor` as flat real pieces, and how many times each stands for in an expanded tensor."""
    repeats = 1
    for dim in reversed(range(tensor.dim())):
        if tensor.stride(dim) == 0 and tensor.shape[dim] > 1:
            repeats *= tensor.shape[dim]
            tensor = tensor.select(dim, 0)
    if tensor.is_contiguous():
        flat: Tensor | None = tensor.view(-1)
    else:
        flat = tensor.as_strided((tensor.numel(),), (1,)) if _is_dense(tensor) else None
    if flat is None:
        return map(_real, _pieces(tensor)), repeats
    return map(_real, [flat] if flat.numel() <= CHUNK else torch.split(flat, CHUNK)), repeats


def _real(flat: Tensor) -> Tensor:
    """Magnitudes of complex elements; a lazily negated view (`.imag` of a conjugate) is carried out for numpy."""
    if not flat.is_complex():
        return flat.resolve_neg()
    if flat.element_size() == 4 and flat.dtype is not torch.complex32:  # halves of bfloat16 have no `abs`
        halves = torch.view_as_real(flat.resolve_conj()).float()
        return torch.hypot(halves[..., 0], halves[..., 1])
    return flat.abs()


def _overlaps(tensor: Tensor) -> bool:
    """Whether elements share memory beyond dimensions that repeat one: a sliding window, of which each number counts
    many times."""
    return math.prod(_moving(tensor.shape, tensor.stride())) > _span(tensor)


def _moving(shape: Sequence[int], stride: Sequence[int]) -> list[int]:
    return [size for size, step in zip(shape, stride, strict=True) if step]


def _span(tensor: Tensor) -> int:
    """Elements of memory from the first to the last one of a tensor that is not empty."""
    return 1 + sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride(), strict=True))


def _is_dense(tensor: Tensor) -> bool:
    """Whether the elements fill one block of memory without overlap, in whatever order of dimensions."""
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size != 1:
            if stride != expected:
                return False
            expected *= size
    return True


def _pieces(tensor: Tensor) -> Iterator[Tensor]:
    if tensor.numel() <= CHUNK or tensor.dim() == 0:
        yield tensor.reshape(-1)
        return
    dim = max(range(tensor.dim()), key=tensor.shape.__getitem__)
    for part in torch.split(tensor, max(1, tensor.shape[dim] // 2), dim):
        yield from _pieces(part)


def reduce_on_host(flat: Tensor, total: float | None = None) -> Partial:
    """All at once, for a contiguous CPU tensor of any real dtype, of one dimension where it is large; `total` is its
    sum where that is known."""
    if flat.numel() == 0:
        return _NOTHING
    if (row := cpu_statistics.reduce(flat)) is not None:
        return complete(flat, row)
    if flat.dtype is torch.float32 or flat.dtype is torch.float64:
        return _reduce(flat, total)
    if flat.is_floating_point():  # fp16 sums overflow, float8 has no reductions
        return functools.reduce(merge, [_reduce(part.float(), None) for part in torch.split(flat, _CONVERTED)])
    return _reduce(flat.double(), None)


def complete(flat: Tensor, row: Sequence[float]) -> Partial:
    """What a kernel found of a tensor, with what it cannot know."""
    count = flat.numel()
    low, high, mean, m2, zeros, _ = row
    if not (math.isfinite(low) and math.isfinite(high)):
        return _reduce_finite(flat)
    if low == high:
        return Partial(count, low, 0.0, low, high, 0, 0, zeros)
    if not (math.isfinite(m2) and m2 > count * _UNDERFLOW):
        mean, m2 = _moments_in_double(flat)
    return Partial(count, mean, m2, low, high, 0, 0, zeros)


def finish_sums(low: float, high: float, zeros: int, squares: float, added: float, count: int) -> Statistics | None:
    """As `finish_row`, from what `small_statistics.reduce` found of `count` elements, and their sum."""
    if not (-math.inf < low and high < math.inf):
        return None
    if low == high:
        return Statistics(low + 0.0, low + 0.0, low + 0.0, 0.0, 0, 0, zeros)
    m2 = squares - added * added / count
    if not (count * _UNDERFLOW < m2 < math.inf and m2 > _CANCELLATION * (squares - m2)):
        return None
    return Statistics(low + 0.0, high + 0.0, added / count, math.sqrt(m2 / count), 0, 0, zeros)


def _reduce(flat: Tensor, total: float | None) -> Partial:
    if (row := cpu_statistics.reduce(flat)) is not None:  # of what was converted
        return complete(flat, row)
    count = flat.numel()
    array = small_statistics.export(flat) if small_statistics.is_small(count, flat.dtype) else None
    if array is not None and array.nbytes <= small_statistics.COPIED:
        low, high, zeros, squares, added = small_statistics.reduce_few(array)
    else:
        low, high, zeros, squares = _reduce_by_torch(flat) if array is None else small_statistics.reduce(array)
        added = flat.sum().item() if total is None else total
    m2 = squares - added * added / count
    kept = m2 if m2 > _CANCELLATION * (squares - m2) else 0.0  # it lost its digits
    return complete(flat, (low, high, added / count, kept, zeros, added))


def _reduce_by_torch(flat: Tensor) -> tuple[float, float, int, float]:
    """As `small_statistics.reduce`, by torch's own operations, which are what is compared with where there is a
    kernel."""
    least, most, zeros, squares = math.inf, -math.inf, 0, 0.0
    for part in torch.split(flat, _CACHED):
        low, high = part.amin().item(), part.amax().item()  # sooner than both at once
        if not (math.isfinite(low) and math.isfinite(high)):
            return low, high, 0, 0.0
        zeros += _zeros(part) if low <= 0 <= high else 0
        squares += _squares(part)
        least, most = min(least, low), max(most, high)
    return least, most, zeros, squares


def _moments_in_double(flat: Tensor) -> tuple[float, float]:
    flat = flat.detach().double().view(-1)
    mean = flat.mean().item()
    shifted = flat - mean
    return mean, torch.dot(shifted, shifted).item()


def _squares(flat: Tensor) -> float:
    return math.fsum(torch.dot(part, part).item() for part in torch.split(flat, _DOT))


def _zeros(flat: Tensor) -> int:
    """torch converts on its threads, and numpy counts: no way of either alone is half as fast."""
    import numpy

    return flat.numel() - int(numpy.count_nonzero(flat.to(torch.bool).numpy()))


def _reduce_finite(flat: Tensor) -> Partial:
    flat = flat.detach()
    nan = int(flat.isnan().sum())
    finite = flat[flat.isfinite()]
    rest = reduce_on_host(finite)
    return rest._replace(nan=nan, inf=flat.numel() - finite.numel() - nan)


def reduce_on_device(flat: Tensor) -> Tensor:
    """The fields of `Partial` as one tensor on the device of `flat`, without waiting for it."""
    wide = torch.float32 if flat.device.type == "mps" else torch.float64  # mps has no float64
    if flat.dtype not in cuda_statistics.TYPES:
        flat = flat.to(torch.float32 if flat.is_floating_point() else wide)
    if flat.numel() and (kernel := cuda_statistics.find_kernel(flat.dtype, flat.device)) is not None:
        return kernel.reduce(flat)
    x = flat.float() if flat.element_size() < 4 else flat
    finite = x.isfinite()
    count = finite.sum()
    kept = torch.where(finite, x, 0)
    mean = kept.sum(dtype=wide) / count.clamp(min=1)
    deviations = torch.where(finite, x - mean.to(x.dtype), 0)
    m2 = torch.linalg.vector_norm(deviations, dtype=wide).square()  # float32 squares overflow and underflow
    low = torch.where(finite, x, math.inf).amin() if x.numel() else x.new_tensor(math.inf)
    high = torch.where(finite, x, -math.inf).amax() if x.numel() else x.new_tensor(-math.inf)
    nan = x.isnan().sum()
    row = (count, mean, m2, low, high, nan, x.numel() - count - nan, (x == 0).sum())
    return torch.stack([part.to(wide) for part in row])


def reduce_in_one_launch(tensor: Tensor) -> Tensor | None:
    """As `reduce_on_device`, where one launch is enough: for a tensor of torch's own on a CUDA device, in one piece."""
    kind = type(tensor)
    if not (kind is Tensor or kind is Parameter) or not tensor.is_cuda:
        return None
    if tensor.dtype not in cuda_statistics.TYPES or torch.cuda.is_current_stream_capturing():
        return None
    ordinary = torch._C._dispatch_keys(tensor).raw_repr() == cuda_statistics.ordinary_keys("cuda")
    if not ordinary or not 0 < tensor.numel() <= CHUNK or not tensor.is_contiguous():
        return None
    kernel = cuda_statistics.find_kernel(tensor.dtype, tensor.device)
    return None if kernel is None else kernel.reduce(tensor)


def _fetch(device: torch.device, rows: list[Tensor]) -> list[list[float]]:
    if device.type == "cuda":
        torch.cuda.synchronize(device)  # they may be of several streams
    moved: list[list[float]] = torch.stack(rows).tolist()
    return moved


class Pending:
    """Statistics that are still on their devices, and the values they belong to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[TensorValue, list[Tensor], int, str]] = []

    def add(self, value: TensorValue, rows: list[Tensor], repeats: int, of: str) -> None:
        self.waiting.append((value, rows, repeats, of))

    def resolve(self) -> None:
        """Move every row to the host, once per device, and complete the values."""
        waiting, self.waiting = self.waiting, []
        by_device: dict[torch.device, list[Tensor]] = {}
        for _, rows, _, _ in waiting:
            by_device.setdefault(rows[0].device, []).extend(rows)
        hosted = {device: iter(_fetch(device, rows)) for device, rows in by_device.items()}
        for value, rows, repeats, of in waiting:
            partials = [Partial(*next(hosted[row.device])) for row in rows]
            # the one place that completes a record after it was made: it has not left the engine yet
            msgspec.structs.force_setattr(value, "statistics", finish(partials, repeats, of))
