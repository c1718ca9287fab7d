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
    HookSpec,
    KindInfo,
    Path,
    Problem,
    ReplaceHook,
)
from .typed import PART, Typed, read_spec, write_call

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
    example = 'scale(2, on="input")'
    verb = "Add"
    chooses_where = True
    edits = False
    """Parameters are changed at once, and no hook is left."""

    def write(self, kind: KindInfo, typed: Typed) -> str:
        """The hook as Python writes it. Raises ValueError for what is missing or wrong."""
        return write_call(kind, typed)

    def read(self, kind: KindInfo, typed: Typed, code: str = "") -> HookSpec:
        """The hook itself. Raises ValueError likewise."""
        return read_spec(kind, typed, code=code)

    def choices(self, kind: KindInfo) -> tuple[str, ...]:
        """What it can be put on."""
        return kind.on

    def request(self, where: str, hook: str | HookSpec) -> AnyRequest:
        """What does it. A hook that was typed in whole is text."""
        return AddHook(self.generation, where, hook)

    async def check(self, where: str, hook: str | HookSpec) -> HookCheck:
        """What would become of it."""
        reply = await self.ask(CheckHook(self.generation, where, hook, self.edits))
        if isinstance(reply, Failed):
            return HookCheck(problem=reply.problem)
        return reply if isinstance(reply, HookCheck) else HookCheck()

    async def carry_out(self, where: str, hook: str | HookSpec) -> Problem | None:
        """Do it; what was wrong where it could not be done."""
        reply = await self.ask(self.request(where, hook))
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

    def request(self, where: str, hook: str | HookSpec) -> AnyRequest:
        path: Path = self.row.path or ()
        return ReplaceHook(self.generation, path, self.row.kind, self.row.id, hook)


@dataclass(frozen=True)
class Editing(Adding):
    """Change parameters now, once, without a hook."""

    title = "Edit parameters now"
    example = 'scale(2, where="weight")'
    verb = "Edit"
    edits = True

    def write(self, kind: KindInfo, typed: Typed) -> str:
        return write_call(kind, Typed("", typed.values), PART)

    def read(self, kind: KindInfo, typed: Typed, code: str = "") -> HookSpec:
        return read_spec(kind, Typed("", typed.values), PART)

    def choices(self, kind: KindInfo) -> tuple[str, ...]:
        return (PARAMETERS,)

    def request(self, where: str, hook: str | HookSpec) -> AnyRequest:
        return EditParameters(self.generation, where, hook)
