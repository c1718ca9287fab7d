"""The process between a client and its engine. Whatever a model starts is below it, and ends with the engine or with
the client, whoever of them dies and however.

    client ── lifeline ──► keeper ──► engine ──► what a model starts

On Linux it adopts what a model started and left alone, so that a daemon in a session of its own, with an empty
environment, is found as well. Its own session and command line keep it out of reach of signals that are meant for the
app, for the job of a shell or for the engine. Imports the standard library only, and little of that: an engine waits
for it at its start.

The lifeline is a socket. On it the client says what to run, its words separated by NUL, with two at their end. Its end
means that the client is gone or wants no engine any more. The keeper's last word is how the engine ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from select import select

from .lineage import adopt_orphans, die_with_parent, find_descendants

_PATIENCE = 3.0  # seconds in which what is killed again and again has to be gone
_ALONE = (signal.SIGUSR1, signal.SIGUSR2)
_WITH_GROUP = {signal.SIGTERM: signal.SIGTERM, signal.SIGTSTP: signal.SIGSTOP, signal.SIGCONT: signal.SIGCONT}
"""What is handed on to the engine alone, and to its process group, and as which signal."""


def main(lifeline: int, inherited: list[int]) -> None:
    """Run what the client says until it ends or the client does, and leave nothing of it.

    Args:
        lifeline: The descriptor of the socket to the client.
        inherited: Descriptors for the engine alone.
    """
    os.set_inheritable(lifeline, False)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if not (command := _receive_command(lifeline)):
        return
    engine = _Engine(command)
    _let_go(inherited)
    adopt_orphans()
    engine.wait(lifeline)
    engine.end_everything()
    with contextlib.suppress(OSError):  # a client that is gone needs no word
        os.write(lifeline, str(engine.returncode).encode())


def _receive_command(lifeline: int) -> list[bytes]:
    """What to run; nothing where the client ended before it had said so."""
    said = b""
    while not said.endswith(b"\0\0"):
        if not (part := os.read(lifeline, 65536)):
            return []
        said += part
    return said[:-2].split(b"\0")


def _let_go(inherited: list[int]) -> None:
    """The client shall see the end of the engine's streams when the engine ends."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    for fd in (*inherited, nothing):
        os.close(fd)


class _Engine:
    """The engine and all that is below this process. `returncode` is as `subprocess` gives it, None while it runs."""

    def __init__(self, command: list[bytes]) -> None:
        self.returncode: int | None = None
        self._process = _start(command)
        for number in (*_ALONE, *_WITH_GROUP):
            signal.signal(number, self._hand_on)

    def _hand_on(self, number: int, frame: object) -> None:
        if self.returncode is not None:
            return
        with contextlib.suppress(OSError):
            if number in _ALONE:
                os.kill(self._process, number)
            else:
                os.killpg(self._process, _WITH_GROUP[signal.Signals(number)])

    def wait(self, lifeline: int) -> None:
        """Until the engine ends, or the lifeline does."""
        child_ended, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        while self._reap() and self.returncode is None:
            ready, _, _ = select([lifeline, child_ended], [], [])
            if child_ended not in ready:
                return
            os.read(child_ended, 4096)

    def _reap(self) -> bool:
        """Let go of every child that has ended; whether there are others."""
        try:
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                process, status = ended
                if process == self._process:
                    self.returncode = os.waitstatus_to_exitcode(status)
        except ChildProcessError:
            return False
        return True

    def end_everything(self) -> None:
        """Kill all that is below this process, until it has no child: each may have started another meanwhile, and one
        whose parent has just ended may be in no list that was read while it ended."""
        deadline = time.monotonic() + _PATIENCE
        while self._reap() and time.monotonic() < deadline:
            for process in find_descendants(os.getpid()):
                with contextlib.suppress(OSError):
                    os.kill(process, signal.SIGKILL)
            time.sleep(0.005)


def _start(command: list[bytes]) -> int:
    """The engine's process, in a session of its own, which ends when this process is killed."""
    process = os.fork()
    if process == 0:
        os.setsid()
        die_with_parent(signal.SIGKILL)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        try:
            os.execv(command[0], command)
        finally:
            os._exit(127)
    return process
