"""The one line at the bottom: the most important keys, made from `COMMANDS`. None is ever clipped."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.widget import Widget

from ..keys import COMMANDS, Command, perform

MOST = 7
GAP = "  "


class KeyBar(Widget):
    """As many labels as fit, the lowest ranks first. A label does the same when it is clicked."""

    DEFAULT_CSS = """
    KeyBar { height: 1; padding: 0 1; }
    """

    def render(self) -> Content:
        labels = fitting_labels(self.size.width)
        return Content(GAP).join([_label(command) for command in labels])

    async def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        command = None if offset is None else command_at(fitting_labels(self.size.width), offset.x)
        if command is not None:
            await self.run_action(perform(command.id))


def fitting_labels(width: int) -> list[Command]:
    """The commands whose labels fit into `width` cells, by rank."""
    kept: list[Command] = []
    for command in sorted((c for c in COMMANDS if c.footer and c.keys), key=lambda c: c.rank)[:MOST]:
        if _width([*kept, command]) > width:
            break
        kept.append(command)
    return kept


def command_at(commands: list[Command], x: int) -> Command | None:
    """The command whose label covers column `x`."""
    return next((c for n, c in enumerate(commands) if 0 <= _width(commands[: n + 1]) - x <= _width([c])), None)


def _width(commands: list[Command]) -> int:
    return sum(cell_len(f"{c.key_shown} {c.footer}") for c in commands) + len(GAP) * (len(commands) - 1)


def _label(command: Command) -> Content:
    return Content.assemble((command.key_shown, "bold $text-primary"), (f" {command.footer}", "$foreground-muted"))
