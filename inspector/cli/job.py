"""The command line's part in job control."""

from __future__ import annotations

import asyncio
import signal

from ..client.engine_client import EngineClient
from ..client.job import stop_process
from .wait_bar import WaitBar


def stop_together(engine: EngineClient, bar: WaitBar) -> None:
    """From now on a shell that stops this program stops its engine as well, and lets both go on. In the running event
    loop of the main thread."""

    def stop() -> None:
        engine.stop()
        with bar.aside():
            stop_process()
        engine.go_on()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTSTP, stop)
