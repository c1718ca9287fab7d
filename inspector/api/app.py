"""The app on this process's own terminal, with this process as its engine: opened, lent the terminal from, closed."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Sequence

from torch import nn

from ..engine.recording.call import Call
from ..engine.session import Session
from ..report.calls import render_calls
from ..report.collector import Collector
from ..tui.options import AppOptions
from ..tui.start.launcher import is_terminal
from .attended import why_unattended
from .open_app import Adopt, OpenApp

_lent: list[OpenApp] = []
"""The app that waits for the program to stand still again: one at most."""


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


def serve_app(adopt: Adopt, select: str, generate: int = 0, readonly: bool = False, budget: float = 0.0) -> Session:
    """Be the engine of an app on this terminal until it is closed. Its first pass makes so many tokens, or calls the
    model. A configuration makes it `readonly` too. See `Budget`."""
    _close_lent()
    app = OpenApp(AppOptions(select=select, generate=generate, readonly=readonly))
    try:
        return app.serve(adopt, budget)
    finally:
        app.close()


def serve_held(adopt: Adopt) -> Session:
    """The same while this program stands still, until it is to go on. On its way to where it stands still next it has
    the terminal, and the app waits to be shown again."""
    app = _take_lent() or OpenApp(AppOptions(held=True))
    stays = False
    try:
        session = app.serve(adopt)
        stays = session.runner.stopper.standstill.program_goes_on and app.is_there
    finally:
        if not stays:
            app.close()
    if stays:
        _lent.append(app)
    return session


def _take_lent() -> OpenApp | None:
    """The app that waits, where there is one: not in a copy of the process that lent it the terminal."""
    while _lent:
        app = _lent.pop()
        if app.process == os.getpid() and app.is_there:
            return app
        if app.process == os.getpid():
            app.close()
    return None


@atexit.register
def _close_lent() -> None:
    """The program ends, or opens another app, before it stands still again."""
    if (app := _take_lent()) is not None:
        app.close()


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
