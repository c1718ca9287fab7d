"""The app on this process's own terminal, with this process as its engine.

While the app is open everything this process prints, at whatever level, goes to the app's Log panel. The terminal comes
back as it was, and so do the file descriptors, however the app ends and whatever this process is doing then.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import nn

from ..client.lineage import find_descendants, name_of
from ..config.apply import app_options
from ..config.read import read_config
from ..engine.recording.call import Call
from ..engine.server import Server
from ..engine.session import Session
from ..errors import UsageError
from ..records import Opened, Target
from ..report.calls import render_calls
from ..report.collector import Collector
from ..report.problem import render_problem
from ..text import visible
from ..tui.keys import change_keys
from ..tui.options import AppOptions
from ..tui.start.launcher import is_terminal, supervise
from .attended import why_unattended
from .diverted_output import DivertedOutput

_NAMED = 8  # processes that are named where some are left
_PATIENCE = 1.0  # seconds for the running pass to come to its next module
_WAITING = b"inspector: the app is closed; the running pass ends at its next module, or with ctrl+c\n"


def can_open() -> bool:
    """Whether a person can see and use the app from here."""
    main = threading.current_thread() is threading.main_thread()
    alone = main and "ipykernel" not in sys.modules and not why_unattended()
    return alone and is_terminal(0) and is_terminal(1) and _has_terminal()


def _has_terminal() -> bool:
    """A controlling terminal that can do what the app needs, and a standard error that can be given back."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        os.close(os.dup(2))
    except OSError:
        return False
    return os.environ.get("TERM", "dumb") != "dumb"


def serve_app(
    adopt: Callable[[Session], Opened],
    select: str,
    generate: int = 0,
    readonly: bool = False,
    budget: float = 0.0,
    held: bool = False,
) -> Session:
    """Be the engine of an app on this terminal until it is closed. Its first pass makes so many tokens, or calls the
    model. A configuration makes it `readonly` too. With `held` this program stands still around it. See `Budget`."""
    configured = _read_options()
    readonly = readonly or configured.get("readonly", False)
    ours, theirs = socket.socketpair()
    known = set(find_descendants(os.getpid()))
    with ours, theirs, _without_debugger(), DivertedOutput() as output:
        known.add(output.process)
        server = Server(ours, own_process=False)
        session = server.session = Session(server.outbox.put, server.busy)
        session.terms = Target("", readonly=readonly, budget=budget)
        server.outbox.put(adopt(session))
        session.announce()
        options = AppOptions(
            select=select,
            engine_fd=theirs.fileno(),
            output_fd=output.app_end,
            generate=generate,
            held=held,
            **{**configured, "readonly": readonly},
        )
        served = threading.Event()
        apps: list[subprocess.Popen[bytes]] = []
        arguments = options, ours, output, served, apps.append
        app = threading.Thread(target=_run_app, args=arguments, name="inspector-app", daemon=True)
        app.start()
        try:
            server.serve()
        except BaseException:  # such as ctrl+c of another terminal: an app without its engine is of no use
            for each in apps:
                each.terminate()
            raise
        finally:
            served.set()
            app.join()
            session.close()
    _tell_left([process for process in find_descendants(os.getpid()) if process not in known])
    return session


@contextlib.contextmanager
def _without_debugger() -> Iterator[None]:
    """One that asks on this terminal, such as pdb, stops nowhere while the app has it."""
    trace = sys.gettrace()
    known = sys.modules.get("bdb")
    asks = known is not None and isinstance(getattr(trace, "__self__", None), known.Bdb)
    if asks:
        sys.settrace(None)
    try:
        yield
    finally:
        if asks:
            sys.settrace(trace)


def _read_options() -> dict[str, Any]:
    """What the person configured. Where that is wrong, a program that may have run for hours goes on without it."""
    try:
        configured = app_options(read_config())
        change_keys(configured["keys"])  # hints of this process name them
        return configured
    except UsageError as error:
        warnings.warn(render_problem(error.problem), RuntimeWarning, stacklevel=4)
        return {}


def _run_app(
    options: AppOptions,
    ours: socket.socket,
    output: DivertedOutput,
    served: threading.Event,
    started: Callable[[subprocess.Popen[bytes]], object],
) -> None:
    """Run the app to its end, and let go of everything that was its."""
    try:
        supervise(options.to_argv(), fds=options.fds, started=started)
    finally:
        output.give_back()
        with contextlib.suppress(OSError):
            ours.shutdown(socket.SHUT_RDWR)  # the server sees its end, whoever inherited the other one
    if not served.wait(_PATIENCE):
        with contextlib.suppress(OSError):
            os.write(2, _WAITING)


def _tell_left(processes: Sequence[int]) -> None:
    """What was started in passes is the program's own, and it may not know of it."""
    if processes:
        named = ", ".join(f"{process} {visible(name_of(process))}".rstrip() for process in processes[:_NAMED])
        more = f" and {len(processes) - _NAMED} more" if len(processes) > _NAMED else ""
        with contextlib.suppress(OSError):
            os.write(2, f"inspector: started while the app was open, and still running: {named}{more}\n".encode())


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
