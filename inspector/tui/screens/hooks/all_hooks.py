"""Every hook of the whole model and of the process, module by module."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from ....records import AllHooks, HookRow, Path, Problem
from ....text import visible
from ... import format
from ...bars.prompt import PromptBar
from ...drawing.cursor import CursorView
from ...drawing.lines import Page
from ...drawing.problem import message, problem_lines
from ...drawing.styles import DIM, HEADING
from ...drawing.wrap import Line
from ...keys import bind_own, bind_to_app, bindings, frame_hints, key_like, key_of
from ...panels.hook_keys import HookKeys
from ...panels.hook_rows import counts, hook_lines, in_firing_order
from ..layer import Layer

AHEAD = 200
"""Hooks below the cursor that are there before it gets to them."""

PROCESS = "the whole process"

Fetch = Callable[[int], Awaitable[AllHooks | Problem]]

_OF_A_HOOK = {"toggle-hook": "On/off", "hook-source": "Source", "change-hook": "Change", "delete-hook": "Delete"}
KEYS = frame_hints({**_OF_A_HOOK, "open": "Go", "filter": "Filter"})


class HookList(CursorView):
    """A list that goes on where its page ends: `moved` is told where the cursor is, `to_end` that it shall be at the
    end."""

    moved: Callable[[int], object]
    to_end: Callable[[], object]

    def go_to(self, stop: int) -> None:
        super().go_to(stop)
        self.moved(self.cursor)

    def action_to_end(self) -> None:
        self.to_end()


class AllHooksScreen(HookKeys, Layer[Path | None]):
    """Gives the module to go to. Fetches a page of hooks when the cursor gets near the end of what is there.

    Args:
        fetch: The page of hooks from this one on.
        ascii: Draw with ASCII characters only.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("hooks"),
        *bind_to_app("undo", "redo", "disable-all", "run", "live"),
        *bind_own("all-hooks", "filter"),
        key_like("open", "go"),
        key_like("search", "filter"),
    ]

    help_page = "All hooks"

    DEFAULT_CSS = """
    AllHooksScreen > #layer { width: 100%; max-width: 100%; height: 100%; max-height: 100%; }
    """

    def __init__(self, fetch: Fetch, ascii: bool = False) -> None:
        super().__init__()
        self._fetch = fetch
        self._rows: list[HookRow] = []  # as the engine lists them
        self._shown: list[HookRow] = []  # in the order of the list, one for each stop of the cursor
        self._total = 0
        self._known = False  # the first page is there
        self._problem: Problem | None = None
        self._filter = ""
        self._before = ""  # the filter that giving up goes back to
        self._needed = AHEAD
        self._renew = False
        self._ending = False  # the cursor shall be at the end once that is there
        self._fetching = False
        self._view = HookList(self._page)
        self._view.ascii = ascii
        self._view.moved = self._moved
        self._view.to_end = self._to_end

    def compose(self) -> ComposeResult:
        with Vertical(id="layer") as frame:
            frame.border_title = "All hooks"
            frame.border_subtitle = KEYS
            yield self._view
            yield PromptBar(id="prompt")

    def on_mount(self) -> None:
        self._view.focus()
        self._more()
        self.call_later(self._draw)  # what came before there was anything to draw in

    @property
    def hook(self) -> HookRow | None:
        return self._shown[min(self._view.cursor, len(self._shown) - 1)] if self._shown else None

    def reload(self) -> None:
        """Something about the hooks changed: what is listed is asked for anew."""
        self._renew = True
        self._more()

    def _moved(self, stop: int) -> None:
        self._need(stop + AHEAD)

    def _to_end(self) -> None:
        """Go there when everything is."""
        self._ending = True
        self._need(self._total)
        if not self._fetching:
            self._arrive()

    def _arrive(self) -> None:
        if self._ending and self.is_shown:
            self._ending = False
            self._view.go_to(len(self._shown) - 1)

    def _need(self, count: int) -> None:
        self._needed = max(self._needed, count)
        self._more()

    def _more(self) -> None:
        if not self._fetching and (self._renew or self._lacks(self._rows)):
            self._fetching = True
            self.run_worker(self._fetch_needed(), name="fetch hooks")

    async def _fetch_needed(self) -> None:
        try:
            while self._renew or self._lacks(self._rows):
                fresh = self._renew or not self._known
                rows = [] if fresh else list(self._rows)
                self._renew = False
                await self._fetch_into(rows)
        finally:
            self._fetching = False
        self._arrive()

    def _lacks(self, rows: Sequence[HookRow]) -> bool:
        return not self._known or len(rows) < min(self._needed, self._total)

    async def _fetch_into(self, rows: list[HookRow]) -> None:
        """Pages until there are enough; what was listed before stays until then, so that nothing flickers."""
        while not self._renew:
            page = await self._fetch(len(rows))
            if isinstance(page, Problem):
                self._problem, self._known, self._needed, self._total = page, True, 0, len(self._rows)
                break
            rows += page.rows
            self._problem, self._known = None, True
            self._total = page.total if page.rows else len(rows)
            if not self._lacks(rows):
                self._rows = rows
                break
        self._draw()

    def action_list_all(self) -> None:
        self.dismiss(None)

    def action_go(self) -> None:
        if self.hook is not None and self.hook.path is not None:
            self.dismiss(self.hook.path)

    def action_filter(self) -> None:
        self._before = self._filter
        self._need(self._total)
        self.query_one(PromptBar).ask("filter", self._filter)

    def action_leave(self) -> None:
        """A filter is the first thing to go."""
        if self._filter:
            self._show_only("")
        else:
            super().action_leave()

    @on(PromptBar.Typed)
    def _typed(self, event: PromptBar.Typed) -> None:
        self._show_only(event.text)
        self.query_one(PromptBar).hint(f"{len(self._shown):,} hooks" if event.text else "")

    @on(PromptBar.Ended)
    def _ended(self, event: PromptBar.Ended) -> None:
        if event.text is None:
            self._show_only(self._before)
        self._view.focus()

    def _show_only(self, text: str) -> None:
        self._filter = text
        self._view.cursor = 0
        self._draw()

    def _draw(self) -> None:
        if self.is_shown:
            shown = [row for row in self._rows if matches(row, self._filter)]
            self._shown = [row for _, of_module in by_module(shown) for row in of_module]
            self.query_one("#layer").border_title = self._title()
            self._view.renew()

    def _title(self) -> Content:
        found = f"{len(self._shown):,} of {self._total:,}" if self._filter else f"{self._total:,}"
        return Content(f"All hooks  {found}")

    def _page(self, width: int) -> Page:
        if self._problem is not None:
            return Page(problem_lines(self._problem))
        if not self._shown:
            return Page(message(self._why_nothing()))
        lines: list[Line] = []
        stops: list[range] = []
        for path, rows in by_module(self._shown):
            lines += [Line()] * bool(lines) + [_heading(path, len(rows))]
            hook_lines(rows, lines, stops)
        if len(self._rows) < self._total:
            lines += message(f"{self._total - len(self._rows):,} more below")
        return Page(lines, [Line(Content.styled(counts(self._shown), DIM)), Line()], stops)

    def _why_nothing(self) -> str:
        if not self._known:
            return "asking the engine …"
        if self._filter:
            return f"no hook has {self._filter} in it; {key_of('leave')} shows all"
        return f"no hooks, on no module; {key_of('quit')} closes, then {key_of('add-hook')} adds one"


def by_module(rows: Sequence[HookRow]) -> list[tuple[Path | None, list[HookRow]]]:
    """The hooks of each module, in firing order; modules as the engine lists them."""
    return [(path, in_firing_order(of_module)) for path, of_module in groupby(rows, key=lambda row: row.path)]


def matches(row: HookRow, text: str) -> bool:
    """Whether the text is somewhere in what is shown of the hook."""
    whose = "ours" if row.ours else "not ours"
    state = "" if row.enabled else "off"
    where = PROCESS if row.path is None else format.path(row.path)
    became = row.outcome.sentence if row.outcome is not None else ""
    said = " ".join((where, row.name, row.kind, row.owner, row.of, row.file, whose, state, became))
    return text.lower() in visible(said).lower()


def _heading(path: Path | None, count: int) -> Line:
    name = PROCESS if path is None else format.path(path)
    return Line(Content.styled(name, HEADING), aside=Content.styled(f"{count:,} hook{'s' * (count != 1)}", DIM))
