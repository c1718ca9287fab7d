"""Going along the frames of a stack."""

from __future__ import annotations

from dataclasses import dataclass

from ....client.engine_client import EngineClient
from ....records import Failed, FrameRow, GetLocals, Locals
from ...keys import key_of
from ...panels.source import SourcePanel
from ..host import Host
from ..passes import Passes
from ..state import AppState
from ..workbench import Workbench
from .calls import CallActions


@dataclass(eq=False)
class FrameActions:
    """Owner of the actions `frames`. The tree, the source and the variables follow the cursor. One request is under way
    at most: what was overtaken is not asked for."""

    engine: EngineClient
    state: AppState
    workbench: Workbench
    calls: CallActions
    passes: Passes
    host: Host
    _wanted: FrameRow | None = None
    _asking: bool = False

    def go_to(self, row: FrameRow) -> None:
        """Show its variables, and lead to it where the stack leads."""
        if self.workbench.stack.leads:
            self._lead_to(row)
        self._wanted = row
        if not self._asking:
            self._asking = True
            self.host.spawn(self._fetch())

    def _lead_to(self, row: FrameRow) -> None:
        """To the module whose call this frame is part of, and to its line; where a backward pass failed, to the line of
        the forward that it goes back to. Where a pass stands still at a module, that module stays selected."""
        bench, stack = self.workbench, self.workbench.stack
        paused = self.state.paused if row == stack.start else None
        path = paused.path if paused is not None else stack.path
        if path is not None:
            bench.select_path(path)
        bench.panels.show(SourcePanel)
        source = bench.panels.find(SourcePanel)
        if stack.made is not None:
            source.point_at(bench.selected_path, stack.made.file, stack.made.line)
        else:
            source.point_at_frame((bench.selected_path, row.number))

    def toggle(self) -> None:
        """Open the frames there are, with the keyboard, or close them."""
        bench = self.workbench
        had_focus = bench.stack.has_focus_within
        if not bench.stack.toggle():
            self.host.tell("there are no frames: a pass that fails shows them, and one that stops")
        elif bench.stack.display:
            bench.stack.frames.focus()
        elif had_focus:
            bench.module_tree.focus()

    def enter(self, row: FrameRow) -> None:
        """Go to the call of a module that this frame is in, as far as it is known which that is."""
        index = self.state.model.index_of(row.path) if row.path is not None else None
        if index is None:
            self.host.tell("no call of a module is under way in this frame")
            return
        self.workbench.go_to(index)
        if self.state.paused is not None:
            self.host.tell("its call is there when the pass is over")
        elif row.call < 0:
            self.host.tell(f"nobody counted the calls that led here: {key_of('run')} runs a pass, and counts")
        else:
            self.host.spawn(self._look_at_call(index, row))

    async def _look_at_call(self, index: int, row: FrameRow) -> None:
        if row.step != self.state.model.step:
            await self.passes.show_step(row.step - self.state.model.step)
        self.host.after_refresh(lambda: self.calls.choose(index, row.call))

    async def _fetch(self) -> None:
        try:
            while self._wanted is not None:
                row, self._wanted = self._wanted, None
                reply = await self.engine.ask(GetLocals(self.state.generation, row.number))
                if isinstance(reply, Locals):
                    self.workbench.stack.show_locals(reply)
                elif isinstance(reply, Failed):
                    self.workbench.stack.show_problem(reply.problem)
        finally:
            self._asking = False
