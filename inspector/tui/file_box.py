"""The box for the name of a file: it completes names, and an ending that is typed takes the place of the one there."""

from __future__ import annotations

import os
import re
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from ..files import complete
from .keys import bindings
from .line_box import LineBox

_ENDING = re.compile(r"\.\w+")


class FileBox(LineBox):
    """Like a shell: tab goes on as far as all names agree."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("file")]

    class Completed(Message):
        """These names there are; with one or none there is nothing to choose."""

        def __init__(self, begun: str, names: tuple[str, ...]) -> None:
            self.begun = begun
            self.names = names
            super().__init__()

    def action_complete(self) -> None:
        begun = self.value[: self.cursor_position]
        names = complete(begun)
        agreed = _find_common_start(names) if names else begun
        if len(agreed) > len(begun):
            self._replace_all(agreed)
        self.post_message(self.Completed(begun, names))

    def _replace_all(self, text: str) -> None:
        """What stood behind the cursor was the end of another name."""
        self.value = text
        self.cursor_position = len(text)

    def insert_text_at_cursor(self, text: str) -> None:
        """Before an ending, a text with one of its own takes its place: the name is not to have two."""
        cursor = self.cursor_position
        if _ENDING.fullmatch(self.value[cursor:]) and "." in os.path.basename(text):
            self.delete(cursor, len(self.value))
        super().insert_text_at_cursor(text)


def _find_common_start(names: tuple[str, ...]) -> str:
    first, last = min(names), max(names)
    differ = (number for number, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(differ, len(first))]
