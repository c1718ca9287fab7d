"""The app's part in job control: it leaves the terminal before it stops, and takes it again when it may."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...client.job import has_shell, is_in_foreground, stop_process
from ..terminal.driver import SturdyDriver
from .lifeline import BACK, LEFT, tell

if TYPE_CHECKING:
    from ..app.app import InspectorApp

_SETTLE = 0.05  # seconds


def make_driver(lifeline_fd: int | None) -> Callable[..., SturdyDriver]:
    """What makes the driver of an app that stops and goes on as its job does."""

    def make(app: InspectorApp, **options: Any) -> SturdyDriver:
        driver = SturdyDriver(app, **options)
        JobControl(app, driver, lifeline_fd).install()
        return driver

    return make


class JobControl:
    """Stops come as SIGTSTP, from `ctrl+z` in the app or from elsewhere. A stop by SIGSTOP cannot be seen: the launcher
    puts the terminal right then, and here it is taken anew afterwards.

    Args:
        app: Stops together with its engine.
        driver: Of its terminal.
        lifeline_fd: The launcher is told who has the terminal; it stops the rest of the job.
    """

    def __init__(self, app: InspectorApp, driver: SturdyDriver, lifeline_fd: int | None) -> None:
        self._app = app
        self._driver = driver
        self._lifeline = lifeline_fd
        self._loop = asyncio.get_running_loop()
        self.is_lent = False
        self._asked = False
        self._continued = False  # by a signal that is not heard yet, and that `_rest` knows of

    def install(self) -> None:
        """In place of Textual's own, which act between any two instructions, and on the first of two stops only."""
        self._app.host.lending = self
        signal.signal(signal.SIGTSTP, self._note_stop)
        self._loop.add_signal_handler(signal.SIGCONT, self._on_continue)

    def lend(self) -> None:
        """Leave the terminal to the program around, until it stands still again."""
        if self._has_terminal:
            self.is_lent = True
            self._driver.lend()
            self._tell(LEFT)
            self._let_go()

    def take_back(self) -> None:
        """It stands still."""
        if self.is_lent:
            self.is_lent = False
            self._take_terminal()

    @property
    def _has_terminal(self) -> bool:
        """False before the first frame, too."""
        return self._driver.attrs_before is not None

    def _note_stop(self, number: int, frame: object) -> None:
        self._asked = True
        self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        if self._asked and self._has_terminal and has_shell():
            self._driver.suspend_application_mode()
            self._tell(LEFT)
            self._rest()
        self._asked = False

    def _on_continue(self) -> None:
        """Where it was stopped by SIGSTOP, whoever had the terminal meanwhile left it as it likes it."""
        if self._continued:
            self._continued = False
        elif not self._has_terminal:
            return
        elif not is_in_foreground(self._driver.fileno):
            self._let_go()
            self._driver.suspend_application_mode()
            self._take_terminal()
        elif self._app.return_code is None:  # it is not leaving
            self._driver.retake()
            self._tell(BACK)
            self._app.refresh(layout=True)

    def _let_go(self) -> None:
        """An app that leaves without having the terminal shall not touch it."""
        self._driver.attrs_before = None
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)

    def _rest(self) -> None:
        """Stop here, with the engine. Before the terminal is taken again those signals are heard that came meanwhile:
        they may ask to leave."""
        self._let_go()
        self._app.engine.stop()
        self._continued = True
        stop_process()
        self._asked = False  # of one stop the job and its launcher may both have told
        self._app.engine.go_on()
        self._loop.call_later(_SETTLE, self._take_terminal)

    def _take_terminal(self) -> None:
        if self._app.return_code is not None:  # it is leaving
            return
        in_foreground = is_in_foreground(self._driver.fileno)
        if in_foreground and not self._asked:
            self._driver.resume_application_mode()
            self._tell(BACK)
            self._app.refresh(layout=True)
        elif in_foreground or has_shell():
            self._rest()
        else:
            self._app.exit(return_code=128 + signal.SIGHUP)

    def _tell(self, word: str) -> None:
        if self._lifeline is not None:
            tell(self._lifeline, word)
