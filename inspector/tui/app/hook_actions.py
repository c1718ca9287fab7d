"""What the keys do to hooks: add, change, toggle, list, undo, write and read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from textual import on

from ...records import (
    AllHooks,
    AnyEvent,
    AnyRequest,
    Changes,
    DisableAll,
    Failed,
    GetAllHooks,
    GetHookSource,
    HookRow,
    KindInfo,
    Kinds,
    ListKinds,
    LoadRecipe,
    Path,
    Problem,
    RemoveHook,
    Save,
    Saved,
    SetHook,
    Source,
    Undo,
)
from ...text import visible
from .. import format
from ..messages import HookAsked
from ..panels.hook_rows import is_observer
from ..screens.hooks.jobs import PARAMETERS, PYTHON, Adding, Editing, Replacing
from ..screens.hooks.places import names_modules
from ..screens.hooks.typed import fill
from .actions import Actions

HOOKS_ON_A_PAGE = 500
SAVE_ABOUT = (
    "The ending says what: .toml the hooks as a recipe, .py a script that does the same, .safetensors the recorded "
    "tensors."
)
READ_ABOUT = "A recipe of hooks and edits, as w writes it (.toml). They are added to those that are there."


class HookActions(Actions, inherit_bindings=False):
    """The part of the app that changes what the model does."""

    _kinds: tuple[KindInfo, ...] = ()
    _others_allowed = False
    """The person agreed once to switch other people's hooks; they are not asked again."""

    async def ask(self, request: AnyRequest) -> AnyEvent:
        return await self.flow.engine.ask(request)

    @property
    def _generation(self) -> int:
        return self.flow.model.generation

    async def _change(self, request: AnyRequest) -> Changes | None:
        """Ask for a change and tell why it could not be made; the flow hears of one that was."""
        reply = await self.ask(request)
        if isinstance(reply, Failed):
            self.tell(_words(reply.problem))
        return reply if isinstance(reply, Changes) else None

    def _if_ready(self, call: Callable[[], object]) -> None:
        if not self.flow.ready:
            self.tell("there is no model yet")
        elif not self.flow.model.callable:
            self.tell("weights without a model: there is nothing to hook or to change")
        else:
            call()

    def action_add_hook(self) -> None:
        self._if_ready(lambda: self.run_worker(self._add_hook(), exclusive=True, group="form"))

    async def _add_hook(self) -> None:
        from ..screens.hooks.add_hook import AddHookPicker

        if kinds := await self._list_kinds():
            job = Adding(self.ask, self._generation, kinds, self._place(), self._has_modules_below(), self.edit_text)
            self.push_screen(AddHookPicker(job), self._done)

    def action_edit_parameters(self) -> None:
        self._if_ready(lambda: self.run_worker(self._edit_parameters(), exclusive=True, group="form"))

    async def _edit_parameters(self) -> None:
        from ..screens.hooks.add_hook import AddHookPicker

        kinds = tuple(k for k in await self._list_kinds() if PARAMETERS in k.on and k.group != PYTHON)
        if kinds:
            job = Editing(self.ask, self._generation, kinds, self._place(), self._has_modules_below(), self.edit_text)
            self.push_screen(AddHookPicker(job), self._done)

    async def _change_hook(self, row: HookRow) -> None:
        from ..screens.hooks.form import HookForm

        if row.spec is None or row.path is None:
            self.tell(_NOT_OURS if not row.ours else "the observe hook has nothing to change; space turns it off")
            return
        kinds = await self._list_kinds()
        kind = next((kind for kind in kinds if kind.name == row.spec.kind), None)
        if kind is None:
            self.tell(f"no kind of hook is called {row.spec.kind}")
            return
        code = await self._code_of(row) if kind.group == PYTHON else ""
        where = ".".join(row.path)
        job = Replacing(self.ask, self._generation, kinds, where, edit=self.edit_text, row=row)
        self.push_screen(HookForm(job, kind, fill(row.spec), code), self._done)

    async def _code_of(self, row: HookRow) -> str:
        reply = await self.ask(GetHookSource(self._generation, row.path, row.kind, row.id, row.of))
        return reply.text if isinstance(reply, Source) else ""

    async def _list_kinds(self) -> tuple[KindInfo, ...]:
        """The kinds there are; they do not change while an engine runs."""
        if not self._kinds:
            reply = await self.ask(ListKinds())
            if isinstance(reply, Failed):
                self.tell(_words(reply.problem))
            self._kinds = reply.kinds if isinstance(reply, Kinds) else ()
        return self._kinds

    def _place(self) -> str:
        """Where a hook is meant to go: what a filter names, else the selected module."""
        filtered = self.workbench.module_tree.filter
        return filtered.strip() if names_modules(filtered) else ".".join(self.workbench.selected_path)

    def _has_modules_below(self) -> bool:
        selected = self.workbench.selected
        if names_modules(self.workbench.module_tree.filter) or selected is None:
            return False
        return bool(self.flow.model.children[selected])

    def _done(self, done: bool | None) -> None:
        """A form made a change: say which."""
        made = [change.label for change in self.flow.model.changes.changes if not change.undone]
        if done and made:
            self.tell(f"done: {made[-1]}; u undoes it")

    @on(HookAsked)
    def _hook_asked(self, message: HookAsked) -> None:
        row = message.row
        if message.deed == "toggle":
            self._ask_to_toggle(row)
        elif message.deed == "source":
            self.run_worker(self._show_source(row), exclusive=True, group="form")
        elif message.deed == "change":
            self.run_worker(self._change_hook(row), exclusive=True, group="form")
        else:
            self.run_worker(self._delete(row))

    def _ask_to_toggle(self, row: HookRow) -> None:
        from ..screens.confirm import Confirm

        def answered(yes: bool | None) -> None:
            if yes:
                self._others_allowed = True
                self.run_worker(self._toggle(row))

        if row.locked:
            self.tell(f"this hook stays as it is: {row.locked}")
        elif row.ours or self._others_allowed:
            self.run_worker(self._toggle(row))
        else:
            whose = f" ({visible(row.owner)})" if row.owner else ""
            question = (
                f"{format.cut(visible(row.name), 60)}{whose} is not a hook of this program. Switch it "
                f"{'off' if row.enabled else 'on'}? It keeps its place and its handle, and is as it was when you leave."
            )
            self.push_screen(Confirm(question, "Switch it; do not ask again"), answered)

    async def _toggle(self, row: HookRow) -> None:
        if is_observer(row) and row.path is not None:
            await self.flow.observe((row.path,), subtree=False, on=not row.enabled)
            self.hooks_changed()
        else:
            await self._change(SetHook(self._generation, row.path, row.kind, row.id, not row.enabled, row.of))

    async def _delete(self, row: HookRow) -> None:
        if not row.ours:
            self.tell(_NOT_OURS)
        elif row.path is None:
            self.tell("this hook is of the whole process; space switches it off")
        elif is_observer(row):
            await self.flow.observe((row.path,), subtree=False, on=False)
            self.hooks_changed()
        elif await self._change(RemoveHook(self._generation, row.path, row.kind, row.id)):
            self.tell(f"deleted {row.name}; u undoes it")

    async def _show_source(self, row: HookRow) -> None:
        from ..screens.hooks.source import HookSource

        reply = await self.ask(GetHookSource(self._generation, row.path, row.kind, row.id, row.of))
        if isinstance(reply, Source):
            self.push_screen(HookSource(reply, self.edit_file, self.options.ascii))
        elif isinstance(reply, Failed):
            self.tell(_words(reply.problem))

    def action_all_hooks(self) -> None:
        from ..screens.hooks.all_hooks import AllHooksScreen

        def chosen(path: Path | None) -> None:
            if path is not None:
                self.workbench.select_path(path)

        self._if_ready(lambda: self.push_screen(AllHooksScreen(self._hooks_from, self.options.ascii), chosen))

    async def _hooks_from(self, first: int) -> AllHooks | Problem:
        reply = await self.ask(GetAllHooks(self._generation, first, HOOKS_ON_A_PAGE))
        if isinstance(reply, Failed):
            return reply.problem
        return reply if isinstance(reply, AllHooks) else AllHooks((), 0)

    def hooks_changed(self) -> None:
        """What is known of hooks, or how often they fired, is old."""
        from ..screens.hooks.all_hooks import AllHooksScreen

        for screen in self.screen_stack:
            if isinstance(screen, AllHooksScreen):
                screen.reload()

    def action_disable_all(self) -> None:
        self._if_ready(lambda: self.run_worker(self._disable_all()))

    async def _disable_all(self) -> None:
        if await self._change(DisableAll(self._generation)):
            self.tell("all hooks of ours are off; u undoes it")

    def action_undo(self) -> None:
        self._if_ready(lambda: self.run_worker(self._undo(redo=False), group="undo"))

    def action_redo(self) -> None:
        self._if_ready(lambda: self.run_worker(self._undo(redo=True), group="undo"))

    async def _undo(self, redo: bool) -> None:
        before = self.flow.model.changes
        after = await self._change(Undo(self._generation, redo))
        if after is not None:
            label = turned(before, after, undone=not redo)
            word = "redo" if redo else "undo"
            self.tell(f"{word}ne: {label}" if label else f"nothing to {word}")

    def action_write(self) -> None:
        self._if_ready(self._ask_where_to_write)

    def _ask_where_to_write(self) -> None:
        from ..screens.file_prompt import FilePrompt

        target = self.flow.target.target if self.flow.target is not None else ""
        self.push_screen(FilePrompt("Write hooks", SAVE_ABOUT, "Write", recipe_name(target), self._save))

    async def _save(self, file: str) -> Problem | None:
        reply = await self.ask(Save(self._generation, os.path.abspath(os.path.expanduser(file))))
        if isinstance(reply, Saved):
            self.tell(f"wrote {reply.what} to {reply.file}")
        return reply.problem if isinstance(reply, Failed) else None

    def action_read(self) -> None:
        from ..screens.file_prompt import FilePrompt

        self._if_ready(
            lambda: self.push_screen(FilePrompt("Read hooks", READ_ABOUT, "Read", "", self._load), self._done)
        )

    async def _load(self, file: str) -> Problem | None:
        reply = await self.ask(LoadRecipe(self._generation, os.path.abspath(os.path.expanduser(file))))
        return reply.problem if isinstance(reply, Failed) else None


_NOT_OURS = "this hook is not ours: it can only be switched off, with space"


def turned(before: Changes, after: Changes, undone: bool) -> str:
    """The label of the change that is undone now and was not before, or the other way round; "" for none. Keys may
    come faster than answers: of several it is the one that turned last."""
    was = [change.undone for change in before.changes]
    turned = [
        change.label
        for number, change in enumerate(after.changes)
        if change.undone == undone and (number >= len(was) or was[number] != undone)
    ]
    return turned[0 if undone else -1] if turned else ""


def recipe_name(target: str) -> str:
    """A file name for the hooks of a target, in the folder that the program was started in."""
    head, colon, name = target.rpartition(":")
    stem = os.path.splitext(os.path.basename(head))[0] if head else os.path.splitext(os.path.basename(name))[0]
    said = f"{stem}-{name}" if colon else stem
    return f"{re.sub(r'[^A-Za-z0-9_]+', '-', said).strip('-') or 'model'}-hooks.toml"


def _words(problem: Problem) -> str:
    return f"{problem.what}; {problem.hint}" if problem.hint else problem.what
