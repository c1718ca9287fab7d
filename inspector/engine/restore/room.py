"""How much memory copies of a model's tensors may take, on the host and on each device."""

from __future__ import annotations

from pathlib import Path

import torch

_LIMITS = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))
"""Of a container: with the second version of control groups, and with the first."""


class Room:
    """What copies may take: `budget` bytes in all, and on each device half of what was free there at first."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._left: dict[torch.device, int] = {}

    def take(self, device: torch.device, size: int) -> bool:
        """Whether so many bytes more may be taken there; they are, where they may."""
        if device not in self._left:
            free = free_bytes(device)
            self._left[device] = self._budget if free is None else free // 2
        if size > min(self._budget, self._left[device]):
            return False
        self._budget -= size
        self._left[device] -= size
        return True


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
    """Linux tells."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return None


def _free_in_container() -> int | None:
    for limit, used in _LIMITS:
        try:
            most, taken = (int(Path(f"/sys/fs/cgroup/{name}").read_text()) for name in (limit, used))
        except (OSError, ValueError):  # "max" where there is no limit
            continue
        return max(most - taken, 1)
    return None
