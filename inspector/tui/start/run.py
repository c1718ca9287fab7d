"""Runs the app to its end: signals, the terminal, the engine and the exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

from ...client.lineage import die_with_parent
from ...client.process import Connection
from ..options import AppOptions
from .lifeline import LEFT, tell, watch

if TYPE_CHECKING:
    from ..app.app import InspectorApp

CRASHED = "inspector: the app itself failed; please report this, with the traceback above"
_FRAMES = "120"
"""A second at most. What Textual draws comes one to two of them after what it drew before: a key that follows the clock
of the title would wait for 33 ms with its usual 60."""
_LEAVE = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def run_app(options: AppOptions, connection: Connection, lifeline_fd: int | None = None) -> int:
    """Show the app until the user leaves or somebody ends it; the exit code.

    Args:
        options: What the app is started with.
        connection: The engine, started or joined.
        lifeline_fd: The socket to the launcher, where there is one.
    """
    return asyncio.run(_run(options, connection, lifeline_fd))


async def _run(options: AppOptions, connection: Connection, lifeline_fd: int | None) -> int:
    _set_frames()
    from ..app.app import InspectorApp
    from ..engine_client import make_client
    from .job_control import make_driver

    app = InspectorApp(options, lambda post: make_client(connection, post), driver=make_driver(lifeline_fd))
    _leave_on_signals(app, lifeline_fd)
    try:
        await app.run_async(mouse=options.mouse)
    finally:
        if lifeline_fd is not None:
            tell(lifeline_fd, LEFT)
        await app.engine.close()
    for line in app.state.exit_messages:
        print(line, file=sys.stderr)
    if app.crashed:
        print(CRASHED, file=sys.stderr)
    return app.exit_code


def _set_frames() -> None:
    """Textual reads it once; neither engines nor editors inherit it."""
    name = "TEXTUAL_FPS"
    if name not in os.environ:
        os.environ[name] = _FRAMES
        from textual import constants  # noqa: F401

        del os.environ[name]


def _leave_on_signals(app: InspectorApp, lifeline_fd: int | None) -> None:
    loop = asyncio.get_running_loop()

    def leave(number: int) -> None:
        if number == signal.SIGINT and app.host.is_lent:  # it is meant for the program
            return
        app.exit(return_code=128 + number)

    for number in _LEAVE:
        loop.add_signal_handler(number, leave, number)
    if lifeline_fd is not None:
        watch(lifeline_fd, lambda: leave(signal.SIGHUP))
        die_with_parent(signal.SIGHUP)
        if os.getppid() == 1:  # it ended before it could be asked for
            leave(signal.SIGHUP)
