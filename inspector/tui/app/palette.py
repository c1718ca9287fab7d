"""The command palette: every command of `COMMANDS`, by its label."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

from textual.await_complete import AwaitComplete
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider

from ..keys import COMMANDS, Command, perform
from ..screens.help import keys_of
from ..screens.layer import uncover

_NOT_LISTED = frozenset({"palette", "leave"})


class InspectorPalette(CommandPalette):
    """Textual's own, which a second enter before the first one is done would end the app through."""

    def dismiss(self, result: None = None) -> AwaitComplete:
        return super().dismiss(result) if uncover(self) else AwaitComplete()


class InspectorCommands(Provider):
    """Labels are ours, never text from a model."""

    async def discover(self) -> AsyncIterator[DiscoveryHit]:
        for command in list_palette_commands():
            yield DiscoveryHit(command.label, self._call(command), help=_keys(command))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in list_palette_commands():
            score = matcher.match(command.label)
            if score > 0:
                yield Hit(score, matcher.highlight(command.label), self._call(command), help=_keys(command))

    def _call(self, command: Command) -> Callable[[], object]:
        return partial(self.app.call_later, self.app.run_action, perform(command.id))


def list_palette_commands() -> list[Command]:
    """The commands that make sense without a cursor in a pane."""
    return [c for c in COMMANDS if c.context != "move" and c.id not in _NOT_LISTED]


def _keys(command: Command) -> str:
    return keys_of(command).replace("[", "\\[")
