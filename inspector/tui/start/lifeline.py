"""The socket between the launcher and the app: each learns by it when the other is gone.

The app says `left` on it once it has handed the terminal back, and `back` when it has taken it again. The launcher says
nothing and never closes it; end of file means that the launcher was killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable

LEFT, BACK = "left", "back"


def tell(fd: int, word: str) -> None:
    """Say a word to the launcher. A launcher that is gone needs no word."""
    with contextlib.suppress(OSError):
        os.write(fd, f"{word}\n".encode())


class Words:
    """The launcher's end: what the app has said so far."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._last = ""

    def app_has_left(self) -> bool:
        """Whether it has handed the terminal back, as far as it could say."""
        with contextlib.suppress(OSError):
            while part := self._sock.recv(65536):
                self._last = part.decode("ascii", "replace").split()[-1]
        return self._last == LEFT


def watch(fd: int, gone: Callable[[], None]) -> None:
    """Call `gone` in the running event loop when the launcher ends."""
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(fd)
        gone()

    loop.add_reader(fd, ended)
