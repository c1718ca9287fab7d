"""A box whose words tab goes on with, as far as all that they may become agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from ..text import visible
from .keys import bindings
from .line_box import LineBox

NAMES = 12
"""Shown to choose from."""

Complete = Callable[[str], tuple[str, ...]]
"""Gives what a text up to the cursor may go on to, each as a whole."""


class CompletingBox(LineBox):
    """Where there is nothing to go on to, tab leads to the next box.

    Args:
        complete: What there is.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("file")]

    class Completed(Message):
        """These there are; with one or none there is nothing to choose."""

        def __init__(self, begun: str, names: tuple[str, ...]) -> None:
            self.begun = begun
            self.names = names
            super().__init__()

    def __init__(
        self,
        value: str = "",
        placeholder: str = "",
        *,
        complete: Complete,
        select_on_focus: bool = True,
        id: str | None = None,
    ) -> None:
        super().__init__(value, placeholder, select_on_focus=select_on_focus, id=id)
        self._complete = complete

    def action_complete(self) -> None:
        begun = self.value[: self.cursor_position]
        names = self._complete(begun)
        agreed = find_common_start(names) if names else begun
        if len(agreed) > len(begun):
            self._replace_all(agreed)
        if names and names != (begun,):
            self.post_message(self.Completed(begun, names))
        else:
            self.leave(begun)

    def leave(self, begun: str) -> None:
        """There is nothing to go on to."""
        self.screen.focus_next()

    def _replace_all(self, text: str) -> None:
        """What stood behind the cursor was the end of another name."""
        self.value = text
        self.cursor_position = len(text)


def find_common_start(names: tuple[str, ...]) -> str:
    """As far as all of them agree."""
    first, last = min(names), max(names)
    differ = (number for number, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(differ, len(first))]


def list_choices(event: CompletingBox.Completed, within: str) -> str:
    """Those to choose from in one line, each without what is `within` its beginning; "" where there is no choice."""
    names = [visible(name.removeprefix(within)) for name in event.names]
    more = f"  and {len(names) - NAMES:,} more" if len(names) > NAMES else ""
    return "  ".join(names[:NAMES]) + more if len(names) > 1 else ""
