"""The random states of every generator that is in use in this process: Python, numpy, torch, each accelerator."""

from __future__ import annotations

import random
import sys
from typing import Any

import torch


def random_states() -> dict[str, Any]:
    """What `restore_random` takes."""
    states: dict[str, Any] = {"python": random.getstate(), "torch": torch.get_rng_state()}
    if "numpy" in sys.modules:
        states["numpy"] = sys.modules["numpy"].random.get_state()
    if cuda_in_use():
        states["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        states["mps"] = torch.mps.get_rng_state()
    if xpu_in_use():
        states["xpu"] = torch.xpu.get_rng_state_all()
    return states


def cuda_in_use() -> bool:
    return torch.cuda.is_available() and bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def xpu_in_use() -> bool:
    return torch.xpu.is_available() and bool(torch.xpu.is_initialized())  # type: ignore[no-untyped-call]


def restore_random(states: dict[str, Any]) -> None:
    random.setstate(states["python"])
    torch.set_rng_state(states["torch"])
    if "numpy" in states:
        sys.modules["numpy"].random.set_state(states["numpy"])
    if "cuda" in states:
        torch.cuda.set_rng_state_all(states["cuda"])
    if "mps" in states:
        torch.mps.set_rng_state(states["mps"])
    if "xpu" in states:
        torch.xpu.set_rng_state_all(states["xpu"])


def seed_everything(seed: int) -> None:
    """Python, numpy where it is loaded, and torch on every device."""
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)
    if torch.accelerator.is_available() or hasattr(torch, torch._C._get_privateuse1_backend_name()):
        torch.manual_seed(seed)
    else:  # it would note for every device, with the text of a traceback, what to do if it is there one day
        torch.default_generator.manual_seed(seed)
