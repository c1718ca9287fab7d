"""Says in the title what the engine is at, where that takes long and nothing else says so."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...client.engine_client import EngineClient
from ..keys import key_of
from .host import Host
from .presenter import STOP, Presenter
from .state import AppState

GLANCE = 0.5
"""Seconds from one look at it to the next: what is still the same then has taken about as long."""


@dataclass(eq=False)
class Waits:
    """Of openings, guesses and passes the engine tells itself."""

    engine: EngineClient
    state: AppState
    presenter: Presenter
    host: Host
    _seen: int = field(default=0, init=False)  # the request that was waited for at the last look
    _told: bool = field(default=False, init=False)

    def start(self) -> None:
        self.host.every(GLANCE, self.look).resume()

    def look(self) -> None:
        """Say what has been waited for since the last look, and no longer what is not."""
        number, words = self.engine.doing
        long = bool(number) and number == self._seen and not self.state.running
        self._seen = number
        if long and not self._told and not self.presenter.waits:
            kills = f"{key_of('restart')} kills the engine" if self.engine.ours else ""
            self.presenter.wait(words, STOP if self.engine.stoppable else kills, since=GLANCE)
            self._told = True
        elif self._told and not long:
            self._told = False
            self.presenter.end_wait()
