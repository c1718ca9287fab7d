"""What lies behind the widgets of a screen, and at a place of it."""

from __future__ import annotations

from typing import TypeVar, cast

from rich.console import RenderableType
from textual.geometry import Offset
from textual.renderables.background_screen import BackgroundScreen
from textual.renderables.blank import Blank
from textual.screen import Screen
from textual.widget import Widget

Result = TypeVar("Result")


class SteadyScreen(Screen[Result]):
    """A screen that can be drawn and clicked on at any moment, also while others open and close."""

    def render(self) -> RenderableType:
        """The screen below, where there is one and it shows through; else the background.

        Textual takes the one below that which is on top, also where this one lies further down and somebody asks what
        is at a place of it: that one is kept, and two that are drawn into each other end the app.
        """
        stack, background = self.app.screen_stack, self.styles.background
        below = stack[: stack.index(self)] if self in stack else []
        if below and background.a < 1:
            return BackgroundScreen(below[-1], background)
        blank = Blank(self.app.styles.background if background.is_transparent else background)
        return cast(RenderableType, blank)  # so Textual types it, which makes a visual of it

    def get_widget_and_offset_at(self, x: int, y: int) -> tuple[Widget | None, Offset | None]:
        """Nothing where it is a widget that was just taken away: Textual asks for what it lies in."""
        widget, offset = super().get_widget_and_offset_at(x, y)
        is_gone = widget is not None and widget.parent is None
        return (None, None) if is_gone else (widget, offset)
