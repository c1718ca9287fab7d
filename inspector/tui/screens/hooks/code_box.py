"""The code of a Python hook: looked at, typed here, or handed to the person's editor."""

from __future__ import annotations

import contextlib
import re
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.widgets import TextArea
from textual.widgets.text_area import LanguageDoesNotExist

from ....torch_names import complete_torch
from ...completing_box import find_common_start
from ...keys import key_like, list_hints
from .jobs import Edit

CODE_ROWS = 9
LONGEST = 20_000  # characters: what is laid out anew at every key
LOOKING = list_hints({"change-hook": "Type here", "edit": "$EDITOR"}, "  ")
TYPING = "esc Done  tab Indent, or complete F. and torch."

_BEGUN = re.compile(r"(?<![\w.])(?:F|torch)\.[\w.]*$")


class CodeBox(TextArea):
    """Typed into after a key only, so that the keys of the form work until then.

    Args:
        code: To start from.
        edit: Opens the person's editor.
    """

    BINDINGS: ClassVar[list[BindingType]] = [key_like("change-hook", "type"), key_like("edit", "edit")]

    DEFAULT_CSS = """
    CodeBox {
        height: 9; padding: 0; border: round $foreground-muted; background: $background;
        border-subtitle-color: $text-muted; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0;
    }
    CodeBox:focus { border: round $border; }
    CodeBox .text-area--gutter, CodeBox .text-area--cursor-gutter { color: $foreground-muted; }
    .-ascii CodeBox, .-ascii CodeBox:focus { border: ascii $border; }
    """

    def __init__(self, code: str, edit: Edit) -> None:
        super().__init__(code, soft_wrap=False, show_line_numbers=True, tab_behavior="indent", read_only=True)
        self._edit = edit
        with contextlib.suppress(LanguageDoesNotExist):  # the colours come from a package that few have
            self.language = "python"
        self.border_subtitle = LOOKING

    def action_type(self) -> None:
        self.read_only = False
        self.border_subtitle = TYPING

    def action_edit(self) -> None:
        """The box keeps what it has where the editor could not be started."""
        edited = self._edit(self.text, self.cursor_location[0] + 1)
        if edited is not None:
            self.load_text(edited)

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape" and not self.read_only:
            event.stop()
            event.prevent_default()  # the base class would leave the box
            self.read_only = True
            self.border_subtitle = LOOKING
        elif not self.read_only:
            self.border_subtitle = TYPING
            if event.key == "tab" and self._complete():
                event.stop()
                event.prevent_default()  # the base class would indent

    def _complete(self) -> bool:
        """Go on with a name of torch's in front of the cursor, and say what there is to choose from."""
        row, column = self.cursor_location
        begun = _BEGUN.search(self.document.get_line(row)[:column])
        names = complete_torch(begun[0]) if begun else ()
        if begun and names:
            self.insert(find_common_start(names)[len(begun[0]) :])
            within = begun[0].rpartition(".")[0] + "."
            self.border_subtitle = _list_fitting([name.removeprefix(within) for name in names], self.size.width - 12)
        return bool(names)

    def on_paste(self, event: events.Paste) -> None:
        """Before the base class's handler, which takes any amount."""
        room = max(LONGEST - len(self.text) + len(self.selected_text), 0)
        if len(event.text) > room and not self.read_only:
            event.text = event.text[:room]
            self.app.notify(f"{LONGEST:,} characters fit here, the rest is left out", markup=False)

    def action_cursor_up(self, select: bool = False) -> None:
        """While nothing is typed, the lines are fields among the others."""
        if self.read_only and self.cursor_at_first_line:
            self.screen.focus_previous()
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        if self.read_only and self.cursor_at_last_line:
            self.screen.focus_next()
        else:
            super().action_cursor_down(select)

    def show_line(self, number: int) -> None:
        """Put the cursor on this line, counted from 1."""
        self.cursor_location = min(max(number, 1), self.document.line_count) - 1, 0


def _list_fitting(names: list[str], width: int) -> str:
    """As many of them as there is room for; of one alone there is nothing to choose."""
    if len(names) == 1:
        return TYPING
    shown = names
    while len("  ".join(shown)) > width:
        shown = shown[:-1]
    return "  ".join(shown) + (f" and {len(names) - len(shown)} more" if len(shown) < len(names) else "")
