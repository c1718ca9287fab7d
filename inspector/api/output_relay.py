"""A process between a program that called `inspect` and whoever reads what it prints: the program never waits for a
reader that is stopped, stuck or gone.

    python -I -S output_relay.py CONTROL APP_END

Reads standard input, a pipe that the program's file descriptors 1 and 2 lead to. Hands it on to the app, through the
pipe at standard output of which the app reads APP_END. Once the app is gone, of which CONTROL tells by a byte or by its
end, it hands what the app did not read, and all that follows, to the terminal at standard error. Ends when nobody can
write any more: a child of the program may print for longer than the app was there.

It is no thread of the program: code that holds the interpreter's lock may write as well, and would wait for a thread
that waits for the lock. It imports nothing of this package, to be there at once.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

ROOM = 1 << 20
"""Bytes that are kept for a reader that takes none."""

PATIENCE = 0.5
"""Seconds without a taker after which the oldest of what is kept makes room for the newest."""

_READ = 65536
_SOURCE, _APP, _TERMINAL = 0, 1, 2


class Held:
    """What nobody took yet, and how much of it was left out at its start."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._left_out = 0

    def __len__(self) -> int:
        return len(self._bytes)

    @property
    def full(self) -> bool:
        return len(self._bytes) >= ROOM

    def add(self, data: bytes) -> None:
        """Take in what was written; what is more than there is room for replaces the oldest."""
        self._bytes += data
        excess = len(self._bytes) - ROOM - _READ
        if excess > 0:
            del self._bytes[:excess]
            self._left_out += excess

    def take_back(self, data: bytes) -> None:
        """Take in what was handed on and not read."""
        self._bytes[:0] = data

    def hand_to(self, fd: int) -> None:
        """Write once what can be written. Raises `OSError`."""
        if self._left_out:
            self.take_back(f"\n[… {self._left_out:,} bytes left out …]\n".encode())
            self._left_out = 0
        with contextlib.suppress(BlockingIOError):
            del self._bytes[: os.write(fd, self._bytes[:_READ])]


def serve_app(control: int, held: Held) -> None:
    """Hand on to the app until it is gone or nobody can write any more."""
    taken, app_reads = time.monotonic(), True
    while True:
        waits = held.full and time.monotonic() - taken < PATIENCE
        ready = _wait([control] if waits else [control, _SOURCE], [_APP] if held and app_reads else [], waits)
        if control in ready:
            return
        if _APP in ready:
            try:
                held.hand_to(_APP)
                taken = time.monotonic()
            except OSError:
                app_reads = False  # it is on its way out, and the terminal is not back yet
        if _SOURCE in ready:
            if not (data := os.read(_SOURCE, _READ)):
                return
            taken = taken if held else time.monotonic()
            held.add(data)


def serve_terminal(held: Held) -> None:
    """Hand on to the terminal until nobody can write any more; a terminal that is gone makes nobody wait."""
    with contextlib.suppress(OSError):
        while True:
            while held:
                held.hand_to(_TERMINAL)
            if not (data := os.read(_SOURCE, _READ)):
                return
            held.add(data)
    while os.read(_SOURCE, _READ):
        pass


def _wait(readable: list[int], writable: list[int], briefly: bool) -> set[int]:
    poll = select.poll()  # descriptors may be larger than `select` takes
    for fd in readable:
        poll.register(fd, select.POLLIN)
    for fd in writable:
        poll.register(fd, select.POLLOUT)
    return {fd for fd, _ in poll.poll(PATIENCE * 1000 if briefly else None)}


def read_unread(app_end: int) -> bytes:
    """What the app did not read of what it was handed."""
    os.set_blocking(app_end, False)
    with contextlib.suppress(BlockingIOError):
        return os.read(app_end, ROOM)
    return b""


def main(control: int, app_end: int) -> None:
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they are meant for the program, and this ends with it
    os.set_blocking(_APP, False)
    held = Held()
    serve_app(control, held)
    held.take_back(read_unread(app_end))
    serve_terminal(held)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
