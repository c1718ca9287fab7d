"""Loops of ours on the threads that torch has for its own.

Those wait for work, are as many as torch was told to use, and have in their caches what they wrote a moment ago, and
threads of ours would only take turns with them. They are asked as compiled code asks, torch's too: by OpenMP of GNU's
making, or another that has its names. Where there is none, as in a child of this process, the thread that asks does it.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

PART = 1 << 15
"""Elements that a thread takes at a time. Who changes it touches `cpu_loops`, or what is compiled keeps the other."""
FIELDS = 6
"""float64 that a loop finds of a part."""

_Loop: Any = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Task(ctypes.Structure):
    """What a loop is given, by its address: it takes one part of the elements after another until none is left."""

    _fields_ = (
        ("taken", ctypes.c_int64),  # parts
        ("count", ctypes.c_int64),
        ("address", ctypes.c_int64),
        ("found", ctypes.c_int64),  # a sum, or the address of as many `FIELDS` as there are parts
    )


def do(task: Task, loop: int, threads: int) -> None:
    """Let so many threads at the most do it; done when it returns.

    Args:
        loop: The address of a C function of the task's address.
    """
    address, threads = ctypes.addressof(task), min(threads, -(-task.count // PART))
    if _team and threads > 1:
        _team[0](loop, address, threads, 0)
    else:
        _Loop(loop)(address)


def _find_team() -> Any:
    try:
        team = ctypes.CDLL(None).GOMP_parallel
    except (AttributeError, OSError, TypeError):  # another system's
        return None
    team.argtypes, team.restype = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint), None
    return team


_team: list[Any] = [found for found in [_find_team()] if found is not None]
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_team.clear)  # it would wait for threads that are not there
