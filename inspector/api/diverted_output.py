"""What this process prints and reads, led away from the terminal while the app has it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

_RELAY = str(Path(__file__).with_name("output_relay.py"))
_PATIENCE = 1.0  # seconds for the rest of what was printed to come out before the program goes on


class DivertedOutput:
    """File descriptors 1 and 2 lead to the app, through `output_relay`, so that nobody ever waits for the app; 0 is at
    its end: a program that reads would wait for keys, which are the app's.

    Children that the program starts meanwhile print there as well, and for as long as they live.

    Attributes:
        app_end: What the app reads.
        process: The relay's, a child of this one.
    """

    def __init__(self) -> None:
        self._given_back = threading.Lock()  # acquired once, and never released

    def __enter__(self) -> DivertedOutput:
        source, write = os.pipe()
        self.app_end, app = os.pipe()
        self._control, control = socket.socketpair()
        self._kept = os.dup(0), os.dup(1), os.dup(2)
        with control:
            self._relay = subprocess.Popen(
                [sys.executable, "-I", "-S", _RELAY, str(control.fileno()), str(self.app_end)],
                stdin=source,
                stdout=app,
                stderr=self._kept[1],
                pass_fds=(control.fileno(), self.app_end),
            )
        self.process = self._relay.pid
        os.close(source)
        os.close(app)
        nothing, end = os.pipe()
        os.close(end)
        self._led_to = nothing, write, write
        self.divert()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give_back()
        for fd in {*self._led_to, self.app_end}:
            os.close(fd)
        self._control.close()
        try:
            self._relay.wait(_PATIENCE)
        except subprocess.TimeoutExpired:  # a child of the program goes on printing
            threading.Thread(target=self._relay.wait, name="inspector-output", daemon=True).start()

    def divert(self) -> None:
        """From now on."""
        _flush()
        for number, fd in enumerate(self._led_to):
            os.dup2(fd, number)

    def lend(self) -> None:
        """The app has left the terminal for a while: until `divert` everything leads there."""
        _flush()
        for number, fd in enumerate(self._kept):
            os.dup2(fd, number)

    def give_back(self) -> None:
        """The app is gone and the terminal is back: what is printed goes there again, and so does what is on its way.
        From any thread; another one may be waiting in the middle of a `print`."""
        if not self._given_back.acquire(blocking=False):
            return
        for number, fd in enumerate(self._kept):
            os.dup2(fd, number)
            os.close(fd)
        with contextlib.suppress(OSError):
            self._control.send(b".")


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(
            OSError, ValueError, AttributeError
        ):  # None, closed, or something of the program's own
            stream.flush()
