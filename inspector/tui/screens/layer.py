"""What every layer has: a frame in the middle, and a way out by `q` and by escape."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.screen import ModalScreen, Screen

from ..keys import bind_own, perform

Result = TypeVar("Result")


def uncover(screen: Screen[Result]) -> bool:
    """Take away what lies over `screen`, before it is dismissed. Returns whether `screen` is there at all.

    Textual takes away whatever is on top, for every time it is asked. But keys come faster than messages, and answers
    of the engine when they like: a layer may be asked twice, or while another one lies over it.
    """
    if not screen.is_attached or screen not in screen.app.screen_stack:
        return False
    while screen.app.screen is not screen:
        screen.app.screen.dismiss()
    return True


class Layer(ModalScreen[Result]):
    """A modal screen whose one child has the id "layer". Escape alone is not enough: tmux delays it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bind_own("quit", "leave", "interrupt")]

    DEFAULT_CSS = """
    Layer { align: center middle; background: $background 50%; }
    Layer > #layer {
        width: 90%; max-width: 100; height: auto; max-height: 90%;
        border: round $border; border-title-color: $text-primary; border-subtitle-color: $text-muted;
        background: $background; padding: 0 1;
    }
    .-ascii Layer > #layer, Layer.-ascii > #layer { border: ascii $border; }
    """

    def dismiss(self, result: Result | None = None) -> AwaitComplete:
        return super().dismiss(result) if uncover(self) else AwaitComplete()

    def action_close(self) -> None:
        self.dismiss(None)

    def action_leave(self) -> None:
        self.dismiss(None)

    async def action_interrupt(self) -> None:
        await self.run_action(perform("interrupt"))

    def reload(self) -> None:
        """The model's hooks were changed, or have fired: what is listed of them may be old."""
