"""An engine that is forked from a process with torch in it, in place of one that imports it for seconds."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator
from typing import NoReturn
from unittest import mock

from inspector.client import engine_client, process
from inspector.client.process import Connection
from inspector.engine import server
from inspector.engine.session import Session
from inspector.postmortem.record import make_nameless_file

assert Session is not None  # imported here, so that no fork has to


class ForkedEngine:
    """Has the outside of `EngineProcess`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            with contextlib.suppress(ChildProcessError):
                ended, status = os.waitpid(self.pid, os.WNOHANG)
                self.returncode = os.waitstatus_to_exitcode(status) if ended else None
        return self.returncode

    def wait(self, timeout: float) -> int | None:
        deadline = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("engine", timeout)
            time.sleep(0.01)
        return self.returncode

    def send_signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    end_by_force = end


def start_forked() -> Connection:
    """As `start_engine`, in a moment."""
    return fork_engine(server.main)


def fork_engine(be: Callable[[int, int], object]) -> Connection:
    """A process that speaks the engine's side of the channel.

    Args:
        be: What it does, given its socket and its call log.
    """
    call_log = make_nameless_file()
    ours, theirs = socket.socketpair()
    pipes = [os.pipe() for _ in range(2)]
    child = os.fork()
    if child == 0:
        ours.close()
        _be_engine(be, theirs.detach(), call_log, [write for _, write in pipes])
    theirs.close()
    for _, write in pipes:
        os.close(write)
    (out, _), (err, _) = pipes
    return Connection(ours, ForkedEngine(child), (("stdout", out), ("stderr", err)), call_log)  # type: ignore[arg-type]


def _be_engine(be: Callable[[int, int], object], fd: int, call_log: int, streams: list[int]) -> NoReturn:
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        for to, stream in enumerate(streams, 1):
            os.dup2(stream, to)
        be(fd, call_log)
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(1)


@contextlib.contextmanager
def engines_from(start: Callable[[], Connection] = start_forked) -> Iterator[None]:
    """While it lasts, every engine is one of these."""
    from inspector.cli import reading
    from inspector.cli.asking import question

    with contextlib.ExitStack() as patches:
        for module in (process, engine_client, reading, question):
            patches.enter_context(mock.patch.object(module, "start_engine", start))
        yield
