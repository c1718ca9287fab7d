"""The list of every layer that has one."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.events import Click
from textual.widgets import OptionList

from ..keys import find_command, key_like, key_of

EMPTIES = f": {key_of('clear-line')} empties the line" * bool(find_command("clear-line").keys)
"""What to do where nothing matches what was typed."""


class Options(OptionList):
    """Textual's list, which pages in a window that has no room for two lines as well: there a page is one line."""

    BINDINGS: ClassVar[list[BindingType]] = [key_like("accept", "select")]

    async def _on_click(self, event: Click) -> None:
        """A click on what was painted before the list got shorter is on nothing; Textual would look it up."""
        if event.style.meta.get("option", 0) >= self.option_count:
            event.prevent_default()

    def action_page_up(self) -> None:
        at = self.highlighted
        if self._has_room():
            super().action_page_up()  # type: ignore[no-untyped-call]
        if at is not None and self.highlighted == at:
            self._go_to_first(range(at - 1, -1, -1))

    def action_page_down(self) -> None:
        at = self.highlighted
        if self._has_room():
            super().action_page_down()  # type: ignore[no-untyped-call]
        if at is None or self.highlighted == at:
            self._go_to_first(range(0 if at is None else at + 1, self.option_count))

    def _go_to_first(self, places: range) -> None:
        """The first of these that can be chosen, if any can."""
        self.highlighted = next((n for n in places if not self.get_option_at_index(n).disabled), self.highlighted)

    def _has_room(self) -> bool:
        return all(self.scrollable_content_region.size)
