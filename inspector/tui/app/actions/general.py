"""What the keys do that are of the whole program: help, leaving, copying, the editor."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ....client.engine_client import EngineClient
from ....records import Failed, GetSource, GoOnWith, Source
from ... import format
from ...engine_client import STOPPED
from ...keys import key_of, say_key
from ...panels.line_panel import LinePanel
from ..host import Host
from ..last_hooks import LastHooks
from ..outside import Outside
from ..passes import Passes
from ..presenter import Presenter
from ..state import AppState
from ..workbench import Workbench

ASK_TWICE = 3.0
"""Seconds within which a second ctrl+c quits."""


@dataclass(eq=False)
class GeneralActions:
    """Owner of the actions `general`."""

    engine: EngineClient
    state: AppState
    workbench: Workbench
    passes: Passes
    presenter: Presenter
    outside: Outside
    last_hooks: LastHooks
    host: Host
    ascii: bool
    _quit_until: float = field(default=0.0, init=False)

    def close(self) -> None:
        """Close the top layer, and with none there leave; before that, ask about what is in no file."""
        if self.workbench.leave():
            return
        if self.last_hooks.unwritten.words:
            self._ask_to_leave()
        else:
            self.host.leave(self.state.exit_code)

    def _ask_to_leave(self) -> None:
        from ...screens.leaving import Leaving

        def answer(said: str | None) -> None:
            if said == "leave":
                self.host.leave(self.state.exit_code)
            elif said == "write":
                self.host.perform("write")

        self.host.push(Leaving(self.last_hooks.unwritten), answer)

    def interrupt(self) -> None:
        """Copy what is selected, else cancel the pass, else quit when asked twice."""
        state = self.state
        if selected := self.host.selected_text:
            self.outside.copy(selected)
        elif state.running or state.live or state.guessing:
            self.host.spawn(self.passes.cancel())
            self.presenter.show_live()
        elif self.engine.stoppable:
            self.host.spawn(self.passes.stop_meanwhile())
        elif time.monotonic() < self._quit_until:
            self.host.spawn(self._end())
        else:
            self._quit_until = time.monotonic() + ASK_TWICE
            self._stop_loading()
            held = f"end your program; {key_of('quit')} lets it go on" if state.held is not None else "quit"
            self.host.tell(f"press {say_key('interrupt')} again to {held}")

    async def _end(self) -> None:
        """Leave, and end the program that stands still around."""
        if self.state.held is not None:
            await self.engine.ask(GoOnWith(self.state.generation, "abort"))
        self.host.leave(self.state.exit_code)

    def _stop_loading(self) -> None:
        """Code that builds a model has no modules to stop at: its process is ended."""
        if self.engine.busy and self.engine.ours and self.state.model.info is None:
            self.host.spawn(self.engine.interrupt(STOPPED), group="restart", exclusive=True)

    def stop(self) -> None:
        """Leave the screen to the shell for a while."""
        self.host.stop_job()

    def redraw(self) -> None:
        """Write every cell again: something else may have written to the terminal."""
        self.host.redraw()

    def help(self) -> None:
        from ...screens.help.screen import Help

        title = self.host.layer_page or self.workbench.pane_title
        self.host.push(Help(self.ascii, title, self.workbench.title_bar.list_words()))

    def tour(self) -> None:
        from ...screens.tour import Tour

        self.host.push(Tour())

    def palette(self) -> None:
        from ..palette import Palette

        bench = self.workbench
        self.host.push(Palette(bench.model, bench.module_tree.names, self.host.themes, self.ascii), self._do_found)

    def find_module(self) -> None:
        """Go to a module by letters of its path."""
        from ..palette import ModulePicker

        bench, tree = self.workbench, self.workbench.module_tree
        latest = tree.trail.list_latest()[1:]  # the first is where the cursor is
        self.host.push(ModulePicker(bench.model, tree.names, latest=latest), self._do_found)

    def mark(self) -> None:
        """Give the selected module a letter, by which it is gone to."""
        from ...screens.letters import Letters

        bench = self.workbench
        path = bench.selected_path

        def take(letter: str | None) -> None:
            if letter is not None:
                bench.letters[letter] = path
                bench.module_tree.mark(bench.letters)
                self.host.tell(f"{say_key('go-to-mark')} {letter} goes to {format.path(path)}")

        if bench.selected is not None:
            later = f"No module is marked yet. Later {key_of('go-to-mark')} and the letter go to this one."
            self.host.push(Letters(f"Mark {format.path(path)} with", bench.letters, later), take)

    def go_to_mark(self) -> None:
        """Go to the module that has a letter."""
        from ...screens.letters import Letters

        bench = self.workbench

        def go(letter: str | None) -> None:
            if letter is None:
                return
            path = bench.letters.get(letter)
            index = None if path is None else bench.model.index_of(path)
            if index is None:
                self.host.tell(f"no module is marked {letter}")
            else:
                bench.go_to(index)

        first = f"No module is marked yet: {key_of('mark')} and a letter marks the one under the cursor."
        self.host.push(Letters("Go to the module marked", bench.letters, first), go)

    def _do_found(self, said: str | None) -> None:
        if said is None:
            return
        kind, _, what = said.partition(" ")
        if kind == "module":
            self.workbench.go_to(int(what))
        elif kind == "theme":
            self.host.set_theme(what)
        else:
            self.host.perform(what)

    def copy(self) -> None:
        """What the focused pane shows: the path of a module, or a panel's text."""
        bench = self.workbench
        panel = bench.focused_panel
        if isinstance(panel, LinePanel):
            self.outside.copy(panel.copy_text())
        elif bench.selected is not None:
            self.outside.copy(format.path(bench.selected_path))

    def edit(self) -> None:
        """Open the editor at what the panel shows."""
        self.host.spawn(self._edit(), group="edit", exclusive=True)

    async def _edit(self) -> None:
        location = await self._locate()
        if location is None:
            self.host.tell("there is no file for this")
        else:
            self.outside.edit_file(*location)

    async def _locate(self) -> tuple[str, int] | None:
        """The file and line of what the panel shows, or of the selected module's forward."""
        panel = self.workbench.panels.current
        location = panel.location() if isinstance(panel, LinePanel) else None
        if location is not None or not self.state.ready:
            return location
        path = self.workbench.selected_path
        reply = await self.engine.ask(GetSource(self.state.generation, path, "forward"))
        if isinstance(reply, Failed):
            return None
        return (reply.file, reply.focus or reply.first_line) if isinstance(reply, Source) and reply.file else None
