"""What the parts of the app may ask of Textual: notices, layers, workers, timers, and to leave."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, TypeVar

from textual.app import App
from textual.events import Key
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import AwaitMount

from ...client.job import has_shell, stops_by_default
from ..after import after
from ..keys import perform
from ..screens.layer import FORM, Layer
from .notices import Notices

Result = TypeVar("Result")


class Lending(Protocol):
    """Of the terminal, to the program that the app was opened by."""

    is_lent: bool

    def lend(self) -> None:
        """Until `take_back`."""

    def take_back(self) -> None:
        """Where it is lent."""


class Host:
    """The app as its parts see it. None of them knows the app itself. Without `lending` the terminal is no real one."""

    def __init__(self, app: App[None], notices: Notices) -> None:
        self.lending: Lending | None = None
        self._app = app
        self.notices = notices
        self._questions: list[Callable[[], object]] = []  # that wait for what is read to be over

    def tell(self, text: str, in_log: bool = False) -> None:
        """Say something for a moment, over whatever is shown. It goes into the Log unless it is `in_log` already."""
        self.notices.tell(text, in_log)

    def push(self, screen: Screen[Result], answered: Callable[[Result | None], None] | None = None) -> AwaitMount:
        """Lay a screen over what is shown; `answered` is told what it was dismissed with. Not in an app that leaves,
        where Textual would mount it without what is in it."""
        if self._app.return_code is not None:
            return AwaitMount(self._app.screen, ())
        return self._app.push_screen(screen, self._ask_after(answered) if is_read(screen) else answered)

    def ask(self, screen: Screen[Result], answered: Callable[[Result | None], None]) -> None:
        """Lay a question over what is shown that no key has opened; over what is read, once that is over."""
        if any(map(is_read, self._app.screen_stack)):
            self._questions.append(partial(self.push, screen, answered))
        else:
            self.push(screen, answered)

    def _ask_after(self, answered: Callable[[Result | None], None] | None) -> Callable[[Result | None], None]:
        """Hand on the answer, then ask what has waited."""

        def hand_on(result: Result | None) -> None:
            if answered is not None:
                answered(result)
            waiting, self._questions = self._questions, []
            for question in waiting:
                self._app.call_later(question)

        return hand_on

    def reload_layers(self) -> None:
        """What the layers list may be old."""
        for screen in self._app.screen_stack:
            if isinstance(screen, Layer):
                screen.reload()

    def spawn(self, work: Coroutine[Any, Any, None], group: str = "default", exclusive: bool = False) -> None:
        """Run this beside everything else; an exclusive one ends those of its group that still run."""
        self._app.run_worker(work, group=group, exclusive=exclusive)

    @property
    def is_between_screens(self) -> bool:
        """A screen is not there yet, or not gone: Textual mounts it, or the engine was asked for what it needs."""
        asked = any(worker.group == FORM and not worker.is_finished for worker in self._app.workers)
        return asked or not all(screen.is_mounted for screen in self._app.screen_stack)

    @property
    def has_layers(self) -> bool:
        """Something lies over the main screen, or will."""
        return self.is_between_screens or len(self._app.screen_stack) > 1

    @property
    def layer_page(self) -> str:
        """The title of the page of help on what lies over the main screen, "" with nothing there."""
        top = self._app.screen
        return top.help_page if isinstance(top, Layer) else ""

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        after(seconds, self._app, call)

    def every(self, seconds: float, call: Callable[[], object]) -> Timer:
        """A timer that is paused until it is resumed."""
        return self._app.set_interval(seconds, call, pause=True)

    def after_refresh(self, call: Callable[[], object]) -> None:
        self._app.call_after_refresh(call)

    def redraw(self) -> None:
        """Write all of the screen to the terminal again."""
        self._app.refresh(layout=True)

    def leave(self, exit_code: int) -> None:
        self._app.exit(return_code=exit_code)

    def type_key(self, key: Key) -> None:
        """As if it were typed now."""
        self._app.post_message(Key(key.key, key.character))

    def perform(self, id: str) -> None:
        """Do a command of `keys.COMMANDS`, as its key does."""
        self._app.call_later(self._app.run_action, perform(id))

    @property
    def themes(self) -> list[str]:
        """The names of all there are."""
        return sorted(self._app.available_themes)

    def set_theme(self, name: str) -> None:
        self._app.theme = name

    @property
    def selected_text(self) -> str:
        """What was selected with the mouse, "" for nothing."""
        return self._app.screen.get_selected_text() or ""

    def copy(self, text: str) -> None:
        """To the clipboard, as far as the terminal does that."""
        self._app.copy_to_clipboard(text)

    @contextmanager
    def suspend(self) -> Iterator[None]:
        """Give the terminal to another program. Raises `SuspendNotSupported` where there is none to give."""
        with self._app.suspend(), stops_by_default():  # whoever has the terminal stops the whole job
            yield

    def lend_terminal(self) -> None:
        """The program around goes on to where it stands still next."""
        if self.lending is not None:
            self.lending.lend()

    def take_terminal(self) -> None:
        """It stands still, or never went."""
        if self.lending is not None:
            self.lending.take_back()

    @property
    def is_lent(self) -> bool:
        """The terminal is the program's."""
        return self.lending is not None and self.lending.is_lent

    def stop_job(self) -> None:
        """Give the terminal back to the shell, until it lets this job go on."""
        if self._app.is_headless or not has_shell():
            self.tell("there is no shell to go back to")
        else:
            os.kill(os.getpid(), signal.SIGTSTP)


def is_read(screen: Screen[Any]) -> bool:
    """Whether it is a layer that asks nothing and is only read."""
    return isinstance(screen, Layer) and screen.is_read
