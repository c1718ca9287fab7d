"""What every layer has: a frame in the middle, and a way out by `q` and by escape."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar, TypeVar

from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.screen import ModalScreen, Screen

from ..after import after
from ..backdrop import SteadyScreen
from ..keys import bind_own, bind_to_app, perform

Result = TypeVar("Result")
SOON = 0.01
"""Seconds. A message to itself would be read at once, and again: what lies over it would never get its turn."""
FORM = "form"
"""The group of what asks the engine and then opens a layer, or is done with it."""


def may_leave(screen: Screen[Result], again: Callable[[], object]) -> bool:
    """Whether `screen` can be dismissed now. What lies over it is taken away first.

    Textual takes away whatever is on top, for every time it is asked. But keys come faster than messages, and answers
    of the engine when they like: a layer may be asked twice, while another one lies over it, or before it is mounted,
    and what it does when that has happened would fail. Then `again` is called a little later.
    """
    if not screen.is_attached or screen not in screen.app.screen_stack:
        return False
    for layer in reversed(screen.app.screen_stack[screen.app.screen_stack.index(screen) + 1 :]):
        layer.dismiss()
    if screen.is_mounted and screen is screen.app.screen:
        return True
    after(SOON, screen, partial(_call, again))
    return False


def _call(again: Callable[[], object]) -> None:
    """Textual would wait for what a callback returns."""
    again()


class Layer(SteadyScreen[Result], ModalScreen[Result]):
    """A modal screen whose one child has the id "layer". Escape alone is not enough: tmux delays it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bind_own("quit", "leave", "interrupt"), *bind_to_app("help", "redraw")]

    is_read: ClassVar[bool] = False
    """It asks nothing and is read in peace: what the app asks by itself comes after it."""

    help_page: str = ""
    """The title of its page of help, one of `layer_pages.LAYER_PAGES`."""

    DEFAULT_CSS = """
    Layer { align: center middle; background: $background 50%; }
    Layer > #layer {
        width: 90%; max-width: 100; height: auto; max-height: 90%;
        border: round $border; border-title-color: $text-primary; border-subtitle-color: $text-muted;
        background: $background; padding: 0 1;
    }
    .-ascii Layer > #layer, Layer.-ascii > #layer { border: ascii $border; }
    """

    @property
    def is_shown(self) -> bool:
        """It is there with all that is in it, maybe below another one, and nobody has left it: answers of the engine
        come whenever they like."""
        return self.is_attached and self.is_mounted and self in self.app.screen_stack

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        again = partial(self.dismiss, result)
        return super().dismiss(result) if may_leave(self, again) else AwaitComplete()

    def action_close(self) -> None:
        self.dismiss(None)

    def action_leave(self) -> None:
        self.dismiss(None)

    async def action_interrupt(self) -> None:
        await self.run_action(perform("interrupt"))

    def reload(self) -> None:
        """The model's hooks were changed, or have fired: what is listed of them may be old."""
