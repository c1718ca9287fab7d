"""The very first start of all: the tour comes by itself, and a key that was meant for the app ends it."""

from __future__ import annotations

from dataclasses import dataclass

from textual.events import Key

from ....records import Target
from ....target_kinds import TOUR
from ...screens.layer import FORM
from ..host import Host
from .targets import TargetActions


@dataclass(eq=False)
class FirstStart:
    """Shows the tour over the target that is opened, else over the tour's own model; then one is picked."""

    targets: TargetActions
    host: Host

    def show_tour(self, has_target: bool) -> None:
        from ...screens.tour import Tour

        if not has_target:
            self.targets.opening.start(Target(TOUR))
        self.host.push(Tour(unasked=True), lambda key: self.host.spawn(self._go_on(key, has_target), group=FORM))

    async def _go_on(self, key: Key | None, has_target: bool) -> None:
        """With the `key` that ended the tour, where it was none of the tour's."""
        if not has_target:
            await self.targets.open()
        if key is not None:
            self.host.type_key(key)
