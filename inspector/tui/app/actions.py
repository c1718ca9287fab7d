"""What the keys do. Each action is named in `keys.COMMANDS` and does one thing to the flow or to the workbench."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from typing import TYPE_CHECKING

import msgspec
from textual.app import App, SuspendNotSupported
from textual.widget import Widget

from ...client.model import OBSERVED, REFUSED
from ...records import Choice, Choices, Failed, GetSource, ListTargets, Path, Source, Target
from ...text import visible
from .. import format
from ..engine_client import KILLED
from ..keys import COMMANDS, Command
from ..panels.line_panel import DetailPanel
from ..panels.source import SourcePanel

if TYPE_CHECKING:
    from ..options import AppOptions
    from ..saved_state import SavedState, ViewState
    from ..screens.seed import Draw
    from .controller import Flow
    from .workbench import Workbench

ASK_TWICE = 3.0
"""Seconds within which a second ctrl+c quits."""


class Actions(App[None], inherit_bindings=False):
    """The half of the app that people talk to."""

    flow: Flow
    saved_state: SavedState
    workbench: Workbench
    options: AppOptions
    seed: int
    kept: ViewState | None
    _quit_until = 0.0

    def tell(self, text: str) -> None:
        raise NotImplementedError

    def leave_app(self) -> None:
        raise NotImplementedError

    def action_close(self) -> None:
        if not self.workbench.leave():
            self.leave_app()

    def action_leave(self) -> None:
        self.workbench.leave()

    def action_interrupt(self) -> None:
        selected = self.screen.get_selected_text()
        if selected:
            self._copy(selected)
        elif self.flow.running or self.flow.live or self.flow.guessing:
            self.run_worker(self.flow.cancel())
            self.workbench.title_bar.live = False
        elif time.monotonic() < self._quit_until:
            self.leave_app()
        else:
            self._quit_until = time.monotonic() + ASK_TWICE
            self.tell("press ctrl+c again to quit")

    def action_help(self) -> None:
        from ..screens.help import Help

        self.push_screen(Help(self.options.ascii))

    def action_palette(self) -> None:
        self.action_command_palette()

    async def action_perform(self, id: str) -> None:
        """Do a command by its id, whichever widget has it: for the palette and the footer."""
        command = next(c for c in COMMANDS if c.id == id)
        await self.run_action(command.action, self._place_of(command))

    def _place_of(self, command: Command) -> Widget | App[None]:
        bench = self.workbench
        if command.context in ("tree", "move"):
            return bench.module_tree
        if command.context == "app":
            return self
        number = bench.detail.number_of(command.context.capitalize())
        if number is not None and number != bench.detail.showing:
            bench.detail.show_panel(number)
        return bench.detail.current

    def action_open(self) -> None:
        """Ask what to open: what was open lately at once, the engine's names when they are there."""
        from ..screens.picker import Picker

        recent = self.saved_state.recents()
        shown = [Choice(each.target, "recent") for each in recent]
        picker = Picker("Open a model", shown, free=True, waiting=True)

        async def fetch() -> None:
            await mounted
            reply = await self.flow.engine.ask(ListTargets())
            if picker.is_attached:
                picker.add(reply.items if isinstance(reply, Choices) else ())

        def picked(name: str | None) -> None:
            if name is None:
                if self.flow.target is None:
                    self.leave_app()
                return
            again = next((each for each in recent if each.target == name), None)
            self.open_target(again or typed_target(name))

        mounted = self.push_screen(picker, picked)
        self.run_worker(fetch())

    def open_target(self, target: Target) -> None:
        raise NotImplementedError

    async def action_restart(self) -> None:
        """A new engine with the same target, hooks and selection. One that is busy is only killed, so that what it had
        captured can be looked at."""
        flow = self.flow
        if not flow.engine.ours:
            self.tell("the model lives in your process, which cannot be restarted from here")
            return
        if flow.ready:
            self.kept = self.where()
        if flow.engine.busy:
            self.run_worker(flow.engine.interrupt(KILLED), exclusive=True, group="restart")
            return
        flow.forget_model()
        self.stage("starting the engine again")
        self.run_worker(self._restart(), exclusive=True, group="restart")

    async def _restart(self) -> None:
        await self.flow.engine.restart()
        if self.flow.target is not None:
            await self.flow.open(self.flow.target)

    def where(self) -> ViewState:
        raise NotImplementedError

    def stage(self, text: str) -> None:
        raise NotImplementedError

    def action_forget(self) -> None:
        from ..screens.confirm import Confirm

        target = self.flow.target
        if target is None:
            self.tell("nothing is open")
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.saved_state.forget(target)
                self.kept_off = True
                self.tell("forgotten; this session will not be kept either")

        self.push_screen(Confirm(f"Forget what was kept for {visible(target.target)}?", "Forget"), answered)

    kept_off = False
    """The person wants nothing kept of this session."""

    def action_observe(self) -> None:
        """Toggle the observe hook of the selected module with all below it, or of every match of a filter."""
        bench, model = self.workbench, self.flow.model
        if bench.selected is None:
            return
        rows = bench.module_tree.matches() or [bench.selected]
        filtered = bool(bench.module_tree.filter)
        can = [index for index in rows if model.observed(index) != REFUSED]
        if not can and not model.children[rows[0]]:
            why = model.marks.refused.get(model.object_of(rows[0]), "")
            self.tell(f"this module cannot be hooked{': ' if why else ''}{why}")
            return
        on = not all(model.observed(index) == OBSERVED for index in can)
        paths: tuple[Path, ...] = tuple(model.paths[index] for index in rows)
        self.run_worker(self.flow.observe(paths, not filtered and bool(model.children[rows[0]]), on))

    def action_run(self) -> None:
        self.run_worker(self.flow.run())

    def action_live(self) -> None:
        self.flow.toggle_live()
        self.workbench.title_bar.live = self.flow.live

    def action_seed(self) -> None:
        from ..screens.seed import Draw, SeedDialog

        info, target = self.flow.model.info, self.flow.target
        if info is None:
            self.tell("there is no model yet")
            return

        def answered(draw: Draw | None) -> None:
            if draw is not None:
                self._draw(draw)

        specs = target.inputs if target is not None else ()
        now = Draw(self.seed, specs, self.flow.fresh)
        used = f"{visible(info.input)} ({visible(info.input_origin)})" if info.input else ""
        self.push_screen(SeedDialog(now, used), answered)

    def _draw(self, draw: Draw) -> None:
        self.flow.fresh = draw.fresh
        if draw.specs is not None:
            self.run_worker(self.flow.set_input(draw.specs, draw.seed))
        else:
            self.run_worker(self.flow.run(draw.seed))

    def action_next_pane(self, delta: int) -> None:
        self.workbench.next_pane()

    def action_panel(self, number: int) -> None:
        if number <= len(self.workbench.detail.panels):
            self.workbench.detail.show_panel(number - 1)

    def action_next_panel(self, delta: int) -> None:
        self.workbench.detail.show_panel(self.workbench.detail.showing + delta)

    def action_detail(self, delta: int) -> None:
        panel = self.workbench.detail.current
        if isinstance(panel, DetailPanel):
            panel.scroll_detail(delta)

    def action_site(self) -> None:
        detail = self.workbench.detail
        number = detail.number_of(SourcePanel.TITLE)
        if number is None:
            return
        if number != detail.showing:
            detail.show_panel(number)
        panel = detail.current
        if isinstance(panel, SourcePanel):
            panel.show_site()

    def action_toggle_order(self) -> None:
        tree = self.workbench.module_tree
        tree.order = not tree.order

    def action_filter(self) -> None:
        self.workbench.filter()

    def action_search(self) -> None:
        self.workbench.search()

    def action_search_next(self, delta: int) -> None:
        self.workbench.search_next(delta)

    def action_zoom(self) -> None:
        self.workbench.zoom()

    def action_unzoom(self) -> None:
        self.workbench.unzoom()

    def action_split(self, cells: int) -> None:
        self.workbench.move_split(cells)

    def action_copy(self) -> None:
        """What the focused pane shows: the path of a module, or a panel's text."""
        bench = self.workbench
        panel = bench.focused_panel
        if isinstance(panel, DetailPanel):
            self._copy(panel.copy_text())
        elif bench.selected is not None:
            self._copy(format.path(bench.selected_path))

    def _copy(self, text: str) -> None:
        from ..clipboard import beyond_terminal

        self.copy_to_clipboard(text)
        also = beyond_terminal(text)
        what = f"{len(text):,} characters" if len(text) > 60 or "\n" in text else text
        self.tell(f"copied {what} (OSC 52{', ' if also else ''}{also})")

    def action_edit(self) -> None:
        self.run_worker(self._edit(), exclusive=True, group="edit")

    async def _edit(self) -> None:
        place = await self._location()
        if place is None:
            self.tell("there is no file for this")
            return
        self.edit_file(*place)

    def edit_file(self, file: str, line: int) -> None:
        """Leave the screen to the person's editor for a while."""
        from ..editor import editor_command

        try:
            command = editor_command(file, line, os.environ)
            with self.suspend():
                subprocess.run(command)
        except (OSError, ValueError, SuspendNotSupported) as error:
            self.tell(f"the editor cannot be started: {error}")

    def edit_text(self, text: str, line: int) -> str | None:
        """What becomes of `text` in the person's editor; None where it cannot be started."""
        from ..editor import edited

        try:
            with self.suspend():
                return edited(text, line, os.environ)
        except (OSError, ValueError, SuspendNotSupported) as error:
            self.tell(f"the editor cannot be started: {error}")
            return None

    async def _location(self) -> tuple[str, int] | None:
        """The file and line of what the panel shows, or of the selected module's forward."""
        panel = self.workbench.detail.current
        place = panel.location() if isinstance(panel, DetailPanel) else None
        if place is not None or not self.flow.ready:
            return place
        path = self.workbench.selected_path
        reply = await self.flow.engine.ask(GetSource(self.flow.model.generation, path, "forward"))
        if isinstance(reply, Failed):
            return None
        return (reply.file, reply.focus or reply.first_line) if isinstance(reply, Source) and reply.file else None


def typed_target(text: str) -> Target:
    """A target with constructor arguments, as after the command's name."""
    try:
        name, *rest = shlex.split(text)
    except ValueError:
        return Target(text)
    pairs = [tuple(word.split("=", 1)) for word in rest if "=" in word]
    return msgspec.convert({"target": name, "arguments": pairs}, Target)
