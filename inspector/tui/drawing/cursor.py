"""A view of lines with a cursor on what can be acted upon."""

from __future__ import annotations

from bisect import bisect_right

from textual import events, on

from .lines import LineView


class CursorView(LineView):
    """The cursor stands on one of the page's stops, and moves from stop to stop."""

    cursor: int = 0

    @property
    def stop(self) -> int | None:
        """The stop under the cursor, None where the page has none."""
        stops = self.page.stops
        return min(self.cursor, len(stops) - 1) if stops else None

    def style_line(self, line: int) -> str:
        if self.stop is None or line not in self.page.stops[self.stop]:
            return ""
        return "on $primary-muted" if self.has_focus else "on $surface"

    def go_to(self, stop: int) -> None:
        """Put the cursor there, or as near as there is a stop, and make it seen."""
        stops = self.page.stops
        if not stops:
            self.action_scroll_rows(stop - self.cursor)
            return
        self.cursor = min(max(stop, 0), len(stops) - 1)
        lines = stops[self.cursor]
        # Above the first stop there is only its heading, which is worth seeing.
        self.reveal(0 if self.cursor == 0 else lines.start, lines.stop - 1)
        self.refresh()

    def action_move(self, delta: int) -> None:
        self.go_to((self.stop or 0) + delta)

    def action_half_page(self, delta: int) -> None:
        self.go_to((self.stop or 0) + delta * self._stops_on_a_page() // 2)

    def action_page(self, delta: int) -> None:
        self.go_to((self.stop or 0) + delta * self._stops_on_a_page())

    def action_to_start(self) -> None:
        self.go_to(0)

    def action_to_end(self) -> None:
        self.go_to(len(self.page.stops) - 1)

    def _stops_on_a_page(self) -> int:
        rows = len(self.rows) // max(len(self.page.stops), 1)
        return max(self.body_height // max(rows, 1), 2)

    def on_click(self, event: events.Click) -> None:
        number = event.y + self.scroll_offset.y - len(self.head_rows)
        if 0 <= number < len(self.rows):
            line, stops = self.rows[number].line, self.page.stops
            at = bisect_right(stops, line, key=lambda stop: stop.start) - 1
            self.go_to(at if at >= 0 and line in stops[at] else self.cursor)

    @on(events.Focus)
    @on(events.Blur)
    def _draw_cursor(self) -> None:
        self.refresh()
