"""Which of many tensors hold the bits that they held, asked of all at once: of a device in one go, and of large ones on
the host by several threads, for whose work Python does not have to wait.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from .kept_tensor import KeptTensor

_LARGE = 1 << 20
"""Bytes of a tensor from which a thread is worth its while."""
_MUCH = 1 << 26
"""Bytes of all of those together."""
_THREADS = 8


def find_unwritten(tensors: Iterable[KeptTensor]) -> set[int]:
    """The `id` of those that are known to be as they were. Of others nothing is said, and they have to be asked alone:
    small ones, those that are no plain tensors, and those that refuse."""
    steady = [kept for kept in tensors if kept.is_steady()]
    apart = [kept for kept in steady if kept.is_apart()]
    here = [kept for kept in steady if not kept.is_apart()]
    return _on_devices(apart) | _on_host([kept for kept in here if _bytes(kept) >= _LARGE])


def _on_devices(tensors: list[KeptTensor]) -> set[int]:
    """A device is waited for once, and not for each of them."""
    asked: dict[torch.device, list[tuple[KeptTensor, Tensor]]] = {}
    for kept in tensors:
        try:
            answer = kept.ask_device()
        except Exception:  # the device may be full, which who is asked alone says
            answer = None
        if answer is not None:
            asked.setdefault(answer.device, []).append((kept, answer))
    same = set()
    for pairs in asked.values():
        try:
            written = torch.stack([answer for _, answer in pairs]).tolist()
        except Exception:  # what went wrong on a device in the pass is told to who waits for it first
            continue
        same |= {id(kept) for (kept, _), is_other in zip(pairs, written, strict=True) if not is_other}
    return same


def _on_host(tensors: list[KeptTensor]) -> set[int]:
    threads = min(torch.get_num_threads(), len(tensors), _THREADS)
    if threads < 2 or sum(map(_bytes, tensors)) < _MUCH:
        return set()
    try:
        with ThreadPoolExecutor(threads, thread_name_prefix="inspector-compare") as pool:
            same = pool.map(_is_same, tensors)
            return {id(kept) for kept, is_same in zip(tensors, same, strict=True) if is_same}
    except RuntimeError:  # the process may have no more threads, or is at its end
        return set()


def _is_same(kept: KeptTensor) -> bool:
    try:
        return not kept.has_other_values()
    except Exception:  # as on a device
        return False


def _bytes(kept: KeptTensor) -> int:
    assert kept.copy is not None  # it is steady
    return kept.copy.numel() * kept.copy.element_size()
