"""The one line at the bottom: the most important keys, made from `COMMANDS`. None is ever clipped."""

from __future__ import annotations

from collections.abc import Set

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from ..keys import COMMANDS, Command, Context, perform

ALWAYS = 2
"""Ranks of those that stand before the keys of the pane."""
GAP = "  "
_ALWAYS = ("general.", "workbench.", "panels.")
"""Owners of what works while a pass stands still, too."""


class KeyBar(Widget):
    """As many labels as fit, the lowest ranks first. A label does the same when it is clicked."""

    DEFAULT_CSS = """
    KeyBar { height: 1; padding: 0 1; }
    """

    context: reactive[Context | None] = reactive(None)
    """Whose keys work in the pane that has the keyboard."""

    idle: reactive[frozenset[str]] = reactive(frozenset())
    """Those of them that do nothing now, by id."""

    note: reactive[str] = reactive("")
    """What stands at the right end: which match of a search it is."""

    def render(self) -> Content:
        keys = Content(GAP).join([_label(command) for command in self._labels()])
        gap = " " * max(self.size.width - keys.cell_length - cell_len(self.note), 0)
        return Content.assemble(keys, gap, self.note) if self.note else keys

    def _labels(self) -> list[Command]:
        room = cell_len(GAP + self.note) if self.note else 0
        return fitting_labels(self.size.width - room, self.context, self.idle)

    async def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        labels = self._labels()
        command = None if offset is None else command_at(labels, offset.x)
        if command is not None:
            await self.run_action(perform(command.id))


def fitting_labels(width: int, context: Context | None = None, idle: Set[str] = frozenset()) -> list[Command]:
    """The commands whose labels fit into `width` cells: how to get help and out, the pane's own without those that are
    `idle`, the others by rank."""
    kept: list[Command] = []
    for command in (each for each in _rank(context) if each.id not in idle):
        if _width([*kept, command]) > width:
            break
        kept.append(command)
    return kept


def _rank(context: Context | None) -> list[Command]:
    """Those that work now: a key of the pane takes the place of the app's."""
    own = [c for c in COMMANDS if c.footer and c.keys and c.context == context != "app"]
    taken = {key for c in own for key in c.keys.split(",")}
    app = (c for c in COMMANDS if c.footer and c.context == "app" and c.keys and taken.isdisjoint(c.keys.split(",")))
    ranked = sorted((c for c in app if context != "stopped" or c.action.startswith(_ALWAYS)), key=lambda c: c.rank)
    always = [c for c in ranked if c.rank < ALWAYS]
    return [*always, *sorted(own, key=lambda c: c.rank), *ranked[len(always) :]]


def command_at(commands: list[Command], x: int) -> Command | None:
    """The command whose label covers column `x`."""
    return next((c for n, c in enumerate(commands) if 0 <= _width(commands[: n + 1]) - x <= _width([c])), None)


def _width(commands: list[Command]) -> int:
    return sum(cell_len(f"{c.key_shown} {c.footer}") for c in commands) + len(GAP) * (len(commands) - 1)


def _label(command: Command) -> Content:
    return Content.assemble((command.key_shown, "bold $text-primary"), (f" {command.footer}", "$foreground-muted"))
