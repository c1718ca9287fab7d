"""How much memory copies of a model's tensors may take, on the host and on each device."""

from __future__ import annotations

import torch

from ..machine.memory import free_bytes


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
