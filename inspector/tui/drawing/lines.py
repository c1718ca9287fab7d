"""A scrolling view of styled lines that costs what it shows: rows are drawn when they come into sight."""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from ..format import ascii_only
from ..keys import bindings
from .colours import Colours
from .search import Search, pattern_of
from .wrap import Line, ScreenRow, layout, rows_of

_END = sys.maxsize
"""The line after the last one, of a page that is not built yet."""


@dataclass
class Page:
    """What a view shows: `head` stands still at the top (at most half of the height), `lines` scroll below it."""

    lines: Sequence[Line] = ()
    head: Sequence[Line] = ()
    stops: Sequence[range] = ()  # lines that belong together, for a view with a cursor
    colours: Colours | None = None  # of `lines`, where these are source
    marked: int = -1  # the line that stands out, -1 for none


class LineView(ScrollView, can_focus=True):
    """Asks `build` for its page when it is on the screen and the page or the width changed, never otherwise."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("move")]

    DEFAULT_CSS = """
    LineView {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        background: transparent;
    }
    """

    def __init__(self, build: Callable[[int], Page]) -> None:
        """Show what `build` gives for a width in cells."""
        super().__init__()
        self._build = build
        self._width = 0
        self._stale = True
        self._target: int | None = None
        self._place = (0, 0)  # the line at the top and the first character there, as a person last had it
        self._filled = Size(0, 0)  # the size that the rows were laid out for; none while they are
        self._ended = True  # the last line was in sight, as a person last had it
        self._marked_in_sight = False
        self._search = Search()
        self.ascii = False
        self.follows = False  # stays at its end in another size
        self.page = Page()
        self.rows: Sequence[ScreenRow] = []
        self.head_rows: Sequence[ScreenRow] = []

    def renew(self, to: int | None = None) -> None:
        """The page changed. It stays scrolled where it is, or goes to line `to` (which is then near the top)."""
        self._stale = True
        self._target = to if to is not None else self._target
        if self.is_on_screen:
            self._fill()

    def changed_from(self, first: int) -> None:
        """The page's own list of lines has changed from line `first` on; cheaper than `renew` for a long page."""
        if self._stale or not self.is_on_screen:
            self._stale = True
            return
        rows = self.rows
        assert isinstance(rows, list)  # of lines that are made when they are asked for none changes
        while rows and rows[-1].line >= first:
            rows.pop()
        for number in range(first, len(self.page.lines)):
            rows.extend(rows_of(number, self.page.lines[number], self._width))
        if self._search.pattern:
            self._search.find(self.page.lines)
        self._fit_rows()

    def follow_end(self) -> None:
        """Scroll to the last line, now or when the view is seen again."""
        if self._stale:
            self._target = _END
        else:
            self.action_to_end()

    def follow_from(self, line: int) -> None:
        """The same, but no further than to where this line is at the top."""
        if self._stale:
            self._target = line
        else:
            self._to(self.row_of(line))

    def rests_at(self, line: int) -> bool:
        """Whether it still is where `follow_from` went."""
        return self._target == line if self._stale else self.top_line == line

    def _fill(self) -> None:
        width = _row_width(self)
        if width <= 0:
            return
        self._width, self._stale = width, False
        self.page = self._build(width)
        self.rows = layout(self.page.lines, width)
        self.head_rows = layout(self.page.head, width)[: max(self.size.height // 2, 1)]
        self._search.find(self.page.lines)
        resized, self._filled = self.size != self._filled, Size(0, 0)
        self._fit_rows()
        self._put_in_place(resized)

    def _put_in_place(self, resized: bool) -> None:
        """Go to the line that is wanted, or where the rows are broken elsewhere now, back to the one that was at the
        top: also when for a while there was room for all of them, and nothing to scroll. The marked line stays in sight
        where it was in sight."""
        marked = self.page.marked
        kept = marked >= 0 and (self._target is not None or self._marked_in_sight)
        if self._target is not None:
            self._place = (self._target, 0)
        if self.follows and self._ended and self._target is None:
            self.action_to_end()
        elif resized or self._target is not None:
            self._to(max(bisect_right(self.rows, self._place, key=lambda row: (row.line, row.start)) - 1, 0))
        if kept:
            self.reveal(marked, marked)
        self._target, self._filled, self._marked_in_sight = None, self.size, kept

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Remember the place, unless it is a new size that scrolled: nobody wanted that."""
        super().watch_scroll_y(old_value, new_value)
        if self.size == self._filled:
            self._remember_place()

    def _remember_place(self) -> None:
        top = self.scroll_offset.y
        if top < len(self.rows):
            self._ended = self.at_end
            self._place = (self.rows[top].line, self.rows[top].start)
            self._marked_in_sight = self.shows(self.page.marked)

    def _fit_rows(self) -> None:
        self.virtual_size = Size(self._width, len(self.rows) + len(self.head_rows))
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        if self._stale or _row_width(self) != self._width or self.page.head:
            self._fill()
        else:
            self._filled = Size(0, 0)
            self._put_in_place(resized=True)

    def on_show(self) -> None:
        if self._stale:
            self._fill()

    @property
    def body_height(self) -> int:
        """Rows for the lines below the head."""
        return max(self.size.height - len(self.head_rows), 1)

    def row_of(self, line: int) -> int:
        """The first row of this line."""
        return bisect_left(self.rows, line, key=lambda row: row.line)

    def reveal(self, first: int, last: int) -> None:
        """Scroll as little as needed to see the rows of the lines `first` to `last`."""
        top, bottom = self.row_of(first), self.row_of(last + 1) - 1
        if top < self.scroll_offset.y:
            self._to(top)
        elif bottom >= self.scroll_offset.y + self.body_height:
            self._to(min(top, bottom - self.body_height + 1))

    def _to(self, row: int) -> None:
        # By force: right after the page grew its scrollbar is not there yet, and without one nothing scrolls.
        before = self.scroll_offset.y
        self.scroll_to(y=row, animate=False, immediate=True, force=True)
        if self._filled and self.scroll_offset.y != before:  # also where a new size has not been heard of yet
            self._remember_place()

    @property
    def at_end(self) -> bool:
        """Whether the last row is in sight, or would be."""
        return self.scroll_offset.y >= self.max_scroll_y

    @property
    def top_line(self) -> int:
        """The line of the topmost row."""
        top = self.scroll_offset.y
        return self.rows[top].line if top < len(self.rows) else 0

    def shows(self, line: int) -> bool:
        """Whether the first row of this line is in sight."""
        return 0 <= self.row_of(line) - self.scroll_offset.y < self.body_height

    def action_scroll_rows(self, delta: int) -> None:
        self._to(self.scroll_offset.y + delta)

    def action_move(self, delta: int) -> None:
        self.action_scroll_rows(delta)

    def action_half_page(self, delta: int) -> None:
        self.action_scroll_rows(delta * max(self.body_height // 2, 1))

    def action_page(self, delta: int) -> None:
        self.action_scroll_rows(delta * max(self.body_height - 1, 1))

    def action_to_start(self) -> None:
        self._to(0)

    def action_to_end(self) -> None:
        self._to(len(self.rows))

    def search(self, text: str) -> int:
        """Highlight `text` wherever it is, go to the first place at or after the top, and count the places."""
        self._search = Search(pattern_of(text))
        self._search.find(self.page.lines)
        matches = self._search.matches
        following = bisect_left(matches, self.top_line, key=lambda match: match.line)
        self._search.current = following if following < len(matches) else 0
        self._show_match()
        return len(matches)

    def search_next(self, delta: int) -> str:
        """Go to the next or previous match, round the ends, and say which it is."""
        if self._search.matches:
            self._search.current = (self._search.current + delta) % len(self._search.matches)
            self._show_match()
        return self._search.place

    def _show_match(self) -> None:
        if self._search.matches:
            line = self._search.matches[self._search.current].line
            self.reveal(line, line)
        self.refresh()

    def draw_body(self, line: int) -> Content:
        """The body of this line, coloured, when it is about to be seen."""
        return self.page.colours.line(line) if self.page.colours else self.page.lines[line].body

    def style_line(self, line: int) -> str:
        """The style laid under this whole line, "" for none."""
        return "on $primary-muted" if line == self.page.marked else ""

    def render_line(self, y: int) -> Strip:
        in_head = y < len(self.head_rows)
        offset = y if in_head else y + self.scroll_offset.y
        rows, number = (self.head_rows, y) if in_head else (self.rows, offset - len(self.head_rows))
        width, base = self.size.width, self.visual_style
        if number >= len(rows):
            return Strip.blank(width, base.rich_style)
        content = _mark_selection(self._draw(rows[number], in_head), self, offset)
        if self.ascii:
            content = Content(ascii_only(content.plain), list(content.spans))
        segments = [Segment(text, style.rich_style) for text, style in content.render(base, end="")]
        return Strip(segments).adjust_cell_length(width, base.rich_style).apply_offsets(0, offset)

    def _draw(self, row: ScreenRow, in_head: bool) -> Content:
        line = (self.page.head if in_head else self.page.lines)[row.line]
        left = line.gutter if row.first else Content(" " * (line.gutter.cell_length + line.indent))
        body = line.body if in_head else self._search.mark(row.line, self.draw_body(row.line))
        content = Content.assemble(left, body[row.start : row.end])
        if row.aside:
            content = _align_right(content, line.aside, self._width)
        mark = "" if in_head else self.style_line(row.line)
        return content.pad_right(max(self._width - content.cell_length, 0)).stylize_before(mark) if mark else content

    def get_selection(self, selection: Selection) -> tuple[str, str]:
        rows = [(row, True) for row in self.head_rows] + [(row, False) for row in self.rows]
        return selection.extract("\n".join(self._draw(row, head).plain for row, head in rows)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()


def _row_width(view: Widget) -> int:
    """Cells; one is left before the scroll bar."""
    return view.scrollable_content_region.width - 1


def _mark_selection(content: Content, view: Widget, y: int) -> Content:
    """With the part of this row of `view` marked that a person selected with the mouse."""
    span = view.text_selection.get_span(y) if view.text_selection else None
    if span is None:
        return content
    style = view.screen.get_visual_style("screen--selection")
    return content.stylize(style, span[0], None if span[1] == -1 else span[1])


def _align_right(left: Content, right: Content, width: int) -> Content:
    gap = width - left.cell_length - right.cell_length
    if gap < 0:
        right = right.truncate(max(width - left.cell_length, 0), ellipsis=True)
    return Content.assemble(left, " " * max(gap, 0), right)
