"""Runs the app to its end: signals, the terminal, the engine and the exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

from ...client.process import Connection
from ..options import AppOptions
from .lifeline import ENDED, LEFT, STARTED, die_with_parent, tell, watch

if TYPE_CHECKING:
    from ..app.app import InspectorApp

_LEAVE = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def run_app(options: AppOptions, connection: Connection, leash: int | None = None) -> int:
    """Show the app until the user leaves or somebody ends it; the exit code.

    Args:
        options: What the app is started with.
        connection: The engine, started or joined.
        leash: The socket to the launcher, where there is one.
    """
    return asyncio.run(_run(options, connection, leash))


async def _run(options: AppOptions, connection: Connection, leash: int | None) -> int:
    from ..app.app import InspectorApp
    from ..driver import SturdyDriver
    from ..engine_client import Engine

    def on_process(group: int, running: bool) -> None:
        if leash is not None:
            tell(leash, f"{STARTED if running else ENDED}{group}")

    app = InspectorApp(options, driver=SturdyDriver)
    engine = Engine(connection, app.post_message, on_process)
    app.use_engine(engine)
    _leave_on_signals(app, leash)
    try:
        await app.run_async(mouse=options.mouse)
    finally:
        if leash is not None:
            tell(leash, LEFT)
        await engine.close()
    for line in app.last_words:
        print(line, file=sys.stderr)
    return app.return_code or 0


def _leave_on_signals(app: InspectorApp, leash: int | None) -> None:
    loop = asyncio.get_running_loop()

    def leave(number: int) -> None:
        app.exit(return_code=128 + number)

    for number in _LEAVE:
        loop.add_signal_handler(number, leave, number)
    if leash is not None:
        watch(leash, lambda: leave(signal.SIGHUP))
        die_with_parent(signal.SIGHUP)
        if os.getppid() == 1:  # it ended before it could be asked for
            leave(signal.SIGHUP)
