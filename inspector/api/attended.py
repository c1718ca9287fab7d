"""Whether a person may be asked from this process: others run the same code beside it."""

from __future__ import annotations

import os

import torch
from torch.utils.data import get_worker_info

_RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
"""What launchers tell their processes, `torchrun` first."""


def why_unattended() -> str:
    """What this process is, where another one of the same job has the terminal; "" where this one may have it."""
    if get_worker_info() is not None:
        return "a DataLoader worker"
    rank = _find_rank()
    return f"rank {rank} of several" if rank > 0 else ""


def _find_rank() -> int:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank()
    told = next((os.environ[name] for name in _RANKS if name in os.environ), "0")
    return int(told) if told.isascii() and told.isdigit() else 0
