"""Every key and every mark, from the one place where each is declared."""

from __future__ import annotations

import textwrap
from functools import partial
from itertools import groupby
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from ...gradients import MEANINGS
from ..bars.tabs import TAB_MARKS
from ..format import MARKS, ascii_only
from ..key_names import print_key
from ..keys import COMMANDS, Command, bindings, key_of
from .layer import Layer

_KEY_COLUMN = 12
_FRAME = 5  # cells beside the text: its border, its padding and the scrollbar
_SHAPES = {
    "28²": "two equal dimensions at the end of a shape: 28×28",
    "2×10 +4": "of several tensors the first one's shape, and how many more there are",
}
_REMARKS = {
    "General": "inspector config --edit gives commands other keys.",
    "Panels": "In the tree too, for the panel that shows, where the key is free.",
}


class Help(Layer[None]):
    """Scrolls like every other pane."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("move"), *(b for b in bindings("app") if b.id == "help")]

    DEFAULT_CSS = """
    Help > #layer { scrollbar-size-vertical: 1; }
    """

    def __init__(self, ascii: bool = False) -> None:
        super().__init__()
        self._ascii = ascii

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="layer") as frame:
            frame.border_title = "Help"
            frame.border_subtitle = f"{key_of('quit')} closes"
            yield Static(self._write(), id="words")

    def on_resize(self) -> None:
        """It is as wide as the window lets it be."""
        self.query_one("#words", Static).update(self._write())

    def _write(self) -> Content:
        return help_text(self._ascii, min(self.app.size.width * 9 // 10, 100) - _FRAME)

    def action_help(self) -> None:
        self.dismiss(None)

    def action_move(self, delta: int) -> None:
        self._pane.scroll_relative(y=delta, animate=False)

    def action_half_page(self, delta: int) -> None:
        self.action_move(delta * max(self._pane.size.height // 2, 1))

    def action_page(self, delta: int) -> None:
        self.action_move(delta * max(self._pane.size.height - 1, 1))

    def action_to_start(self) -> None:
        self._pane.scroll_home(animate=False)

    def action_to_end(self) -> None:
        self._pane.scroll_end(animate=False)

    @property
    def _pane(self) -> VerticalScroll:
        return self.query_one(VerticalScroll)


def help_text(ascii: bool = False, width: int = 1_000) -> Content:
    """All groups in the order of their declaration, then the marks and what gradients are called; no line longer than
    `width` cells."""
    row = partial(_row, width)
    parts: list[Content] = []
    for group, commands in groupby(_list_commands(), key=lambda c: c.group):
        parts.append(Content.styled(group, "bold $text-primary"))
        parts.extend(row(keys_of(command, ascii) or "-", command.label) for command in commands)
        parts.extend(_remark(width, remark) for g, remark in _REMARKS.items() if g == group)
        parts.append(Content(""))
    parts.append(Content.styled("Marks in the tree", "bold $text-primary"))
    parts.extend(row(mark.ascii if ascii else mark.sign, mark.meaning) for mark in MARKS)
    parts += [Content(""), Content.styled("Shapes in the tree", "bold $text-primary")]
    parts.extend(row(*_in(ascii, shape, meaning)) for shape, meaning in _SHAPES.items())
    parts += [Content(""), Content.styled("On the tabs", "bold $text-primary")]
    parts.extend(row(mark.ascii if ascii else mark.sign, mark.meaning) for mark in TAB_MARKS)
    parts += [Content(""), Content.styled("Gradients are called", "bold $text-primary")]
    parts.extend(row(name, meaning) for name, meaning in MEANINGS.items())
    return Content("\n").join(parts)


def _in(ascii: bool, *texts: str) -> list[str]:
    """The texts as the tree writes them."""
    return [ascii_only(text.replace("²", "^2")) if ascii else text for text in texts]


def keys_of(command: Command, ascii: bool = False) -> str:
    """All keys of a command as they are printed on a keyboard."""
    return " ".join(print_key(key, ascii) for key in command.keys.split(","))


def _list_commands() -> list[Command]:
    """Commands one below the other by group; the panel numbers are one line."""
    numbers = [c for c in COMMANDS if c.id.startswith("panel-") and c.id[6:].isdigit()]
    listed = [c for c in COMMANDS if c not in numbers[1:]]
    order = list(dict.fromkeys(c.group for c in listed))
    return sorted(listed, key=lambda c: order.index(c.group))


def _row(width: int, keys: str, meaning: str) -> Content:
    if keys == "1":
        keys, meaning = "1 … 9", "Panel with this number"
    gap = " " * max(_KEY_COLUMN - cell_len(keys), 1)
    before = cell_len(keys + gap) + 2
    said = textwrap.wrap(meaning, max(width - before, 20))
    return Content.assemble((f"  {keys}", "bold"), gap, f"\n{' ' * before}".join(said))


def _remark(width: int, words: str) -> Content:
    indent = "  "
    said = textwrap.fill(words, max(width, 20), initial_indent=indent, subsequent_indent=indent)
    return Content.styled(said, "$foreground-muted")
