"""What the keys do to the hook under the cursor of a list of hooks."""

from __future__ import annotations

from dataclasses import dataclass, field

from ....client.engine_client import EngineClient
from ....records import Failed, GetHookSource, HookRow, RemoveHook, SetHook, Source
from ....text import visible
from ... import format
from ...keys import key_of
from ...messages import HookAsked
from ...panels.hook_rows import is_observer
from ...screens.layer import FORM
from ..host import Host
from ..observing import Observing
from ..outside import Outside
from ..questions import Questions
from ..state import AppState
from .changer import READONLY, Changer, describe_problem
from .hook_forms import HookForms

NOT_OURS = f"this hook is not ours: it can only be switched off, with {key_of('toggle-hook')}"


@dataclass(eq=False)
class HookRowActions:
    """Does what a `HookAsked` asks for, whichever list it comes from."""

    engine: EngineClient
    state: AppState
    observing: Observing
    changer: Changer
    forms: HookForms
    outside: Outside
    questions: Questions
    host: Host
    ascii: bool
    _others_allowed: bool = field(default=False, init=False)  # the person agreed once to switch other people's hooks

    def carry_out(self, asked: HookAsked) -> None:
        row = asked.row
        if self.state.readonly and asked.deed != "source" and not is_observer(row):
            self.host.tell(READONLY)
        elif asked.deed == "toggle":
            self._ask_to_toggle(row)
        elif asked.deed == "source":
            self.host.spawn(self._show_source(row), group=FORM, exclusive=True)
        elif asked.deed == "change":
            self._change(row)
        else:
            self.host.spawn(self._delete(row))

    def _ask_to_toggle(self, row: HookRow) -> None:
        if row.locked:
            self.host.tell(f"this hook stays as it is: {row.locked}")
        elif row.ours or self._others_allowed:
            self.host.spawn(self._toggle(row))
        else:
            self.questions.confirm(_toggle_question(row), "Switch it; do not ask again", lambda: self._allow(row))

    def _allow(self, row: HookRow) -> None:
        self._others_allowed = True
        self.host.spawn(self._toggle(row))

    async def _toggle(self, row: HookRow) -> None:
        if is_observer(row) and row.path is not None:
            await self.observing.turn((row.path,), subtree=False, on=not row.enabled)
            self.host.reload_layers()
        else:
            request = SetHook(self.state.generation, row.path, row.kind, row.id, not row.enabled, row.of)
            await self.changer.change(request)

    async def _show_source(self, row: HookRow) -> None:
        from ...screens.hooks.source import HookSource

        request = GetHookSource(self.state.generation, row.path, row.kind, row.id, row.of)
        reply = await self.engine.ask(request)
        if isinstance(reply, Source):
            self.host.push(HookSource(reply, self.outside.edit_file, self.ascii))
        elif isinstance(reply, Failed):
            self.host.tell(describe_problem(reply.problem))

    def _change(self, row: HookRow) -> None:
        if not row.ours:
            self.host.tell(NOT_OURS)
        elif row.spec is None or row.path is None:
            self.host.tell(f"the observe hook has nothing to change; {key_of('toggle-hook')} turns it off")
        else:
            self.host.spawn(self.forms.change(row, row.spec), group=FORM, exclusive=True)

    async def _delete(self, row: HookRow) -> None:
        if not row.ours:
            self.host.tell(NOT_OURS)
        elif row.path is None:
            self.host.tell(f"this hook is of the whole process; {key_of('toggle-hook')} switches it off")
        elif is_observer(row):
            await self.observing.turn((row.path,), subtree=False, on=False)
            self.host.reload_layers()
        elif await self.changer.change(RemoveHook(self.state.generation, row.path, row.kind, row.id)):
            self.host.tell(f"deleted {row.name}; {key_of('undo')} undoes it")


def _toggle_question(row: HookRow) -> str:
    whose = f" ({visible(row.owner)})" if row.owner else ""
    return (
        f"{format.cut(visible(row.name), 60)}{whose} is not a hook of this program. Switch it "
        f"{'off' if row.enabled else 'on'}? It keeps its place and its handle, and is as it was when you leave."
    )
