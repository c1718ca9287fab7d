"""Going along the frames of a stack."""

from __future__ import annotations

from dataclasses import dataclass

from ....client.engine_client import EngineClient
from ....records import Failed, FrameRow, GetLocals, Locals
from ...panels.source import SourcePanel
from ..host import Host
from ..state import AppState
from ..workbench import Workbench


@dataclass(eq=False)
class FrameActions:
    """The tree, the source and the variables follow the cursor. One request is under way at most: what was overtaken is
    not asked for."""

    engine: EngineClient
    state: AppState
    workbench: Workbench
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
