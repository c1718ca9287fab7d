"""The list of every layer that has one."""

from __future__ import annotations

from textual.widgets import OptionList


class Options(OptionList):
    """Textual's list, which pages in a window that has no room for a line of it as well: there a page is one line."""

    def action_page_up(self) -> None:
        if self._has_room():
            super().action_page_up()  # type: ignore[no-untyped-call]
        else:
            self.action_cursor_up()

    def action_page_down(self) -> None:
        if self._has_room():
            super().action_page_down()  # type: ignore[no-untyped-call]
        else:
            self.action_cursor_down()

    def _has_room(self) -> bool:
        return all(self.scrollable_content_region.size)
