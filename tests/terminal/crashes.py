"""The app with a bug in it, one for each way in which a bug can end it: `python crashes.py WAY`."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable

from inspector.tui.app.app import InspectorApp
from inspector.tui.bars.footer import KeyBar
from inspector.tui.options import AppOptions
from inspector.tui.start.__main__ import main
from inspector.tui.terminal.terminal_input import TerminalInput

_begin = InspectorApp._begin


def fail(*_: object, **__: object) -> None:
    raise ValueError("a bug of ours")


async def fail_later() -> None:
    fail()


def at_start(deed: Callable[[InspectorApp], object]) -> None:
    async def begin(app: InspectorApp) -> None:
        await _begin(app)
        deed(app)

    InspectorApp._begin = begin  # type: ignore[method-assign]


def crash_and_exit(app: InspectorApp) -> None:
    app.call_later(fail)
    app.call_later(app.exit)


WAYS: dict[str, Callable[[], None]] = {
    "message": lambda: at_start(lambda app: app.call_later(fail)),
    "timer": lambda: at_start(lambda app: app.set_timer(0.1, fail)),
    "worker": lambda: at_start(lambda app: app.run_worker(fail_later())),
    "panic": lambda: at_start(lambda app: app.panic("a bug of ours")),
    "leaving meanwhile": lambda: at_start(crash_and_exit),
    "mount": lambda: setattr(InspectorApp, "on_mount", fail),
    "render": lambda: setattr(KeyBar, "render", fail),
    "input": lambda: setattr(TerminalInput, "feed", fail),
    "exit": lambda: at_start(lambda app: (setattr(app.engine, "close", fail), app.exit())),
}

if __name__ == "__main__":
    WAYS[sys.argv[1]]()
    ours, theirs = socket.socketpair()
    main(theirs.fileno(), AppOptions(target={"target": "none"}).to_argv())
