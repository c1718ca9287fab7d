"""The module tree: every module of the model, or every call of the last pass, one line each.

Drawn line by line, so that its cost depends on what is in view and not on the size of the model. It reads a `Model`
and never changes it; whoever applies events to the model calls `refresh_rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ...client.model import Model
from ...records import CallRow, Path
from ...text import visible
from .. import format as fmt
from ..keys import bindings
from .columns import Columns, lay_out
from .costs import head
from .gutter import Gutter
from .heat import BOUNDS, Bounds
from .lines import DisplayOptions
from .listing import Listing
from .messages import Highlighted, Opened
from .roles import CSS, ROLES, WIDGET_ROLES, component
from .trail import Trail
from .words import write_explanation

_BORDER = 4  # cells of the upper frame that no title can have, besides its corners
_TITLE_AT = 2  # the cell of a line above which the title begins
_SCREENFUL = 20  # lines, before the widget knows its height: a terminal of 80x24


class ModuleTree(ScrollView, can_focus=True, inherit_bindings=False):
    """The modules of a model as a tree, or the calls of its last pass in order."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("tree", "move")]
    ALLOW_SELECT: ClassVar[bool] = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {component(role) for role in (*ROLES, *WIDGET_ROLES)}
    DEFAULT_CSS = CSS

    order: reactive[bool] = reactive(False, repaint=False)
    """Whether the calls are shown in their order, instead of the tree."""

    nested: reactive[bool] = reactive(False, repaint=False)
    """Whether calls, where they are shown, stand below those that made them."""

    filter: reactive[str] = reactive("", repaint=False)
    """Words that a module has to match to be shown; empty shows all. See `matching.find`."""

    ascii: reactive[bool] = reactive(False)
    """Draw with ASCII only."""

    Highlighted = Highlighted
    Opened = Opened

    def __init__(self, *, ascii: bool = False, bounds: Bounds = BOUNDS, id: str | None = None) -> None:
        super().__init__(id=id)
        self.options = DisplayOptions(ascii=ascii, bounds=bounds)
        """Whoever changes them calls `refresh_rows`."""
        self._listing = Listing(Model(awaited=True), self.options, by_calls=False)
        self.names = self._listing.names
        self._titles = ("", "")
        self.trail = Trail()
        self._before = Gutter()
        self.set_reactive(ModuleTree.ascii, ascii)

    def show(self, model: Model) -> None:
        """Show another model, from its root."""
        self._listing = Listing(model, self.options, self.order, self.nested)
        self.names = self._listing.names
        self.scroll_to(y=0, animate=False)
        self.refresh_rows()

    def refresh_rows(self) -> None:
        """The model has changed: rows or calls were appended, or the marks are others. The cursor stays."""
        with self._changes():
            self._listing.update(self.size.height or _SCREENFUL)

    def watch_order(self) -> None:
        with self._changes():
            self._listing.show_calls(self.order, self.nested)

    watch_nested = watch_order

    def sort(self, on: bool = True) -> None:
        """Show the modules with the most of something first, the next time of something else, and then the tree; or
        the tree at once."""
        with self._changes():
            self.set_reactive(ModuleTree.order, False)
            if on:
                self._listing.sort_next()
            else:
                self._listing.show_calls(False)

    def watch_ascii(self, ascii: bool) -> None:
        self.options.ascii = ascii
        self.set_class(ascii, "-ascii")
        self._fit_content()

    @contextmanager
    def _changes(self) -> Iterator[None]:
        """Around what may add, remove or move lines."""
        listing = self._listing
        before = listing.row, listing.call
        yield
        self._fit_content()
        self._scroll_to_cursor()
        self.refresh()
        if (listing.row, listing.call) != before:
            self._tell()

    def mark(self, letters: Mapping[str, Path]) -> None:
        """Show which modules are marked, each with its letter."""
        self._before.take(letters)
        self.refresh()

    # filter and search

    def watch_filter(self, text: str) -> None:
        with self._changes():
            self._listing.refilter(text)

    def search(self, text: str) -> int:
        """Mark `text` in names and classes; the number of lines that have it, collapsed ones included."""
        self.refresh()
        return self._listing.search(text)

    def search_next(self, delta: int) -> str:
        """Move the cursor to the next (1) or previous (-1) match, or with 0 to the first from here on, and say which
        that is; "" where there is none."""
        found = self._go_to_revealed(lambda: self._listing.match(delta), walked=not delta)
        return self._listing.place_of_match() if found else ""

    # the cursor

    @property
    def cursor(self) -> int:
        """Row index of the selected module; -1 while there is none."""
        return self._listing.row

    @property
    def selected_call(self) -> CallRow | None:
        """The selected call, in call order."""
        return self._listing.call

    @property
    def expanded(self) -> frozenset[int]:
        """The expanded modules, by row index."""
        return self._listing.modules.outline.expanded

    @expanded.setter
    def expanded(self, indices: Iterable[int]) -> None:
        with self._changes():
            self._listing.expand_only(indices)

    def select(self, index: int, place: int | None = None) -> bool:
        """Put the cursor on this module, expanding what hides it; where calls are shown, on the one at this place, or
        the module's first. False where it cannot be shown."""
        listing = self._listing
        by_call = listing.by_calls and place is not None
        return self._go_to_revealed(lambda: listing.show_call(place) if by_call else listing.line_of(index))

    def _go_to_revealed(self, line_of: Callable[[], int | None], walked: bool = False) -> bool:
        """Go to a line that may have to be revealed first."""
        shown = len(self._listing.lines.ids)
        line = line_of()
        if len(self._listing.lines.ids) != shown:
            self._fit_content()
            self.refresh()
        if line is not None:
            self._go_to(line, walked)
        return line is not None

    def _go_to(self, line: int, walked: bool = True) -> None:
        """Move the cursor; only the line it leaves and the line it enters are drawn again."""
        listing = self._listing
        left, before = listing.line, listing.at
        listing.go_to(line)
        if listing.at != before:
            self.refresh_line(left)
            self.refresh_line(listing.line)
            self._tell(walked)
        self._scroll_to_cursor()

    def _scroll_to_cursor(self) -> None:
        line, top, height = self._listing.line, self.scroll_offset.y, self.scrollable_content_region.height
        if line < top:
            self.scroll_to(y=line, animate=False)
        elif height and line >= top + height:
            # Forced: a widget whose lines have only just come has no scrollbar yet, and may not scroll without one.
            self.scroll_to(y=line - height + 1, animate=False, force=True)

    def _tell(self, walked: bool = True) -> None:
        if self.cursor >= 0:
            self.trail.visit(self._listing.model.paths[self.cursor], walked)
            self.post_message(Highlighted(self, self.cursor, self.selected_call))

    # keys and the mouse

    def action_move(self, delta: int) -> None:
        self._go_to(self._listing.line + delta)

    def action_scroll_rows(self, delta: int) -> None:
        """Scroll; the cursor stays where it is as long as that is in view."""
        height = self.scrollable_content_region.height
        top = min(max(self.scroll_offset.y + delta, 0), self.max_scroll_y)
        self.scroll_to(y=top, animate=False)
        self._go_to(min(max(self._listing.line, top), top + height - 1))

    def action_half_page(self, delta: int) -> None:
        self._go_to(self._listing.line + delta * max(self.size.height // 2, 1))

    def action_page(self, delta: int) -> None:
        self._go_to(self._listing.line + delta * max(self.size.height - 1, 1))

    def action_to_start(self) -> None:
        self._go_to(0, walked=False)

    def action_to_end(self) -> None:
        self._go_to(len(self._listing.lines.ids) - 1, walked=False)

    def action_detail_open(self) -> None:
        """Into the first call that this one made; else open the details."""
        if not self._go_to_revealed(self._listing.into) and self.cursor >= 0:
            self.post_message(Opened(self, self.cursor))

    def action_expand(self) -> None:
        """Expand; on what is expanded go to the first line below it."""
        child = self._listing.below()
        if child is None:
            self._toggle()
        else:
            self._go_to(child)

    def action_collapse(self) -> None:
        """Collapse; on what is collapsed, or a leaf, go to what it stands below."""
        if self._listing.can_collapse():
            self._toggle()
        else:
            self.action_go_out()

    def action_go_out(self) -> None:
        """To what it stands below: the module that holds it, the call that made it."""
        if (above := self._listing.above()) is not None:
            self._go_to(above)

    def action_fold_all(self, open: bool) -> None:
        """Expand all, or collapse all but the root."""
        with self._changes():
            self._listing.fold_all(open)

    def _toggle(self) -> None:
        with self._changes():
            self._listing.toggle()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Explain what the mouse rests on."""
        x, y = event.get_content_offset(self) or (-1, -1)
        said = self._listing.explain(y + self.scroll_offset.y, x - self._before.width, self._columns())
        self.tooltip = Content(said) if said else None

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        line = -1 if offset is None else offset.y + self.scroll_offset.y
        if offset is None or not 0 <= line < len(self._listing.lines.ids):
            return
        self._go_to(line, walked=False)
        if self._listing.is_on_arrow(offset.x - self._before.width, self._columns()):
            self._toggle()
        elif event.chain == 2:
            self.action_detail_open()

    # drawing

    def on_resize(self) -> None:
        self._fit_content()
        self._scroll_to_cursor()

    def _fit_content(self) -> None:
        """There may be more or fewer lines. Titles are set only when they differ: that draws the whole widget."""
        self.virtual_size = Size(0, len(self._listing.lines.ids))
        title, count = self._listing.title(self.size.width - _BORDER), self._listing.count()
        title = fmt.ascii_only(title) if self.ascii else title
        if self.options.filter:
            title += f" / {visible(self.options.filter)}"
        frame, first = "-" if self.ascii else "─", self._before.width - _TITLE_AT
        title = head(title, self.options.costs, self._columns(), first, self.size.width - _BORDER, frame)
        if (title, count) != self._titles:
            self._titles = title, count
            self.border_title, self.border_subtitle = Text(title), Text(count)

    def _columns(self) -> Columns:
        room, lines = self.scrollable_content_region, self._listing.lines
        before_bar = int(len(lines.ids) > room.height)  # a blank: what stands there would touch the scroll bar
        width = room.width - self._before.width - before_bar
        return lay_out(width, lines.widths(), long_names=lines.outline is None)

    def render_line(self, y: int) -> Strip:
        line, ids = y + self.scroll_offset.y, self._listing.lines.ids
        if line < len(ids):
            strip = self._strip(ids[line])
        else:
            said = "" if ids else write_explanation(y, self._listing.model, self.options, self.size.width)
            strip = Strip([Segment(said, self._style("message", False))])
        return strip.adjust_cell_length(self.size.width, self._style("name", False))

    def _strip(self, id: int) -> Strip:
        selected, lines = id == self._listing.at, self._listing.lines
        before = self._before.pieces(self._listing.model.paths[lines.row_of(id)], selected)
        pieces = [(lines.plain(text), role) for text, role in before]
        pieces += lines.pieces(id, self._columns())
        pieces.append((" " * (self.size.width - self.scrollable_content_region.width), "name"))  # no scroll bar there
        return Strip([Segment(text, self._style(role, selected)) for text, role in pieces if text])

    def _style(self, role: str, selected: bool) -> Style:
        names = (component(role), component("cursor")) if selected else (component(role),)
        return self.get_component_rich_style(*names)
