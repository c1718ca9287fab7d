"""The command line's part in job control."""

from __future__ import annotations

import asyncio
import signal

from ..client.engine_client import EngineClient
from ..client.job import stop_process
from .wait_bar import WaitBar


def list_leaving() -> list[signal.Signals]:
    """The signals that ask to leave. A hang-up is none where somebody ignores it, as nohup does."""
    hung_up = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    return [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hung_up else [])]


def stop_together(engine: EngineClient, bar: WaitBar) -> None:
    """From now on a shell that stops this program stops its engine as well, and lets both go on. In the running event
    loop of the main thread."""

    def stop() -> None:
        engine.stop()
        with bar.aside():
            stop_process()
        engine.go_on()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTSTP, stop)
