"""What an engine's process writes to one of its streams, read without ever making it wait."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sys
from collections.abc import Callable

_READ = 65536
_READS = 16  # at once, before anything else gets its turn


class OutputPipe:
    """Reads a pipe to its end, in the running event loop.

    Args:
        fd: The read end; closed at the end.
        on_data: Takes the bytes as they come, and `b""` once, at the end.
    """

    def __init__(self, fd: int, on_data: Callable[[bytes], object]) -> None:
        self._fd = fd
        self._on_data = on_data
        self._loop = asyncio.get_running_loop()
        self._open = True
        os.set_blocking(fd, False)
        _make_roomy(fd)
        self._loop.add_reader(fd, self._read_some)

    def close(self) -> None:
        """Read what is there already, and let go of the pipe."""
        while self._open and self._read():
            pass
        self._finish()

    def _read_some(self) -> None:
        for _ in range(_READS):
            if not self._read():
                return

    def _read(self) -> bool:
        """Whether there may be more at once."""
        try:
            data = os.read(self._fd, _READ)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._finish()
            return False
        self._on_data(data)
        return True

    def _finish(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._on_data(b"")


def _make_roomy(pipe: int) -> None:
    """A model that prints a lot shall not have to wait for this side; Linux lets a pipe be larger."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _READ * _READS)
