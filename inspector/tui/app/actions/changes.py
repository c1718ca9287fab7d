"""What the keys do to all changes of a person: undo, redo, off at once, write and read."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from ....client.engine_client import EngineClient
from ....records import Changes, DisableAll, Failed, LoadRecipe, Problem, Save, Saved, Undo
from ...keys import key_of
from ..host import Host
from ..last_hooks import LastHooks
from ..state import AppState
from .changer import Changer

ABOUT_WRITE = (
    "The ending says what: .toml the hooks as a recipe, .py a script that does the same, .safetensors the recorded "
    "tensors."
)
ABOUT_READ = (
    f"A recipe of hooks and edits, as {key_of('write')} writes it (.toml). They are added to those that are there."
)


@dataclass(eq=False)
class ChangeActions:
    """Owner of the actions `changes`."""

    engine: EngineClient
    state: AppState
    changer: Changer
    last_hooks: LastHooks
    host: Host

    def disable_all(self) -> None:
        self.changer.when_changeable(lambda: self.host.spawn(self._disable_all()))

    async def _disable_all(self) -> None:
        if await self.changer.change(DisableAll(self.state.generation)):
            self.host.tell(f"all hooks of ours are off; {key_of('undo')} undoes it")

    def undo(self) -> None:
        self.changer.when_ready(lambda: self.host.spawn(self._undo(redo=False), group="undo"))

    def redo(self) -> None:
        self.changer.when_ready(lambda: self.host.spawn(self._undo(redo=True), group="undo"))

    async def _undo(self, redo: bool) -> None:
        before = self.state.model.changes
        after = await self.changer.change(Undo(self.state.generation, redo))
        if after is not None:
            label = find_turned(before, after, undone=not redo)
            word = "redo" if redo else "undo"
            self.host.tell(f"{word}ne: {label}" if label else f"nothing to {word}")

    def write(self) -> None:
        """Ask where to, and write the hooks there."""
        self.changer.when_ready(self._ask_where_to_write)

    def _ask_where_to_write(self) -> None:
        from ...screens.file_prompt import FilePrompt

        target = self.state.target.target if self.state.target is not None else ""
        self.host.push(FilePrompt("Write hooks", ABOUT_WRITE, "Write", name_recipe_file(target), self._save))

    async def _save(self, file: str) -> Problem | None:
        added = self.state.model.changes.added
        reply = await self.engine.ask(Save(self.state.generation, resolve_file(file)))
        if isinstance(reply, Saved):
            if not file.endswith(".safetensors"):
                self.last_hooks.mark_safe(added)
            self.host.tell(f"wrote {reply.what} to {reply.file}")
        return reply.problem if isinstance(reply, Failed) else None

    def read(self) -> None:
        """Ask for a recipe, and add its hooks."""
        self.changer.when_changeable(self._ask_what_to_read)

    def _ask_what_to_read(self) -> None:
        from ...screens.file_prompt import FilePrompt

        self.host.push(FilePrompt("Read hooks", ABOUT_READ, "Read", "", self._load), self.changer.say_done)

    def apply_last(self) -> None:
        """Offer the hooks and edits of last time again."""
        self.changer.when_changeable(self.last_hooks.ask)

    async def _load(self, file: str) -> Problem | None:
        before = self.state.model.changes.added
        reply = await self.engine.ask(LoadRecipe(self.state.generation, resolve_file(file)))
        if isinstance(reply, Changes) and not before.words:
            self.last_hooks.mark_safe(reply.added)
        return reply.problem if isinstance(reply, Failed) else None


def resolve_file(file: str) -> str:
    """A file as typed, from the folder that the program was started in."""
    return os.path.abspath(os.path.expanduser(file))


def find_turned(before: Changes, after: Changes, undone: bool) -> str:
    """The label of the change that is undone now and was not before, or the other way round; "" for none. Keys may
    come faster than answers: of several it is the one that turned last."""
    was = [change.undone for change in before.changes]
    turned = [
        change.label
        for number, change in enumerate(after.changes)
        if change.undone == undone and (number >= len(was) or was[number] != undone)
    ]
    return turned[0 if undone else -1] if turned else ""


def name_recipe_file(target: str) -> str:
    """A file name for the hooks of a target, in the folder that the program was started in."""
    head, colon, name = target.rpartition(":")
    stem = os.path.splitext(os.path.basename(head))[0] if head else os.path.splitext(os.path.basename(name))[0]
    said = f"{stem}-{name}" if colon else stem
    return f"{re.sub(r'[^A-Za-z0-9_]+', '-', said).strip('-') or 'model'}-hooks.toml"
