"""The forms in which a hook is added or changed, and what they start from."""

from __future__ import annotations

from dataclasses import dataclass, field

from ....records import Failed, GetHookSource, HookRow, HookSpec, KindInfo, Kinds, ListKinds, Source
from ...screens.hooks.jobs import PARAMETERS, PYTHON, Adding, Editing, Replacing
from ...screens.hooks.places import names_modules
from ...screens.hooks.typed import fill
from ..host import Host
from ..outside import Outside
from ..state import AppState
from ..workbench import Workbench
from .changer import Changer, describe_problem


@dataclass(eq=False)
class HookForms:
    """Opens them when the engine has said which kinds of hooks there are."""

    state: AppState
    workbench: Workbench
    changer: Changer
    outside: Outside
    host: Host
    _kinds: tuple[KindInfo, ...] = field(default=(), init=False)

    async def add(self) -> None:
        """Let the person add a hook."""
        if kinds := await self._list_kinds():
            self._pick(Adding(self.changer.ask, self.state.generation, kinds, *self._place(), self.outside.edit_text))

    async def edit_parameters(self) -> None:
        """Let the person change parameters once, without a hook."""
        if kinds := tuple(k for k in await self._list_kinds() if PARAMETERS in k.on and k.group != PYTHON):
            self._pick(Editing(self.changer.ask, self.state.generation, kinds, *self._place(), self.outside.edit_text))

    def _pick(self, job: Adding) -> None:
        from ...screens.hooks.add_hook import AddHookPicker

        self.host.push(AddHookPicker(job), self.changer.say_done)

    async def change(self, row: HookRow, spec: HookSpec) -> None:
        """Let the person change a hook of ours, which was made by `spec`."""
        from ...screens.hooks.form import HookForm

        kinds = await self._list_kinds()
        kind = next((kind for kind in kinds if kind.name == spec.kind), None)
        if kind is None:
            self.host.tell(f"no kind of hook is called {spec.kind}")
            return
        code = await self._code_of(row) if kind.group == PYTHON else ""
        where = ".".join(row.path or ())
        job = Replacing(self.changer.ask, self.state.generation, kinds, where, edit=self.outside.edit_text, row=row)
        self.host.push(HookForm(job, kind, fill(spec), code), self.changer.say_done)

    async def _code_of(self, row: HookRow) -> str:
        request = GetHookSource(self.state.generation, row.path, row.kind, row.id, row.of)
        reply = await self.changer.ask(request)
        return reply.text if isinstance(reply, Source) else ""

    async def _list_kinds(self) -> tuple[KindInfo, ...]:
        """The kinds there are; they do not change while an engine runs."""
        if not self._kinds:
            reply = await self.changer.ask(ListKinds())
            if isinstance(reply, Failed):
                self.host.tell(describe_problem(reply.problem))
            self._kinds = reply.kinds if isinstance(reply, Kinds) else ()
        return self._kinds

    def _place(self) -> tuple[str, bool]:
        """Where a hook is meant to go: what a filter names, else the selected module; and whether that is a module
        with others below it."""
        filtered, selected = self.workbench.module_tree.filter, self.workbench.selected
        if names_modules(filtered):
            return filtered.strip(), False
        below = selected is not None and self.state.model.rows.has_children(selected)
        return ".".join(self.workbench.selected_path), below
