"""What a form about a hook is for: what it may change, what it asks the engine, and how it says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ....records import (
    AddHook,
    AnyEvent,
    AnyRequest,
    Changes,
    CheckHook,
    EditParameters,
    Failed,
    HookCheck,
    HookRow,
    KindInfo,
    Path,
    Problem,
    ReplaceHook,
)
from .text import Typed, call_text

PARAMETERS = "parameters"
PYTHON = "Python"
"""The group of the kinds that are written by the person."""

Ask = Callable[[AnyRequest], Awaitable[AnyEvent]]

Edit = Callable[[str, int], str | None]
"""Lets the person edit a text in their editor, starting at a line; None where that cannot be."""


@dataclass(frozen=True)
class Adding:
    """Add a hook to the modules that `where` names."""

    ask: Ask
    generation: int
    kinds: tuple[KindInfo, ...]
    where: str = ""  # to start from
    below: bool = False  # the module has others in it
    edit: Edit = lambda text, line: None

    title = "Add a hook"
    verb = "Add"
    chooses_where = True
    has_options = True

    def text(self, kind: KindInfo, typed: Typed) -> str:
        """The hook as it is typed. Raises ValueError for what is missing or wrong."""
        return call_text(kind, typed)

    def choices(self, kind: KindInfo) -> tuple[str, ...]:
        """What it can be put on."""
        return kind.on

    def request(self, where: str, hook: str, code: str) -> AnyRequest:
        """What does it."""
        return AddHook(self.generation, where, hook, code)

    async def check(self, where: str, hook: str, code: str = "") -> HookCheck:
        """What would become of it."""
        reply = await self.ask(CheckHook(self.generation, where, self.checked(hook), code))
        if isinstance(reply, Failed):
            return HookCheck(hook, problem=reply.problem)
        return reply if isinstance(reply, HookCheck) else HookCheck(hook)

    def checked(self, hook: str) -> str:
        """The hook that is asked about in place of `hook`."""
        return hook

    async def carry_out(self, where: str, hook: str, code: str = "") -> Problem | None:
        """Do it; what was wrong where it could not be done."""
        reply = await self.ask(self.request(where, hook, code))
        if isinstance(reply, Failed):
            return reply.problem
        return None if isinstance(reply, Changes) else Problem("the engine gave no answer to that")


@dataclass(frozen=True, kw_only=True)
class Replacing(Adding):
    """Put another hook in the place of one of ours."""

    row: HookRow

    title = "Change a hook"
    verb = "Change"
    chooses_where = False

    def request(self, where: str, hook: str, code: str) -> AnyRequest:
        path: Path = self.row.path or ()
        return ReplaceHook(self.generation, path, self.row.kind, self.row.id, hook, code)


@dataclass(frozen=True)
class Editing(Adding):
    """Change parameters now, once, without a hook."""

    title = "Edit parameters now"
    verb = "Edit"
    has_options = False

    def text(self, kind: KindInfo, typed: Typed) -> str:
        return call_text(kind, Typed("", typed.values), options=False)

    def choices(self, kind: KindInfo) -> tuple[str, ...]:
        return (PARAMETERS,)

    def checked(self, hook: str) -> str:
        kind = next((kind for kind in self.kinds if hook.startswith(f"{kind.name}(")), None)
        if kind is None or kind.on[0] == PARAMETERS or not hook.endswith(")"):
            return hook
        return f"{hook[:-1]}{'' if hook.endswith('()') else ', '}on='{PARAMETERS}')"

    def request(self, where: str, hook: str, code: str) -> AnyRequest:
        return EditParameters(self.generation, where, hook)
