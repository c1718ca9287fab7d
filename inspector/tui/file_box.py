"""The box for the name of a file: it completes names, and an ending that is typed takes the place of the one there."""

from __future__ import annotations

import os
import re

from ..files import complete
from .completing_box import CompletingBox

_ENDING = re.compile(r"\.\w+")


class FileBox(CompletingBox):
    """Like a shell: tab stays where it is."""

    def __init__(self, value: str = "", placeholder: str = "", *, select_on_focus: bool = True) -> None:
        super().__init__(value, placeholder, complete=complete, select_on_focus=select_on_focus)

    def leave(self, begun: str) -> None:
        self.post_message(self.Completed(begun, self._complete(begun)))

    def insert_text_at_cursor(self, text: str) -> None:
        """Before an ending, a text with one of its own takes its place: the name is not to have two."""
        cursor = self.cursor_position
        if _ENDING.fullmatch(self.value[cursor:]) and "." in os.path.basename(text):
            self.delete(cursor, len(self.value))
        super().insert_text_at_cursor(text)
