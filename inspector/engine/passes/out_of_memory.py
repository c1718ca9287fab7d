"""Who has the memory, when there is none left."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import torch

from ...raised import message_of
from ...text import encodable
from ..machine.memory import process_bytes, system_bytes
from ..modules.holdings import list_own, size_of
from ..modules.tree import ModuleTree
from ..values import nested

_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "failed to allocate", "cannot allocate memory")
_ASKED = re.compile(r"tried to allocate (?P<size>[\d.]+) ?(?P<unit>bytes|[KMGTP]i?B)?", re.I)
_UNITS = {"bytes": 1.0, "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30, "tib": 2.0**40}


def is_out_of_memory(error: BaseException) -> bool:
    kind = type(error)  # `isinstance` would ask the error itself
    if issubclass(kind, (MemoryError, torch.OutOfMemoryError)):
        return True
    return issubclass(kind, RuntimeError) and any(words in message_of(error).lower() for words in _WORDS)


class Held(NamedTuple):
    """Who had the memory at that moment, before anything was let go. `parts` are bytes by name; what values, graph
    and hooks had is the rest."""

    parts: tuple[tuple[str, int], ...] = ()
    on_gpus: int | None = None  # in tensors of this process, those of `parts` among them
    phase: str = ""  # that ran then, in words, where it was no forward
    grown: int | None = None  # what the process took since the pass began, the model not among it

    def list_with(self, copies: int) -> list[tuple[str, int]]:
        """Also what we copied, and the rest."""
        found = [*self.parts, ("copies of them to restore from", copies)]
        rest = self.on_gpus - sum(size for _, size in found) if self.on_gpus is not None else self.grown
        if rest is not None and self.on_gpus is None:
            rest -= sum(size for name, size in self.parts if name in (GRADIENTS, OPTIMIZER))
        return [*found, ("activations and temporary tensors", max(rest or 0, 0))]


GRADIENTS, OPTIMIZER = "gradients", "the optimizer's state"


def count_held(tree: ModuleTree, optimizer: torch.optim.Optimizer | None, before: int | None) -> Held:
    """To be called while the error is on its way: what its frames hold is there.

    Args:
        tree: The model.
        optimizer: Of the running pass.
        before: Bytes of the process when the pass began, where the system tells.
    """
    parameters, buffers = (list_own(tree, which) for which in ("_parameters", "_buffers"))
    gradients = [own.grad for own in parameters if own.is_leaf and own.grad is not None]
    states = list(nested.tensors_in(list(optimizer.state.values()))) if optimizer is not None else []
    named = (("parameters", parameters), ("buffers", buffers), (GRADIENTS, gradients), (OPTIMIZER, states))
    parts = tuple((name, sum(size_of(tensor)[1] for tensor in found)) for name, found in named)
    if any(parameter.is_cuda for parameter in parameters):
        return Held(parts, sum(map(torch.cuda.memory_allocated, range(torch.cuda.device_count()))))
    now = process_bytes()
    return Held(parts, grown=now - before if now is not None and before is not None else None)


def list_holders(error: BaseException, held: Sequence[tuple[str, int]]) -> str:
    """What was asked for, what is there, and what the largest holders have: `held` in bytes by name."""
    parts = [_parse_size(message_of(error)), *_machine(), *_accelerator()]
    holders = [f"{name} {size_words(size)}" for name, size in sorted(held, key=lambda each: -each[1]) if size]
    if holders:
        parts.append(f"held by {', '.join(holders)}")
    return encodable("; ".join(filter(None, parts)), 1_000)


def size_words(size: float) -> str:
    """`4.0 PB`, `46.8 MB`."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} PB"


def _parse_size(text: str) -> str:
    found = _ASKED.search(text)
    if found is None:
        return ""
    size = float(found["size"].rstrip(".")) * _UNITS.get((found["unit"] or "bytes").lower(), 1.0)
    return f"{size_words(size)} were asked for at once"


def _machine() -> list[str]:
    """This process and this machine, as far as the system tells."""
    parts = []
    if (resident := process_bytes()) is not None:
        parts.append(f"this process has {size_words(resident)}")
    if (found := system_bytes()) is not None:
        parts.append(f"{size_words(found[0])} of {size_words(found[1])} are free")
    return parts


def _accelerator() -> list[str]:
    if not (torch.cuda.is_available() and torch.cuda.is_initialized()):  # type: ignore[no-untyped-call]
        return []
    free, total = torch.cuda.mem_get_info()
    allocated = torch.cuda.memory_allocated()
    used = f"on the GPU {size_words(allocated)} are in tensors of this process"
    return [f"{used}, {size_words(free)} of {size_words(total)} are free"]
