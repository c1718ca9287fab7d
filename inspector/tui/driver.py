"""The terminal as it is met in practice."""

from __future__ import annotations

import contextlib
import io
import sys

from rich.cells import get_character_cell_size
from rich.console import Console
from rich.segment import Segment
from textual.color import Color
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter

from ..text import harmless, visible


class SturdyDriver(LinuxDriver):
    """Textual's driver, which bytes that are not UTF-8 do not end: a tmux session that is attached again sends mouse
    reports in the X10 form."""

    def run_input_thread(self) -> None:
        while not self.exit_event.is_set():
            with contextlib.suppress(UnicodeDecodeError):  # what was read with them is lost, and nothing else
                super().run_input_thread()


class HarmlessLines(LineFilter):
    """The last thing that happens to a line before it goes to the terminal. Widgets that show what is typed or pasted
    show it raw, and so would a panel that forgot to make its text `visible`."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if all(segment.text.isprintable() for segment in segments):
            return segments
        return [
            Segment(harmless(text, get_character_cell_size), style, control) if not control else segment
            for segment in segments
            for text, style, control in (segment,)
        ]


def crash_console() -> Console:
    """Where Textual prints the traceback of a bug: with its locals, which hold text of the model."""
    return Console(file=_Harmless(), color_system=None, markup=False, highlight=False)


class _Harmless(io.StringIO):
    """Hands text on to the terminal, without what a terminal would obey."""

    def write(self, text: str) -> int:
        if sys.__stderr__ is not None:
            sys.__stderr__.write(visible(text, keep="\n"))
        return len(text)
