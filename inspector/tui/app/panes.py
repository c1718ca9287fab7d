"""The two panes, side by side or on each other, and the split between them."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

LEAST = 16
"""Cells that a pane keeps when the split is moved; where the panes lie on each other, half as many lines."""


class Panes(Container):
    """Moves the split, by cells and by the mouse: the borders that meet there can be dragged."""

    def __init__(self, first: Widget, second: Widget, *, id: str) -> None:
        super().__init__(id=id)
        self._first = first
        self._second = second
        self._extent: int | None = None  # cells of the first pane, where it is not as the style sheet has it
        self._before = 0  # what it has by the style sheet
        self._grip: int | None = None  # while it is dragged: how far from the split it was taken hold of
        self._is_portrait = False

    def compose(self) -> ComposeResult:
        yield self._first
        yield self._second

    @property
    def split(self) -> int:
        """Cells by which the first pane is wider, or higher, than the style sheet has it."""
        return 0 if self._extent is None else self._extent - self._before

    def move(self, cells: int) -> None:
        """Make the first pane wider, or higher where the panes lie on each other, by `cells`."""
        now = self._first_extent
        if cells and now:
            self._give(now + cells)

    def set_percent(self, percent: int) -> None:
        """Give the first pane this part of the width, where the panes lie side by side; 0 leaves it as it is."""
        if percent and not self._is_portrait:
            self.move(self.size.width * percent // 100 - self._first_extent)

    @property
    def _first_extent(self) -> int:
        """Cells that it has, or will have as soon as it is laid out."""
        size = self._first.outer_size
        return self._extent or (size.height if self._is_portrait else size.width)

    def _give(self, wanted: int) -> None:
        if self._extent is None:
            self._before = self._first_extent
        least, whole = (LEAST // 2, self.size.height) if self._is_portrait else (LEAST, self.size.width)
        self._extent = max(min(wanted, whole - least), least)
        setattr(self._first.styles, "height" if self._is_portrait else "width", self._extent)

    def turn(self, is_portrait: bool) -> None:
        """The panes lie on each other now, or side by side: that direction starts from the style sheet."""
        if is_portrait != self._is_portrait:
            self._is_portrait = is_portrait
            self._extent = self._grip = None
            self._first.styles.width = self._first.styles.height = None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Whatever pane the event comes from."""
        place, split = self._place(event), self._place_of_split
        if self._first.is_on_screen and self._second.is_on_screen and place - split in (-1, 0):
            self._grip = place - split
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._grip is not None:
            origin = self._place_of_split - self._laid_out
            self._give(self._place(event) - self._grip - origin)

    def on_mouse_up(self) -> None:
        self.release_mouse()

    def on_mouse_release(self) -> None:
        self._grip = None

    def _place(self, event: events.MouseEvent) -> int:
        return int(event.screen_y if self._is_portrait else event.screen_x)

    @property
    def _place_of_split(self) -> int:
        """Where the second pane begins."""
        return self._second.region.y if self._is_portrait else self._second.region.x

    @property
    def _laid_out(self) -> int:
        region = self._first.region
        return region.height if self._is_portrait else region.width
