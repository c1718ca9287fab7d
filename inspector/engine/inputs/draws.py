"""Random tensors described by SHAPE[:DTYPE[:LOW..HIGH]]; an empty DTYPE is the default one."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import torch

from ...errors import UsageError
from .sample import Setting

LARGEST = 8 << 30
"""Bytes of the largest tensor drawn: a slip of the finger must not fill the machine."""

MOST_ELEMENTS = 1 << 59
"""That torch counts in 64 bits, as bytes of any dtype; what is larger than the memory is refused when it is drawn."""
MOST_DIMENSIONS = 64
"""That torch computes with."""

_DIGITS = 19
_WHOLE = frozenset(
    {
        torch.bool,
        torch.uint8,
        torch.int8,
        torch.int16,
        torch.int32,
        torch.int64,
        torch.uint16,
        torch.uint32,
        torch.uint64,
    }
)
_SHAPE = re.compile(r"\d+(?:[x×]\d+)*[x×]?")
_RANGE = re.compile(r"(-?[\d.]+(?:e-?\d+)?)\.\.(-?[\d.]+(?:e-?\d+)?)")


@dataclass(frozen=True)
class Drawn:
    """A tensor to draw: normal where floating and without bounds, uniform between the bounds otherwise."""

    shape: tuple[int, ...]
    dtype: torch.dtype | None = None  # None: the setting's
    bounds: tuple[float, float] | None = None

    def make(self, generator: torch.Generator, setting: Setting) -> torch.Tensor:
        """Drawn on the CPU, so that a seed means the same values on every device."""
        dtype = self.dtype or setting.dtype
        if setting.device.type == "meta":
            return torch.empty(self.shape, dtype=dtype, device="meta")
        size = math.prod(self.shape) * dtype.itemsize
        if size > LARGEST:
            raise UsageError(
                f"an input of shape {'x'.join(map(str, self.shape))} would take {size / 2**30:.0f} GiB",
                hint="give a smaller shape, or -d meta to see shapes only",
            )
        return self._values(generator, dtype, setting.rows).to(setting.device)

    def _values(self, generator: torch.Generator, dtype: torch.dtype, rows: int) -> torch.Tensor:
        if dtype.is_floating_point or dtype.is_complex:
            return self._floating(generator, torch.complex64 if dtype.is_complex else torch.float32).to(dtype)
        low, high = self.bounds or _natural_bounds(dtype, rows)
        return torch.randint(math.ceil(low), math.floor(high) + 1, self.shape, generator=generator).to(dtype)

    def _floating(self, generator: torch.Generator, dtype: torch.dtype) -> torch.Tensor:
        if self.bounds is None:
            return torch.randn(self.shape, generator=generator, dtype=dtype)
        low, high = self.bounds
        return torch.rand(self.shape, generator=generator, dtype=dtype) * (high - low) + low


def parse_drawn(text: str) -> Drawn:
    """Raises `ValueError` with the place that cannot be read."""
    shape, _, rest = text.partition(":")
    dtype, _, bounds = rest.partition(":")
    if not _SHAPE.fullmatch(shape):
        raise ValueError(f"{text!r} is neither a shape nor a value")
    sizes = _sizes(shape)
    kind = _dtype(dtype) if dtype else None
    return Drawn(sizes, kind, _bounds(bounds, kind) if bounds else None)


def _sizes(shape: str) -> tuple[int, ...]:
    texts = [size for size in re.split("[x×]", shape) if size]
    whole = all(len(text) <= _DIGITS for text in texts)
    sizes = tuple(map(int, texts)) if whole else ()
    if not whole or math.prod(max(size, 1) for size in sizes) > MOST_ELEMENTS or len(sizes) > MOST_DIMENSIONS:
        raise ValueError(f"no tensor is as large as {shape[:80]}{'…' if len(shape) > 80 else ''}")
    return sizes


def is_shape(text: str) -> bool:
    """Sizes with a cross between them; a lone number needs a cross or a dtype after it to be one."""
    return _SHAPE.fullmatch(text) is not None and not text.isdigit()


def is_dtype(name: str) -> bool:
    return isinstance(getattr(torch, name, None), torch.dtype)


def _dtype(name: str) -> torch.dtype:
    dtype = getattr(torch, name, None)
    if not isinstance(dtype, torch.dtype):
        raise ValueError(f"{name!r} is not a dtype; float32, float16, bfloat16, int64 and bool are some")
    if not _can_be_drawn(dtype):
        raise ValueError(f"{name} is a dtype of which nothing can be drawn; x=@FILE reads a tensor of it")
    return dtype


def _can_be_drawn(dtype: torch.dtype) -> bool:
    """Whether torch can make one of numbers; quantized ones, and those of a few bits, it cannot."""
    if not (dtype.is_floating_point or dtype.is_complex or dtype in _WHOLE):
        return False
    try:
        return torch.zeros(1).to(dtype).dtype == dtype
    except (RuntimeError, TypeError, ValueError):  # NotImplementedError is a RuntimeError
        return False


def _bounds(text: str, dtype: torch.dtype | None) -> tuple[float, float]:
    match = _RANGE.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a range LOW..HIGH")
    low, high = float(match.group(1)), float(match.group(2))
    if not math.isfinite(high - low):
        raise ValueError(f"the range {text[:80]} is larger than numbers go")
    if dtype is None or dtype.is_floating_point or dtype.is_complex:
        least, most = low, high
    else:
        least, most = math.ceil(low), math.floor(high)
        _check_fits(text, least, most, dtype)
    if least > most:
        raise ValueError(f"the range {text} is empty")
    return low, high


def _check_fits(text: str, least: int, most: int, dtype: torch.dtype) -> None:
    limits = (0, 1) if dtype == torch.bool else (torch.iinfo(dtype).min, torch.iinfo(dtype).max)
    # Doubles hold every integer below 2**53 exactly; nothing here needs more.
    if least < max(limits[0], -(2**53)) or most > min(limits[1], 2**53):
        raise ValueError(f"the range {text} is outside {str(dtype).removeprefix('torch.')}")


def _natural_bounds(dtype: torch.dtype, rows: int) -> tuple[int, int]:
    if dtype == torch.bool:
        return 0, 1
    return (0, 255) if dtype == torch.uint8 else (0, min(rows - 1, torch.iinfo(dtype).max))
