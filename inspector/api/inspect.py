"""`inspector.inspect`: the caller's process is the engine, the app is a child on the same terminal.

While the app is open everything this process prints, at whatever level, goes to the app's Log panel: file descriptors
1 and 2 lead into a pipe. The terminal comes back as it was, however the app ends.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from ..engine.hooks.hook import Hook
from ..engine.modules.tree import module_rows
from ..engine.recording.call import Call
from ..engine.server import Server
from ..engine.session import Session
from ..records import Opened, PassSummary
from ..report.report import Report, calls_text
from ..tui.options import AppOptions
from ..tui.start.launcher import supervise
from .capture import CapturedCall, captured, summary

SHARED = "the model is your program's own: hooks act on calls from its other threads too, until the app is closed"


@dataclass(frozen=True)
class Inspected:
    """What a person did in the app, after it was closed; the model itself is as it was before.

    `trace` are the calls of the last pass in completion order, and `summary` says how it went, None without one.
    `hooks` are those that were on, ready for `inspector.hooks(model, s.hooks)`; `edits` are what was done to
    parameters, by the modules as they were named.
    """

    summary: PassSummary | None
    trace: list[CapturedCall]
    hooks: dict[str, list[Hook]]
    edits: dict[str, list[Hook]]


def inspect(
    model: nn.Module, *args: Any, kwargs: Mapping[str, Any] | None = None, select: str = ""
) -> Inspected | None:
    """Open the app on a live model, and return when it is closed.

    Passes run in this process, on copies of `args` and `kwargs`, and the model is as before afterwards: parameters,
    buffers, gradients, hooks, random states. Where nobody sits at a terminal (a notebook, a job, a DataLoader worker)
    nothing blocks: a text report is printed instead.

    Args:
        model: Any module.
        *args: Positional sample inputs of its forward; without any the input is guessed, or asked for.
        kwargs: Keyword sample inputs.
        select: Dotted path of the module to start at.

    Returns:
        What was done and seen; None where nobody sits at a terminal.
    """
    if not can_open():
        _report_instead(model, args, dict(kwargs or {}))
        return None
    session = _serve(
        lambda session: session.adopt(model, args, dict(kwargs or {}), type(model).__name__, (SHARED,)), select
    )
    trace = [captured(session.subject.tree, call) for call in session.runner.last.calls]
    return Inspected(session.summary, trace, *session.left)


def view(model: nn.Module, calls: Sequence[Call]) -> None:
    """Open the app on calls that were captured; without a terminal, print them in the order they came in."""
    if can_open():
        _serve(lambda session: session.show(model, list(calls)), "")
        return
    session = Session(lambda event: None)
    try:
        opened = session.show(model, list(calls))
        print(
            calls_text(Report(opened.info, module_rows(session.subject.tree), [call.row() for call in calls])), end=""
        )
    finally:
        session.close()


def can_open() -> bool:
    """Whether a person can see and use the app from here."""
    main = threading.current_thread() is threading.main_thread()
    return main and "ipykernel" not in sys.modules and _is_terminal(0) and _is_terminal(1) and _has_controlling_tty()


def _is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False


def _has_controlling_tty() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return os.environ.get("TERM", "dumb") != "dumb"


def _report_instead(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    warnings.warn("no terminal for the app: printing a summary instead", RuntimeWarning, stacklevel=3)
    print(summary(model, *args, kwargs=kwargs), end="")


def _serve(adopt: Callable[[Session], Opened], select: str) -> Session:
    """Be the engine of an app on this terminal until it is closed."""
    ours, theirs = socket.socketpair()
    with ours, theirs, _output_in_pipe() as output:
        server = Server(ours, own_process=False)
        session = server.session = Session(server.outbox.put, server.busy)
        server.outbox.put(adopt(session))
        session.announce()
        options = AppOptions(select=select, engine_fd=theirs.fileno(), output_fd=output)
        app = threading.Thread(target=_run_app, args=(options, theirs), name="inspector-app", daemon=True)
        app.start()
        try:
            server.serve()
        finally:
            app.join()
            session.close()
    return session


def _run_app(options: AppOptions, theirs: socket.socket) -> None:
    supervise(options.argv(), fds=options.fds)
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
