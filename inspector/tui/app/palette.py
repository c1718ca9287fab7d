"""The command palette: every command of `COMMANDS`, by its label."""

from __future__ import annotations

from ...records import Choice
from ..keys import COMMANDS, Command
from ..screens.help import keys_of
from ..screens.picker import Picker

_NOT_LISTED = frozenset({"palette", "leave"})


class Palette(Picker):
    """Gives the label of the command to do. Labels are ours, never text from a model."""

    VERB = "Do"
    NAME_ENDS = False

    def __init__(self, ascii: bool = False) -> None:
        super().__init__("Commands", [Choice(c.label, keys_of(c, ascii)) for c in list_palette_commands()])


def list_palette_commands() -> list[Command]:
    """The commands that make sense without a cursor in a pane."""
    return [c for c in COMMANDS if c.context not in ("move", "line", "file") and c.id not in _NOT_LISTED]


def find_listed(label: str) -> Command:
    """The command that the palette lists under this label."""
    return next(command for command in list_palette_commands() if command.label == label)
