"""Statistics of a tensor on a CUDA device in one launch.

torch's own operations take some twenty, which is forty times as long as the layers of a small model. The kernel lies in
`statistics.cu` and is compiled where it is first wanted, by what torch compiles such sources with (NVRTC, since 2.9;
half a second for each dtype). Where that does not work, `find_kernel` says None, and torch's operations are taken.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

SOURCE = Path(__file__).with_name("statistics.cu")
TYPES = {torch.float32: "float", torch.float64: "double", torch.float16: "Half", torch.bfloat16: "BFloat16"}
"""What the source calls a dtype; others are converted before."""

_FIELDS = 8
_THREADS, _BLOCKS = 256, 512  # as the source has them
_ELEMENTS = 4  # that a thread sees at least, so that few blocks are merged where there is little

Launch = Callable[..., None]


def reduce(flat: Tensor, launch: Launch) -> Tensor:
    """The fields of `Partial` as one tensor of float64 on the device of `flat`, without waiting for it.

    Args:
        flat: Contiguous, with one element or more, of one of `TYPES`.
        launch: What `find_kernel` found for it.
    """
    count = flat.numel()
    blocks = min(_BLOCKS, -(-count // (_THREADS * _ELEMENTS)))
    with torch.cuda.device(flat.device):
        stream = torch.cuda.current_stream()
        row = torch.empty(_FIELDS, dtype=torch.float64, device=flat.device)
        scratch = _scratch(flat.device, stream.stream_id)
        launch((blocks, 1, 1), (_THREADS, 1, 1), [flat, count, row, scratch], stream=stream)
    return row


@cache
def find_kernel(dtype: torch.dtype, device: torch.device) -> Launch | None:
    """What launches the reduction for tensors of this dtype on this device; None where nothing does."""
    compile_kernel: Any = getattr(torch.cuda, "_compile_kernel", None)
    if compile_kernel is None or device.type != "cuda" or dtype not in TYPES:
        return None
    try:
        with torch.cuda.device(device):
            found: Launch = compile_kernel(SOURCE.read_text("utf-8"), f"reduce<{TYPES[dtype]}>")
    except Exception:  # no NVRTC, one that is too old for the device, or none of NVIDIA's: torch's operations remain
        return None
    return found


@cache
def _scratch(device: torch.device, stream: int) -> Tensor:
    """Rows of the blocks, and a counter. One stream's launches come one after another and share it."""
    return torch.zeros(_FIELDS * _BLOCKS + 1, dtype=torch.float64, device=device)
