"""What a pass may leave behind that is nobody's to take away: it is found, and said."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from collections.abc import Iterator

import torch

from ....text import encodable

_OURS = "inspector-"
"""Threads whose names begin so are the engine's own."""
_TEXT = 120

_LOOK = 0.1  # seconds that a look is waited for

_DRIVERS = ("/dev/nvidia", "/dev/dri/", "/dev/kfd")
"""What drivers of GPUs open when a pass first needs it, and keep."""

_FDS = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"


class Looks:
    """What the engine's other thread does meanwhile: it opens files, and closes them."""

    def __init__(self) -> None:
        self._none = threading.Event()
        self._none.set()

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """While it looks at something."""
        self._none.clear()
        try:
            yield
        finally:
            self._none.set()

    def are_over(self) -> bool:
        """Whether none is under way, which is waited for a moment."""
        return self._none.wait(_LOOK)


LOOKS = Looks()


class Leftovers:
    """Threads, child processes, open files and the like, as they are now."""

    def __init__(self) -> None:
        self._descriptors = _list_descriptors() if LOOKS.are_over() else None
        self._threads = set(threading.enumerate())
        self._children = _list_children()
        self._at_exit = _count_at_exit(), len(sys.modules)
        self._groups = _has_process_group()

    def find(self) -> list[str]:
        """What there is more, or less, than then, in words."""
        return [encodable(words, 200) for words in self._find()]

    def _find(self) -> Iterator[str]:
        yield from self._find_descriptors()
        for thread in threading.enumerate():
            if thread not in self._threads and not thread.name.startswith(_OURS):
                yield f"a thread is left running: {thread.name[:_TEXT]}"
        for child in sorted(_list_children() - self._children):
            if _is_alive(child):
                yield f"a child process is left running: {child}"
        count, modules = self._at_exit
        if _count_at_exit() > count and len(sys.modules) == modules:  # what is imported may well have some
            yield "a function was registered for the exit of Python"
        if _has_process_group() != self._groups:
            yield "the process group of torch.distributed"

    def _find_descriptors(self) -> Iterator[str]:
        if self._descriptors is None or not LOOKS.are_over():
            return  # nobody can say whose they are
        now = _list_descriptors()
        for descriptor in sorted(now - self._descriptors, key=int):
            with contextlib.suppress(OSError):  # it was that of the listing itself
                file = os.readlink(f"{_FDS}/{descriptor}")
                if not file.startswith(_DRIVERS):
                    yield f"an open file is left: {file[:_TEXT]} (descriptor {descriptor})"
        for descriptor in sorted(self._descriptors - now, key=int):
            yield f"descriptor {descriptor} was closed"


def _list_descriptors() -> set[str]:
    """Without that of the listing, which is the lowest that is free."""
    try:
        lowest = os.open(_FDS, os.O_RDONLY)
        os.close(lowest)
        return set(os.listdir(_FDS)) - {str(lowest)}
    except OSError:  # the process has as many as it may have
        return set()


def _list_children() -> set[int]:
    """Those that this thread started; of other systems than Linux those of `multiprocessing`."""
    try:
        with open(f"/proc/self/task/{threading.get_native_id()}/children") as children:
            return set(map(int, children.read().split()))
    except OSError:
        processes = sys.modules.get("multiprocessing.process")
        return {child.pid for child in getattr(processes, "_children", ())}


def _is_alive(child: int) -> bool:
    """Whether it still runs; one that ended and was not waited for does not."""
    try:
        with open(f"/proc/{child}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return sys.platform != "linux"


def _count_at_exit() -> int:
    count = getattr(atexit, "_ncallbacks", None)
    return count() if count is not None else 0


def _has_process_group() -> bool:
    distributed = torch.distributed
    return distributed.is_available() and distributed.is_initialized()
