"""Something done on another thread in the middle of a pass."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from torch import nn


@contextlib.contextmanager
def at_the_call_of(module: nn.Module, act: Callable[[], object]) -> Iterator[None]:
    """On a thread that is there already, and is asleep but for that, `act` is done once at the first call."""
    wanted, done = threading.Event(), threading.Event()

    def wait() -> None:
        wanted.wait(60)
        act()
        done.set()

    def let(*values: object) -> None:
        wanted.set()
        done.wait(60)

    thread = threading.Thread(target=wait)
    thread.start()
    handle = module.register_forward_hook(let)
    try:
        yield
    finally:
        handle.remove()
        wanted.set()
        thread.join()
