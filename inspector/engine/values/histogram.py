"""How the elements of a tensor are spread between the smallest and the largest."""

from __future__ import annotations

import torch
from torch import Tensor

from ...records import Histogram, Statistics
from .statistics import chunks

BINS = 40

# `histc` computes (element - low) * bins in the tensor's own dtype.
_HISTC_RANGE = {torch.float32: 1e36, torch.float64: 1e306}


def histogram(tensor: Tensor, statistics: Statistics, over: tuple[float, float] | None = None) -> Histogram | None:
    """Of the finite elements, zeros apart; None where there are none.

    Args:
        tensor: With its own numbers, as `statistics.numbers` gives them.
        statistics: Of these elements.
        over: The ends, where they are not the elements' own: two histograms over one range can be compared.
    """
    low, high = over or (statistics.min, statistics.max)
    if low is None or high is None:
        return None
    counts = torch.zeros(BINS, dtype=torch.float64)
    pieces, repeats = chunks(tensor)
    for piece in pieces:
        counts += _bin(_counted(piece, statistics), low, high).cpu().double()
    return Histogram(low, high, tuple(int(count) * repeats for count in counts.tolist()), statistics.zeros)


def joint_range(*found: Statistics) -> tuple[float, float] | None:
    """From the smallest to the largest of all; None where one has no finite element."""
    lows, highs = [each.min for each in found], [each.max for each in found]
    if any(end is None for end in (*lows, *highs)):
        return None
    return min(low for low in lows if low is not None), max(high for high in highs if high is not None)


def _counted(flat: Tensor, statistics: Statistics) -> Tensor:
    """The finite elements that are not zero; float8 has no `isfinite` before torch 2.15, older ones have no index of
    uint64, which `histc` has not either."""
    if flat.is_floating_point():
        flat = flat.float() if flat.element_size() < 4 else flat
        flat = flat[flat.isfinite()] if statistics.nan or statistics.inf else flat
    else:
        flat = flat.double()
    return flat[flat != 0] if statistics.zeros else flat


def _bin(flat: Tensor, low: float, high: float) -> Tensor:
    if low == high:  # in the middle
        return torch.tensor([flat.numel() if place == BINS // 2 else 0 for place in range(BINS)])
    if high - low > _HISTC_RANGE.get(flat.dtype, 0):
        flat, low, high = flat.double() * 2.0**-8, low * 2.0**-8, high * 2.0**-8
    return torch.histc(flat, BINS, low, high)
