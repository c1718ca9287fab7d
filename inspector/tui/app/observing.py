"""Turns the observe hooks of modules on and off."""

from __future__ import annotations

from dataclasses import dataclass

from ...client.engine_client import EngineClient
from ...records import Failed, Observe, Path
from .host import Host
from .state import AppState


@dataclass(eq=False)
class Observing:
    """Asks the engine, and says why it could not be done."""

    engine: EngineClient
    state: AppState
    host: Host

    async def turn(self, paths: tuple[Path, ...], subtree: bool, on: bool) -> None:
        """The observe hooks of these modules, with `subtree` also of all below them. `HookMarks` tell what came of
        it."""
        reply = await self.engine.ask(Observe(self.state.generation, paths, subtree, on))
        if isinstance(reply, Failed):
            self.host.tell(reply.problem.what)
