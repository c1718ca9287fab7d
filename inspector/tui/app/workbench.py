"""The main screen: the modules on the left, the details on the right, one line above and one below."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from ...client.model import Model
from ...records import Path, Stack
from ..backdrop import SteadyScreen
from ..bars.footer import KeyBar
from ..bars.header import TitleBar
from ..bars.prompt import PromptBar
from ..bars.stop_bar import StopBar
from ..keys import Context, find_command, key_of, panel_bindings, stopped_bindings
from ..panels import PANELS
from ..panels.base import Panel
from ..panels.line_panel import LinePanel
from ..panels.stack import StackPane
from ..saved_state import ViewState
from ..tree.heat import BOUNDS, Bounds
from ..tree.widget import ModuleTree
from ..tree.words import BEING_MADE
from .panel_host import Ask, PanelHost
from .panes import Panes


class Workbench(SteadyScreen[None], inherit_bindings=False):
    """Lays out the panes and moves between them. Knows the model it shows, not where it comes from."""

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (40, "-portrait"), (85, "-landscape")]  # noqa: RUF012 (Textual's type)
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (12, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [*stopped_bindings(), *panel_bindings()]

    def __init__(self, ask: Ask, ascii: bool, bounds: Bounds = BOUNDS) -> None:
        super().__init__()
        self.title_bar = TitleBar()
        self.title_bar.ascii = ascii
        self.module_tree = ModuleTree(id="tree", ascii=ascii, bounds=bounds)
        self.panels = PanelHost([panel() for panel in PANELS], ask, id="detail")
        self.stack = StackPane(id="stack", ascii=ascii)
        self.prompt = PromptBar(id="prompt")
        self.stop_bar = StopBar()
        self.stop_bar.ascii = ascii
        self.key_bar = KeyBar(id="keys")
        self.model = Model()
        self.letters: dict[str, Path] = {}
        """The modules that are marked, by the letter of each."""
        self._panes = Panes(self.module_tree, self.panels, id="body")
        self._searched: Widget | None = None  # the pane that `/` searches in
        self._awaited = False  # it is the tree of calls, which was still being made
        self._filter_before = ""
        self.set_class(ascii, "-ascii")
        if ascii:
            for panel in self.panels.members:
                panel.draw_ascii()

    def compose(self) -> ComposeResult:
        yield self.title_bar
        yield self._panes
        yield self.stack
        yield Static("terminal too small", id="too-small", markup=False)
        yield self.stop_bar
        yield self.prompt
        yield self.key_bar

    def on_mount(self) -> None:
        self.module_tree.focus()

    def show_model(self, model: Model) -> None:
        """Another model, or the same one with other facts in the title."""
        self.title_bar.info = model.info
        if model is not self.model:
            self.model = model
            self.title_bar.summary = None
            self.module_tree.show(model)
            self.panels.clear(model)
            self.stack.show(Stack())

    def select_path(self, path: Path) -> bool:
        """Put the cursor on a module, whatever hides it."""
        index = self.model.index_of(path)
        if index is None:
            return False
        if not self.module_tree.select(index):
            self.module_tree.filter = ""
            self.module_tree.sort(False)
            self.module_tree.select(index)
        return True

    def go_to(self, index: int) -> None:
        """Put the cursor and the keyboard on the module in this row, if there is one."""
        if index < len(self.model.rows):
            self.select_path(self.model.paths[index])
            self.module_tree.focus()

    def step(self, delta: int) -> None:
        """Go back or forward over the modules that were gone to."""
        path = self.module_tree.trail.step(delta, self.model)
        if path is None:
            self.notify(f"there is no module to go {'back' if delta < 0 else 'forward'} to")
        else:
            self.select_path(path)
            self.module_tree.focus()

    @property
    def selected(self) -> int | None:
        """The row under the cursor."""
        cursor = self.module_tree.cursor
        return cursor if 0 <= cursor < len(self.model.rows) else None

    @property
    def selected_path(self) -> Path:
        return () if self.selected is None else self.model.paths[self.selected]

    @on(ModuleTree.Highlighted)
    def _highlighted(self) -> None:
        """Where calls are listed, the one under the cursor is looked at; else none of another module."""
        if self.selected is None:
            return
        call = self.module_tree.selected_call
        if call is not None or self.model.call_of(self.selected) is None:
            self.model.look_at(call)
        self.panels.select(self.model, self.selected)

    @on(ModuleTree.Opened)
    def _opened(self) -> None:
        self.panels.current.focus()

    def view_state(self, off: tuple[Path, ...] | None = None) -> ViewState:
        """Where the person is. `off` stands in for the modules whose hooks are off now."""
        return ViewState(
            selected=self.selected_path,
            expanded=tuple(self.model.paths[index] for index in sorted(self.module_tree.expanded)),
            off=tuple(self.model.list_unobserved()) if off is None else off,
            panel=self.panels.current.TITLE,
            order=self.module_tree.order,
            nested=self.module_tree.nested,
            split=self._panes.split,
            costs=self.module_tree.options.costs,
            letters=tuple(self.letters.items()),
        )

    def restore(self, bookmark: ViewState) -> None:
        """Go where the person was, as far as it is still there."""
        if bookmark.expanded is not None:
            found = (self.model.index_of(path) for path in bookmark.expanded)
            self.module_tree.expanded = frozenset(index for index in found if index is not None)
        self.module_tree.options.costs = bookmark.costs
        self.module_tree.order, self.module_tree.nested = bookmark.order, bookmark.nested
        self.letters = dict(bookmark.letters)
        self.module_tree.mark(self.letters)
        self._panes.move(bookmark.split - self._panes.split)
        self.panels.show_called(bookmark.panel)
        if not self.selected:  # where the person has gone meanwhile counts more
            self.select_path(bookmark.selected)

    @property
    def in_tree(self) -> bool:
        """The tree has the keyboard, or nothing has."""
        return self.focused is None or self.focused is self.module_tree

    @property
    def focused_panel(self) -> Panel | None:
        return self.panels.current if self.panels.has_focus_within else None

    @property
    def pane_title(self) -> str:
        """Of the pane that has the keyboard, or of what is typed at the bottom."""
        if self.prompt.is_open:
            return {"search": "Searching", "filter": "Filtering"}[self.prompt.purpose]
        if self.stack.has_focus_within:
            return self.stack.TITLE
        return "Tree" if self.focused_panel is None else self.focused_panel.TITLE

    @on(events.DescendantFocus)
    @on(Panel.KeysChanged)
    def name_keys(self) -> None:
        """Say which keys there are: those of a pass that stands still, else of what has the keyboard."""
        panel = self.focused_panel
        own: Context = "stack" if self.stack.has_focus_within else "tree"
        stopped = self.stop_bar.event is not None
        self.key_bar.context = "stopped" if stopped else own if panel is None else panel.CONTEXT
        self.key_bar.idle = frozenset(() if panel is None else panel.idle_commands())

    def widget_of(self, context: Context) -> Widget:
        """The widget that a command of this context is for; a panel is shown for it."""
        if context in ("tree", "move"):
            return self.module_tree
        if context == "stack":
            return self.stack
        self.panels.show_context(context)
        return self.panels.current

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key of a panel is one only while that panel shows: another may have the same."""
        if action == "in_panel":
            return find_command(str(parameters[0])).context == self.panels.current.CONTEXT
        return super().check_action(action, parameters)

    async def action_in_panel(self, id: str) -> None:
        """Do a command of the panel that shows, while the tree has the keyboard."""
        await self.panels.current.run_action(find_command(id).action)

    def next_pane(self, delta: int = 1) -> None:
        """Give the keyboard to another pane; in place of a zoomed one, to the other one that can be zoomed."""
        panes: list[Widget] = [self.module_tree, self.panels.current]
        zoomed = self.panels.has_class("-zoomed") or self.module_tree.has_class("-zoomed")
        if self.stack.display and not zoomed:
            panes += [self.stack.frames, self.stack.variables]
        now = next((at for at, pane in enumerate(panes) if pane.has_focus or pane.has_focus_within), 0)
        pane = panes[(now + delta) % len(panes)]
        if zoomed:
            self._zoom(self.module_tree if pane is self.module_tree else self.panels)
        pane.focus()

    def zoom(self) -> None:
        self._zoom(self.panels if self.panels.has_focus_within else self.module_tree)

    def unzoom(self) -> None:
        self._zoom(None)

    def _zoom(self, pane: Widget | None) -> None:
        for each in (self.module_tree, self.panels):
            each.set_class(each is pane, "-zoomed")
            each.set_class(pane is not None and each is not pane, "-away")
        self.call_after_refresh(self.panels.draw_place)  # as wide as it is then

    def move_split(self, cells: int) -> None:
        """Make the tree wider, or higher where the panes lie on each other, by `cells`."""
        self._panes.move(cells)

    def set_split(self, percent: int) -> None:
        """Give the tree this part of the width, where the panes lie side by side; 0 leaves it as it is."""
        self._panes.set_percent(percent)

    def toggle_order(self) -> None:
        """The modules as a tree, the calls of the last pass in their order, or those as a tree."""
        tree, looked_at = self.module_tree, self.model.looked_at
        tree.nested, tree.order = tree.order and not tree.nested, not (tree.order and tree.nested)
        if tree.order and looked_at is not None:
            tree.select(tree.cursor, looked_at)

    def sort(self) -> None:
        """The modules by time, parameters, gradient or Δ, or as a tree."""
        self.module_tree.sort()

    def search(self) -> None:
        """Ask what to search for in the focused pane."""
        self._searched = self.focused_panel or self.module_tree
        self._ask_for("search")

    def search_next(self, delta: int) -> None:
        if self._searched is None:
            self.notify(f"nothing is searched for: {key_of('search')} searches")
        elif isinstance(self._searched, (ModuleTree, LinePanel)):
            self._awaited = self._searched is self.module_tree and _is_being_made(self.module_tree, self.model)
            self.key_bar.note = self._searched.search_next(delta) or (BEING_MADE if self._awaited else "no match")

    def filter(self) -> None:
        """Ask which modules to show."""
        self._filter_before = self.module_tree.filter
        self._ask_for("filter", self.module_tree.filter)

    def _ask_for(self, purpose: str, text: str = "") -> None:
        self.add_class("-prompting")
        self.module_tree.trail.end_walk()
        self.run_worker(self.module_tree.names.prepare, thread=True)
        self.prompt.ask(purpose, text)

    @on(PromptBar.Typed)
    def _typed(self, event: PromptBar.Typed) -> None:
        if event.purpose == "filter":
            self.module_tree.filter = event.text
            self.prompt.hint(f"{len(self.module_tree.options.matches)} modules" if event.text else "")
        else:
            self.prompt.hint(self._search(event.text))

    def _search(self, text: str) -> str:
        """Search in the pane, and say how much is found."""
        pane, self.key_bar.note = self._searched, ""
        found = pane.search(text) if isinstance(pane, (ModuleTree, LinePanel)) else 0
        self._awaited = False
        if isinstance(pane, ModuleTree):
            pane.search_next(0)
            self._awaited = bool(text) and _is_being_made(pane, self.model)
        return BEING_MADE if self._awaited else f"{found} found" if text else ""

    def follow_rows(self) -> None:
        """Lines came: search them, where that has waited for them."""
        if self._awaited and not _is_being_made(self.module_tree, self.model):
            said = self._search(self.module_tree.options.search)
            if self.prompt.is_open:
                self.prompt.hint(said)
            else:
                self.search_next(0)

    @on(PromptBar.Ended)
    def _ended(self, event: PromptBar.Ended) -> None:
        self.remove_class("-prompting")
        self.module_tree.trail.end_walk()
        if event.text is None and event.purpose == "filter":
            self.module_tree.filter = self._filter_before
        elif event.text is None:
            self._search("")
        elif event.purpose == "search" and event.text:
            self.search_next(0)
        pane = self._searched if event.purpose == "search" else self.module_tree
        (pane or self.module_tree).focus()

    def leave(self) -> bool:
        """Close one thing that lies over the panes: a zoom, a search, a filter, the frames, a focus."""
        if self.module_tree.has_class("-zoomed") or self.panels.has_class("-zoomed"):
            self.unzoom()
        elif self._searched is not None:
            self._search("")
            self._searched = None
        elif self.module_tree.filter:
            self.module_tree.filter = ""
        elif self.stack.has_focus_within:
            self.stack.toggle()
            self.module_tree.focus()
            self.notify(f"{key_of('stack')} opens the frames again")
        elif not self.in_tree:
            self.module_tree.focus()
        else:
            return False
        return True

    def on_resize(self) -> None:
        self._panes.turn(self.has_class("-portrait"))
        size = self.app.size
        words = f"terminal too small: {size.width}×{size.height}, 40×12 is needed"
        self.query_one("#too-small", Static).update(Content(words))


def _is_being_made(tree: ModuleTree, model: Model) -> bool:
    """The tree of calls is shown, and is not there yet: nothing is found in it."""
    return tree.order and tree.nested and model.orders_due
