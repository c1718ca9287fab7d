"""The box for one line of text, in every form and prompt."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.events import Paste
from textual.suggester import Suggester
from textual.widgets import Input

from .keys import bindings, key, key_like

LONGEST = 4_096
"""Characters: more than any path, and few enough to be laid out anew at every key."""


class LineBox(Input):
    """Textual's, of a bounded length. Of a paste it takes the first line, as far as there is room."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("line"),
        key_like("accept", "submit"),
        key("ctrl+b", "cursor_left"),
        key("ctrl+f", "cursor_right"),
        key("alt+b", "cursor_left_word"),
        key("alt+f", "cursor_right_word"),
        key("alt+d", "delete_right_word"),
        key("alt+backspace,ctrl+backspace", "delete_left_word"),
    ]
    """Those of a shell's line, beside Textual's."""

    def __init__(
        self,
        value: str = "",
        placeholder: str = "",
        *,
        suggester: Suggester | None = None,
        select_on_focus: bool = True,
        id: str | None = None,
    ) -> None:
        super().__init__(
            value, placeholder, suggester=suggester, compact=True, select_on_focus=select_on_focus, id=id,
            max_length=max(LONGEST, len(value)),
        )  # fmt: skip

    def action_clear_line(self) -> None:
        """All of it, as a terminal does, wherever the cursor is."""
        self.clear()

    def restricted(self) -> None:
        """A full line takes no more. Textual rings for each key, of which hundreds may wait."""

    def on_paste(self, event: Paste) -> None:
        """Before the base class's handler, which refuses all of what is too long."""
        line = next(iter(event.text.splitlines()), "")
        start, end = self.selection
        room = (self.max_length or LONGEST) - len(self.value) + abs(end - start)
        event.text = line[: max(room, 0)]
        if len(line) > room:
            self.app.notify(f"a line has at most {LONGEST:,} characters, the rest is left out", markup=False)
