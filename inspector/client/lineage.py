"""Parents and children among processes. Imports the standard library only."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import defaultdict

_SET_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36  # PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER


def die_with_parent(number: int) -> None:
    """On Linux have `number` sent to this process when its parent ends, also where no Python code can run any more and
    where others hold open what would tell of the end. Elsewhere nothing happens."""
    _prctl(_SET_DEATH_SIGNAL, number)


def adopt_orphans() -> None:
    """On Linux become the parent of every process below this one whose own parent ends, in whatever session it is: a
    daemon is not lost. Elsewhere nothing happens."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def find_descendants(ancestor: int) -> list[int]:
    """Every process below `ancestor` that has not ended, parents before their children."""
    children = defaultdict(list)
    for process, parent in _find_parents():
        children[parent].append(process)
    found = list(children[ancestor])
    for process in found:
        found += children[process]
    return found


def name_of(process: int) -> str:
    """Its name as the kernel has it, "" where that is not to be seen."""
    with contextlib.suppress(OSError), open(f"/proc/{process}/comm", errors="replace") as name:
        return name.read().rstrip("\n")
    return ""


def parent_of(process: int) -> int:
    """Its parent, 0 where there is none to be seen."""
    return dict(_find_parents()).get(process, 0)


def _find_parents() -> list[tuple[int, int]]:
    """(process, its parent) for all that run."""
    if sys.platform != "linux":
        import subprocess  # a keeper starts sooner without it

        listed = subprocess.run(["ps", "-axo", "pid=,ppid=,stat="], capture_output=True, text=True, check=False).stdout
        rows = (line.split() for line in listed.splitlines())
        return [(int(process), int(parent)) for process, parent, state in rows if not state.startswith("Z")]
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:
                state, parent = stat.read().rpartition(b")")[2].split()[:2]  # a name may hold anything
                if state != b"Z":
                    found.append((int(name), int(parent)))
    return found
