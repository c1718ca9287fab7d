"""What the parts of the app may ask of Textual: notices, layers, workers, timers, and to leave."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from textual.app import App
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import AwaitMount

from ...text import visible
from ..screens.layer import Layer

Result = TypeVar("Result")

NOTICE_SECONDS = 4


class Host:
    """The app as its parts see it. None of them knows the app itself."""

    def __init__(self, app: App[None]) -> None:
        self._app = app

    def tell(self, text: str) -> None:
        """Say something for a moment, over whatever is shown."""
        self._app.notify(visible(text), timeout=NOTICE_SECONDS, markup=False)

    def push(self, screen: Screen[Result], answered: Callable[[Result | None], None] | None = None) -> AwaitMount:
        """Lay a screen over what is shown; `answered` is told what it was dismissed with."""
        return self._app.push_screen(screen, answered)

    def reload_layers(self) -> None:
        """What the layers list may be old."""
        for screen in self._app.screen_stack:
            if isinstance(screen, Layer):
                screen.reload()

    def spawn(self, work: Coroutine[Any, Any, None], group: str = "default", exclusive: bool = False) -> None:
        """Run this beside everything else; an exclusive one ends those of its group that still run."""
        self._app.run_worker(work, group=group, exclusive=exclusive)

    def later(self, seconds: float, call: Callable[[], object]) -> None:
        self._app.set_timer(seconds, call)

    def every(self, seconds: float, call: Callable[[], object]) -> Timer:
        """A timer that is paused until it is resumed."""
        return self._app.set_interval(seconds, call, pause=True)

    def after_refresh(self, call: Callable[[], object]) -> None:
        self._app.call_after_refresh(call)

    def leave(self, exit_code: int) -> None:
        self._app.exit(return_code=exit_code)

    def show_palette(self) -> None:
        from .palette import InspectorPalette  # the first frame does not wait for it

        if not isinstance(self._app.screen, InspectorPalette):
            self._app.push_screen(InspectorPalette(id="--command-palette"))

    @property
    def selected_text(self) -> str:
        """What was selected with the mouse, "" for nothing."""
        return self._app.screen.get_selected_text() or ""

    def copy(self, text: str) -> None:
        """To the clipboard, as far as the terminal does that."""
        self._app.copy_to_clipboard(text)

    def suspend(self) -> AbstractContextManager[None]:
        """Give the terminal to another program. Raises `SuspendNotSupported` where there is none to give."""
        return self._app.suspend()
