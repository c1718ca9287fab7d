"""What the keys do to hooks: observe, add, change and list them."""

from __future__ import annotations

from dataclasses import dataclass

from ....client.engine_client import EngineClient
from ....client.model import OBSERVED, REFUSED
from ....records import AllHooks, Failed, GetAllHooks, Path, Problem
from ...screens.layer import FORM
from ..host import Host
from ..observing import Observing
from ..state import AppState
from ..workbench import Workbench
from .changer import Changer
from .hook_forms import HookForms

HOOKS_ON_A_PAGE = 500


@dataclass(eq=False)
class HookActions:
    """Owner of the actions `hooks`."""

    engine: EngineClient
    state: AppState
    workbench: Workbench
    observing: Observing
    changer: Changer
    forms: HookForms
    host: Host
    ascii: bool

    def observe(self) -> None:
        """Toggle the observe hook of the selected module with all below it, or of every match of a filter."""
        bench, model = self.workbench, self.state.model
        if bench.selected is None:
            return
        rows = bench.module_tree.options.matches or [bench.selected]
        filtered = bool(bench.module_tree.filter)
        can = [index for index in rows if model.mark_of(index) != REFUSED]
        if not can and not model.rows.has_children(rows[0]):
            self._say_refused(rows[0])
            return
        on = not all(model.mark_of(index) == OBSERVED for index in can)
        paths: tuple[Path, ...] = tuple(model.paths[index] for index in rows)
        subtree = not filtered and model.rows.has_children(rows[0])
        self.host.spawn(self.observing.turn(paths, subtree, on))

    def _say_refused(self, index: int) -> None:
        model = self.state.model
        why = model.marks.refused.get(model.object_of(index), "")
        self.host.tell(f"this module cannot be hooked{': ' if why else ''}{why}")

    def add(self) -> None:
        self.changer.when_changeable(lambda: self.host.spawn(self.forms.add(), group=FORM, exclusive=True))

    def edit_parameters(self) -> None:
        self.changer.when_changeable(lambda: self.host.spawn(self.forms.edit_parameters(), group=FORM, exclusive=True))

    def list_all(self) -> None:
        """Every hook of the model, and go to the module of one that is chosen."""
        self.changer.when_ready(self._list_all)

    def _list_all(self) -> None:
        from ...screens.hooks.all_hooks import AllHooksScreen

        def go_to(path: Path | None) -> None:
            if path is not None:
                self.workbench.select_path(path)

        self.host.push(AllHooksScreen(self._fetch_hooks, self.ascii), go_to)

    async def _fetch_hooks(self, first: int) -> AllHooks | Problem:
        reply = await self.engine.ask(GetAllHooks(self.state.generation, first, HOOKS_ON_A_PAGE))
        if isinstance(reply, Failed):
            return reply.problem
        return reply if isinstance(reply, AllHooks) else AllHooks((), 0)
