"""The terminal as it is met in practice."""

from __future__ import annotations

import contextlib
import io
import os
import select
import shutil
import signal
import sys
import termios
import threading
import time
from functools import partial
from typing import Any

from rich.cells import get_character_cell_size
from rich.console import Console
from rich.segment import Segment
from textual.app import App
from textual.color import Color
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key
from textual.filter import LineFilter
from textual.message import Message

from ...text import harmless, visible
from ..messages import KeyEnd, TerminalTrouble
from .flood import thin_flood
from .terminal_input import TerminalInput, bound_window

_POLL = 0.05  # seconds
_LONGEST_KEY = 1.0  # seconds that the next key waits for
_READ = 4096
_MOST_WAITING = 500  # messages that the app has not taken yet


class SturdyDriver(LinuxDriver):
    """Textual's driver, which nothing that a terminal sends or says ends, fills or stalls."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size or bound_window(*shutil.get_terminal_size()))
        self._flooded = False  # and it was told
        self._lent = False
        self._was_lent = False  # and what was typed meanwhile is not read yet
        self._away = False  # nothing is written any more
        self._unheard: list[Message] = []  # what was read, and the app is not told of before it has the terminal again
        self._file: Any = _Outlet(self._file)

    def _get_terminal_size(self) -> tuple[int, int]:
        return bound_window(*super()._get_terminal_size())

    def run_input_thread(self) -> None:
        """Read keys until the app leaves, no faster than it takes them."""
        terminal = TerminalInput(self._tell)
        self._hand_on(self._unheard)
        waited, self._was_lent = self._was_lent, False
        while not self.exit_event.is_set():
            try:
                data = self._read()
            except OSError:
                data = b""
            if data == b"":  # the terminal is gone
                self._loop.call_soon_threadsafe(partial(self._app.exit, return_code=128 + signal.SIGHUP))
                return
            if waited and data:  # a terminal that others have makes another character of enter
                data = data.replace(b"\n", b"\r")
            waited = False
            self._hand_on(self._hear(terminal, data or b""))
            self._wait_for_app()

    def _hand_on(self, messages: list[Message]) -> None:
        """To the app, unless it lends the terminal meanwhile."""
        for number, message in enumerate(messages):
            if self._lent:
                self._unheard = messages[number:]
                return
            self.process_message(message)
            if isinstance(message, Key):
                self._wait_for_key()
        self._unheard = []

    def lend(self) -> None:
        """Leave the terminal to others until `resume_application_mode`. What is typed meanwhile waits there."""
        self._lent = True
        self.suspend_application_mode()
        self._away = True

    def resume_application_mode(self) -> None:
        """Take the terminal again. Nothing was drawn meanwhile."""
        self._was_lent, self._lent, self._away = self._lent, False, False
        super().resume_application_mode()

    def disable_input(self) -> None:
        """Hear no keys. Those of a terminal that is lent are not thrown away, as Textual does."""
        if not self._lent:
            super().disable_input()
            return
        signal.signal(signal.SIGWINCH, signal.SIG_DFL)
        self._disable_mouse_support()
        self.exit_event.set()
        if self._key_thread is not None:
            self._key_thread.join()
        self.exit_event.clear()

    def write(self, data: str) -> None:
        """Nothing, where the terminal is lent."""
        if not self._away:
            super().write(data)

    def stop_application_mode(self) -> None:
        """Leave the terminal, and only then let it echo: what is typed meanwhile would come into the midst of a frame
        that is still written."""
        attributes, self.attrs_before = self.attrs_before, None  # Textual's would be first to go back
        super().stop_application_mode()
        self.close()  # once all is written
        self.attrs_before = attributes
        if attributes is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSADRAIN, attributes)

    def retake(self) -> None:
        """Enter a terminal that others may have had meanwhile once more, and never let it echo in between."""
        attributes, self.attrs_before = self.attrs_before, None
        self.suspend_application_mode()
        self.resume_application_mode()
        self.attrs_before = attributes

    def _hear(self, terminal: TerminalInput, data: bytes) -> list[Message]:
        now = time.monotonic()
        messages = [*terminal.tick(now), *(terminal.feed(data, now) if data else [])]
        messages, left_out = thin_flood(messages, len(data))
        if left_out and not self._flooded:
            self._flooded = True
            self._tell(f"more keys came at once than anybody types: {left_out:,} were left out")
        return messages

    def _read(self) -> bytes | None:
        """What was typed, None where nothing was for a moment."""
        ready, _, _ = select.select([self.fileno], [], [], _POLL)
        return os.read(self.fileno, _READ) if ready else None

    def _wait_for_key(self) -> None:
        """Until what a key opens is there, and has the focus: Textual does what a key is bound to behind letters that
        came after it, and gives the letters to what had the focus before."""
        done, deadline = threading.Event(), time.monotonic() + _LONGEST_KEY
        self.send_message(KeyEnd(done.set))
        while not self.exit_event.is_set() and not done.wait(_POLL) and time.monotonic() < deadline:
            pass

    def _wait_for_app(self) -> None:
        """What is not read yet waits in the terminal: a flood shall not grow in memory, where no key gets past it."""
        taken = threading.Event()
        self._loop.call_soon_threadsafe(taken.set)
        while not self.exit_event.is_set() and not taken.wait(_POLL):
            pass
        while self._app.message_queue_size > _MOST_WAITING and not self.exit_event.wait(_POLL):
            pass

    def _tell(self, text: str) -> None:
        self.send_message(TerminalTrouble(text))


class _Outlet:
    """The terminal to write to. What is written once it is gone is dropped: Textual's thread would end at the error,
    and the app, on its way out, wait for ever for somebody to take what it still says."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.fileno = file.fileno

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._file.flush()


class HarmlessLines(LineFilter):
    """The last thing that happens to a line before it goes to the terminal. Widgets that show what is typed or pasted
    show it raw, and so would a panel that forgot to make its text `visible`."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if all(segment.text.isprintable() for segment in segments):
            return segments
        return [
            Segment(harmless(text, get_character_cell_size), style, control) if not control else segment
            for segment in segments
            for text, style, control in (segment,)
        ]


class CrashConsole(Console):
    """Where Textual prints the traceback of a bug: with its locals, which hold text of the model."""

    def __init__(self) -> None:
        self._error = _Harmless()
        super().__init__(file=self._error, color_system=None, markup=False, highlight=False)

    @property
    def used(self) -> bool:
        """The app was ended by a bug. Textual keeps that to itself for some of the ways in which it can be."""
        return self._error.used


class _Harmless(io.StringIO):
    """Hands text on to the terminal, without what a terminal would obey."""

    used = False

    def write(self, text: str) -> int:
        self.used = True
        if sys.__stderr__ is not None:
            sys.__stderr__.write(visible(text, keep="\n"))
        return len(text)
