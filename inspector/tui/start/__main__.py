"""The app's process. Starts the engine before it imports Textual: the engine has torch to import."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
import warnings
from typing import NoReturn

from ...client.process import Connection, join_engine, start_engine
from ...errors import BUG
from ..keys import change_keys
from ..options import AppOptions


def main(lifeline_fd: int, argv: list[str]) -> NoReturn:
    """Run the app with the options in `argv`; `lifeline_fd` is a socket to the launcher."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the app handles it: no traceback over the screen
    # An app that leaves starts nothing any more, and Python would say so on the terminal that was just handed back.
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    options = AppOptions.from_argv(argv)
    connection = connect(options)
    change_keys(options.keys)

    from .run import CRASHED, run_app

    code = BUG
    try:
        code = run_app(options, connection, lifeline_fd)
    except BaseException:
        with contextlib.suppress(OSError):  # a terminal that is gone hears nothing
            traceback.print_exc()
            print(CRASHED, file=sys.stderr, flush=True)
    # Where the terminal went away, Textual's threads may wait for it for ever; nothing is left for them to do.
    os._exit(code)


def connect(options: AppOptions) -> Connection:
    """Join the engine the options name, or start one."""
    if options.engine_fd is not None:
        return join_engine(options.engine_fd, options.output_fd)
    return start_engine()
