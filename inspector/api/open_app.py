"""One app, of which this process is the engine.

While it is shown everything this process prints, at whatever level, goes to its Log panel. The terminal comes back as
it was, and so do the file descriptors, however the app ends and whatever this process is doing then.
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
from dataclasses import replace
from typing import Any

from ..client.lineage import find_descendants, name_of
from ..config.apply import app_options
from ..config.read import read_config
from ..engine.server import Server
from ..engine.session import Session
from ..errors import UsageError
from ..records import Opened, Target
from ..report.problem import render_problem
from ..text import visible
from ..tui.keys import change_keys
from ..tui.options import AppOptions
from ..tui.start.launcher import supervise
from .diverted_output import DivertedOutput

_NAMED = 8  # processes that are named where some are left
_PATIENCE = 1.0  # seconds for the running pass to come to its next module
_WAITING = b"inspector: the app is closed; the running pass ends at its next module, or with ctrl+c\n"

Adopt = Callable[[Session], Opened]
"""Gives a session its model."""


class OpenApp:
    """Shown from the first `serve` on, and again by each further one; `close` is for the end.

    Args:
        options: What it is started with. What is configured counts as well.

    Attributes:
        process: This one.
    """

    def __init__(self, options: AppOptions) -> None:
        configured = _read_options()
        self.process = os.getpid()
        self._readonly = options.readonly or configured.get("readonly", False)
        self._known = set(find_descendants(self.process))
        self._models = 0  # that were served
        self._served = threading.Event()
        self._apps: list[subprocess.Popen[bytes]] = []
        with contextlib.ExitStack() as exits:
            self._ours, theirs = map(exits.enter_context, socket.socketpair())
            self._output = exits.enter_context(DivertedOutput())
            self._exits = exits.pop_all()
        self._known.add(self._output.process)
        self._server = Server(self._ours, own_process=False)
        configured |= {"readonly": self._readonly}
        self._options = replace(options, engine_fd=theirs.fileno(), output_fd=self._output.app_end, **configured)
        self._thread = threading.Thread(target=self._run, name="inspector-app", daemon=True)

    @property
    def is_there(self) -> bool:
        """It was shown, and is not gone."""
        return self._thread.is_alive()

    def serve(self, adopt: Adopt, budget: float = 0.0) -> Session:
        """Answer it until it is closed, or the program that stands still around is to go on to where it stands still
        next: it has left the terminal then, and waits. The model is as it was before. See `Budget`."""
        session = Session(self._server.outbox.put, self._server.busy)
        session.generation, session.terms = self._models, Target("", readonly=self._readonly, budget=budget)
        with _without_debugger(), self._shown():
            try:
                self._server.session = session
                self._server.outbox.put(adopt(session))
                session.announce()
                if not self.is_there:
                    self._thread.start()
                self._server.serve()
                if session.runner.stopper.standstill.program_goes_on and self.is_there:
                    self._output.lend()
            finally:
                self._server.session, self._models = None, session.generation
                session.close()
        return session

    @contextlib.contextmanager
    def _shown(self) -> Iterator[None]:
        if self.is_there:
            self._output.divert()
            self._known |= {*find_descendants(self.process)}
        try:
            yield
        except BaseException:  # such as ctrl+c of another terminal: an app without its engine is of no use
            for each in self._apps:
                each.terminate()
            raise

    def close(self) -> None:
        """Nothing of it is left."""
        self._served.set()
        with contextlib.suppress(OSError):
            self._ours.shutdown(socket.SHUT_RDWR)  # it leaves, where it has not
        if self._thread.ident is not None:
            self._thread.join()
        self._server.end()
        self._exits.close()
        _tell_left([process for process in find_descendants(self.process) if process not in self._known])

    def _run(self) -> None:
        """Run the app to its end, and let go of everything that was its."""
        try:
            supervise(self._options.to_argv(), fds=self._options.fds, started=self._apps.append)
        finally:
            self._output.give_back()
            with contextlib.suppress(OSError):
                self._ours.shutdown(socket.SHUT_RDWR)  # the server sees its end, whoever inherited the other one
        if not self._served.wait(_PATIENCE):
            with contextlib.suppress(OSError):
                os.write(2, _WAITING)


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
        warnings.warn(render_problem(error.problem), RuntimeWarning, stacklevel=5)
        return {}


def _tell_left(processes: Sequence[int]) -> None:
    """What was started in passes is the program's own, and it may not know of it."""
    if processes:
        named = ", ".join(f"{process} {visible(name_of(process))}".rstrip() for process in processes[:_NAMED])
        more = f" and {len(processes) - _NAMED} more" if len(processes) > _NAMED else ""
        with contextlib.suppress(OSError):
            os.write(2, f"inspector: started while the app was open, and still running: {named}{more}\n".encode())
