"""How much memory there is and is free, on the host and on each device."""

from __future__ import annotations

import os
from pathlib import Path

import torch

_LIMITS = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))
"""Of a container: with the second version of control groups, and with the first."""


def free_bytes(device: torch.device) -> int | None:
    """What this process can still take there; None where nothing tells."""
    if device.type == "cpu":
        return min(filter(None, (_free_in_system(), _free_in_container())), default=None)
    if device.type == "cuda" and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type == "mps" and torch.backends.mps.is_available():
        return max(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory(), 0)
    return None


def _free_in_system() -> int | None:
    found = system_bytes()
    return None if found is None else found[0]


def _free_in_container() -> int | None:
    for limit, used in _LIMITS:
        try:
            most, taken = (int(Path(f"/sys/fs/cgroup/{name}").read_text()) for name in (limit, used))
        except (OSError, ValueError):  # "max" where there is no limit
            continue
        return max(most - taken, 1)
    return None


def system_bytes() -> tuple[int, int] | None:
    """What is free on this machine, and what it has; Linux tells."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        sizes = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        return sizes["MemAvailable"], sizes["MemTotal"]
    except (OSError, ValueError, KeyError, IndexError):  # another system, or a container that hides it
        return None


def process_bytes() -> int | None:
    """What this process has in memory; Linux tells."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
