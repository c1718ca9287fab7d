"""The socket between the launcher and the app: each learns by it when the other is gone.

The app says `left` on it once it has handed the terminal back. The launcher says nothing and never closes it; end of
file means that the launcher was killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

LEFT = "left"


def tell(fd: int, word: str) -> None:
    """Say a word to the launcher. A launcher that is gone needs no word."""
    with contextlib.suppress(OSError):
        os.write(fd, f"{word}\n".encode())


def watch(fd: int, gone: Callable[[], None]) -> None:
    """Call `gone` in the running event loop when the launcher ends."""
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(fd)
        gone()

    loop.add_reader(fd, ended)
