"""Statistics of a tensor on the CPU in one read, which needs numba.

torch's own operations read it five times, and numpy counts the zeros. Of much each of torch's threads reads some.

To import numba takes a moment and 100 MB, and it is not for us to bring it into somebody else's program: `prepare` is
for a process that is an engine's own, and without it torch's operations are taken. The two differ in the last digits:
`take_up` is called between passes, so that one of them makes all of a pass, and of what is compared with it.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ....errors import InspectorError
from ....raised import say
from .team import FIELDS, PART, Task, do

_REDUCED_ALONE, _ADDED_ALONE = 1 << 17, 1 << 19
"""Elements that one thread reduces sooner than several do, and bytes that it adds up."""
_QUIET = 2.0  # seconds before it is begun: a session that only runs once is over by then

_PACKAGE_PARENT = str(Path(__file__).resolve().parents[4])
_COMPILE = f"import os, sys; os.nice(19); sys.path[0] = sys.argv[1]; import {__package__}.cpu_loops"
"""In a process of its own: it keeps a processor busy, and what it may fail of is not the end of this process."""


class Row(NamedTuple):
    """Of elements that are all finite; where one is not, neither are both extremes, and only `bits` means anything
    besides: what `add_bits` gives."""

    low: float
    high: float
    mean: float
    m2: float
    zeros: float
    bits: float


# By the type of elements, and those that add up bits by the bytes of an element: a function, and one for threads.
_prepared: dict[torch.dtype | int, tuple[Any, int]] = {}
_taken: dict[torch.dtype | int, tuple[Any, int]] = {}
_merge: list[Any] = []
_begun: list[threading.Thread] = []


def reduce(flat: Tensor) -> Row | None:
    """All at once, for a one-dimensional tensor with one element or more; None where there is no kernel for it."""
    address = _find_address(flat)
    row = reduce_at(address, flat.numel(), flat.dtype) if address else None
    return None if row is None else Row(*row)


def reduce_at(address: int, count: int, dtype: torch.dtype) -> tuple[float, ...] | None:
    """The fields of a `Row`, for elements one after another in memory, one or more; None where there is no kernel."""
    functions = _taken.get(dtype)
    if functions is None:
        return None
    if count <= _REDUCED_ALONE:
        row: tuple[float, ...] = functions[0](address, count)
        return row
    return _reduce(address, count, functions[1])


def _reduce(address: int, count: int, loop: int) -> tuple[float, ...]:
    """In the same parts whatever threads there are, so that they find the same."""
    rows = (ctypes.c_double * (FIELDS * -(-count // PART)))()
    task = Task(0, count, address, ctypes.addressof(rows))
    do(task, loop, torch.get_num_threads())
    row: tuple[float, ...] = _merge[0](ctypes.addressof(task))
    return row


def add_bits(tensor: Tensor) -> int | None:
    """The sum of the bits of its elements, taken for integers, as far as an int32 holds it; None where there is no
    kernel for it."""
    address = _find_address(tensor)
    return add_bits_at(address, tensor.numel(), tensor.element_size()) if address else None


def add_bits_at(address: int, count: int, size: int) -> int | None:
    """As `add_bits`, for elements of `size` bytes one after another in memory."""
    functions = _taken.get(size)
    if functions is None:
        return None
    if count * size <= _ADDED_ALONE:
        total: int = functions[0](address, count)
        return total
    task = Task(0, count, address, 0)
    do(task, functions[1], torch.get_num_threads())
    return ctypes.c_int32(task.found).value


def _find_address(tensor: Tensor) -> int:
    """Where its elements lie one after another; 0 where they do not, or are nowhere in memory."""
    if type(tensor) is not Tensor or not tensor.is_cpu or not tensor.is_contiguous() or tensor.is_neg():
        return 0
    return tensor.data_ptr()


def take_up() -> None:
    """Use the kernel from now on, where it is ready."""
    _taken.update(_prepared)


def put_away() -> None:
    """Use torch's operations again, until it is taken up anew."""
    _taken.clear()


def is_in_use() -> bool:
    """Whether statistics are made by the kernel."""
    return bool(_taken)


def prepare(turn: Callable[[], AbstractContextManager[object]], tell: Callable[[str], object]) -> None:
    """Begin, once in this process, to make the kernel ready on a thread that waits for its turn.

    Args:
        turn: Held while something of the process changes: no pass runs then.
        tell: Given the reason, in words, where numba is installed and does not work.
    """
    if not _begun:
        _begun.append(threading.Thread(target=_prepare, args=(turn, tell), name="inspector-kernel", daemon=True))
        _begun[0].start()


def _prepare(turn: Callable[[], AbstractContextManager[object]], tell: Callable[[str], object]) -> None:
    time.sleep(_QUIET)
    try:
        if find_spec("numba") is None:
            return
        with _hold(turn):
            child = _start_compiling()
        if child.wait() != 0:
            raise RuntimeError(f"a process that tried it ended with {child.returncode}")
        with _hold(turn):
            import numba  # noqa: F401  # half of the time, so that whoever waits for the turn gets it in between
        with _hold(turn):
            load()
    except Exception as error:  # of numba, of LLVM, or of what a path has in their place: torch's operations remain
        tell(f"statistics are made without numba, which does not work here: {say(error)}")


def load() -> None:
    """Make the kernel ready at once. Raises whatever numba does."""
    from . import cpu_loops

    _prepared.update((getattr(torch, name), functions) for name, functions in cpu_loops.REDUCE.items())
    _prepared.update((size, functions) for size, functions in cpu_loops.ADD.items())
    _merge[:] = [cpu_loops.merge]


def _start_compiling() -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    command = [sys.executable, "-c", _COMPILE, _PACKAGE_PARENT]
    return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)


@contextmanager
def _hold(turn: Callable[[], AbstractContextManager[object]]) -> Iterator[None]:
    """However long it is somebody else's."""
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(turn())
                break
            except InspectorError:
                continue
        yield
