"""A scroll bar that can be drawn at any moment, also while what it belongs to changes its size."""

from __future__ import annotations

from rich.color import Color
from rich.segment import Segments
from textual.scrollbar import ScrollBarRender

_BACK, _BAR = Color.parse("#555555"), Color.parse("bright_magenta")  # as Textual has them, for who gives none


class AnyScrollBar(ScrollBarRender):
    """Without a thumb where all of it is in sight: Textual divides by what is not, and asks only whether the bar itself
    is as long, which for a moment it need not be."""

    @classmethod
    def render_bar(
        cls,
        size: int = 25,
        virtual_size: float = 50,
        window_size: float = 20,
        position: float = 0,
        thickness: int = 1,
        vertical: bool = True,
        back_color: Color = _BACK,
        bar_color: Color = _BAR,
    ) -> Segments:
        most = virtual_size - window_size
        virtual_size, position = (virtual_size, min(position, most)) if most > 0 else (0, 0)
        return super().render_bar(size, virtual_size, window_size, position, thickness, vertical, back_color, bar_color)
