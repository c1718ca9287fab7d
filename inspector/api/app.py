"""The app on this process's own terminal, with this process as its engine.

While the app is open everything this process prints, at whatever level, goes to the app's Log panel: file descriptors
1 and 2 lead into a pipe. The terminal comes back as it was, however the app ends.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence

from torch import nn

from ..engine.recording.call import Call
from ..engine.server import Server
from ..engine.session import Session
from ..records import Opened
from ..report.calls import render_calls
from ..report.collector import Collector
from ..tui.options import AppOptions
from ..tui.start.launcher import is_terminal, supervise


def can_open() -> bool:
    """Whether a person can see and use the app from here."""
    main = threading.current_thread() is threading.main_thread()
    return main and "ipykernel" not in sys.modules and is_terminal(0) and is_terminal(1) and _has_controlling_tty()


def _has_controlling_tty() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return os.environ.get("TERM", "dumb") != "dumb"


def serve_app(adopt: Callable[[Session], Opened], select: str, generate: int = 0) -> Session:
    """Be the engine of an app on this terminal until it is closed. Its first pass makes so many tokens, or calls the
    model."""
    ours, theirs = socket.socketpair()
    with ours, theirs, _output_in_pipe() as output:
        server = Server(ours, own_process=False)
        session = server.session = Session(server.outbox.put, server.busy)
        server.outbox.put(adopt(session))
        session.announce()
        options = AppOptions(select=select, engine_fd=theirs.fileno(), output_fd=output, generate=generate)
        app = threading.Thread(target=_run_app, args=(options, theirs), name="inspector-app", daemon=True)
        app.start()
        try:
            server.serve()
        finally:
            app.join()
            session.close()
    return session


def _run_app(options: AppOptions, theirs: socket.socket) -> None:
    supervise(options.to_argv(), fds=options.fds)
    theirs.close()  # the app is gone: with this end closed too, the server sees the end of the stream


@contextlib.contextmanager
def _output_in_pipe() -> Iterator[int]:
    """Lead file descriptors 1 and 2 into a pipe, and yield its read end."""
    read, write = os.pipe()
    kept = os.dup(1), os.dup(2)
    _flush()
    os.dup2(write, 1)
    os.dup2(write, 2)
    os.close(write)
    try:
        yield read
    finally:
        _flush()
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for fd in (*kept, read):
            os.close(fd)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def view_calls(model: nn.Module, calls: Sequence[Call]) -> None:
    """Open the app on calls that were captured; without a terminal, print them in the order they came in."""
    if can_open():
        serve_app(lambda session: session.show(model, list(calls)), "")
        return
    collector = Collector()
    session = Session(collector.take)
    try:
        collector.take(session.show(model, list(calls)))
        session.announce()
        for step in range(session.runner.last.first_step, session.runner.last.last_step):
            session.show_step(step)
        print(render_calls(collector.report()), end="")
    finally:
        session.close()
