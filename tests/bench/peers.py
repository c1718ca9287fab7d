"""What else looks into a pass: each calls a model, and looks at every module or operation of it in its own way.

Those of other packages are measured where they are installed: `pip install torchinfo torchlens`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from .models import Measured

Look = Callable[[Measured], object]


def count_flops(measured: Measured) -> None:
    with FlopCounterMode(display=False):
        measured.model(*measured.args)


def print_statistics(measured: Measured) -> None:
    """What people write by hand: seven numbers of each output, read one after another."""

    def look(module: nn.Module, args: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.is_floating_point():
            numbers = (output.min(), output.max(), output.mean(), output.std())
            counts = (output.isnan().sum(), output.isinf().sum(), (output == 0).sum())
            [each.item() for each in (*numbers, *counts)]

    handles = [module.register_forward_hook(look) for module in measured.model.modules()]
    try:
        measured.model(*measured.args)
    finally:
        for handle in handles:
            handle.remove()


def summarize_with_torchinfo(measured: Measured) -> None:
    import torchinfo

    torchinfo.summary(measured.model, input_data=measured.args, verbose=0, cache_forward_pass=False)


def trace_with_torchlens(measured: Measured) -> None:
    import torchlens

    torchlens.trace(measured.model, measured.args)


PEERS: dict[str, tuple[str, Look]] = {
    "torch's FlopCounterMode": ("torch", count_flops),
    "seven .item() of each output": ("torch", print_statistics),
    "torchinfo.summary": ("torchinfo", summarize_with_torchinfo),
    "torchlens.trace": ("torchlens", trace_with_torchlens),
}
"""By what is done: the package that it needs, and what does it."""


def find_peers() -> dict[str, Look]:
    """Those whose packages are there."""
    return {name: look for name, (package, look) in PEERS.items() if find_spec(package) is not None}


def time_peer(look: Look, measured: Measured) -> float:
    """Milliseconds."""
    began = perf_counter()
    with torch.no_grad():
        look(measured)
    return (perf_counter() - began) * 1e3
