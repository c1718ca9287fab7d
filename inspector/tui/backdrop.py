"""What is seen behind the widgets of a screen."""

from __future__ import annotations

from typing import Any, cast

from rich.console import RenderableType
from textual.renderables.background_screen import BackgroundScreen
from textual.renderables.blank import Blank
from textual.screen import Screen


def render_backdrop(screen: Screen[Any]) -> RenderableType:
    """The screen below, where there is one and it shows through; else the background.

    Textual takes the one below that which is on top, also where `screen` lies further down and somebody asks what is
    at a place of it: that one is kept, and two that are drawn into each other end the app.
    """
    stack, background = screen.app.screen_stack, screen.styles.background
    below = stack[: stack.index(screen)] if screen in stack else []
    if below and background.a < 1:
        return BackgroundScreen(below[-1], background)
    blank = Blank(screen.app.styles.background if background.is_transparent else background)
    return cast(RenderableType, blank)  # so Textual types it, which makes a visual of it
