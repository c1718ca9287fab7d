"""Asks the engine for changes to the model, and says what became of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ....client.engine_client import EngineClient
from ....records import AnyEvent, AnyRequest, Changes, Failed, Problem
from ...keys import key_of
from ..host import Host
from ..state import NO_MODEL, AppState

READONLY = "read-only, by --readonly, readonly=True or the configuration: nothing is changed in the model"


@dataclass(eq=False)
class Changer:
    """What everything that changes the model goes through. That a change was made, the engine tells unasked."""

    engine: EngineClient
    state: AppState
    host: Host

    def when_ready(self, call: Callable[[], object]) -> None:
        """Do this where there is a model that can be changed, else say why not."""
        if not self.state.ready:
            self.host.tell(NO_MODEL)
        elif not self.state.model.is_model:
            self.host.tell("weights without a model: there is nothing to hook or to change")
        else:
            call()

    def when_changeable(self, call: Callable[[], object]) -> None:
        """Do this where the person may change the model, else say why not."""
        if self.state.readonly:
            self.host.tell(READONLY)
        else:
            self.when_ready(call)

    async def ask(self, request: AnyRequest) -> AnyEvent:
        """The engine's reply."""
        return await self.engine.ask(request)

    async def change(self, request: AnyRequest) -> Changes | None:
        """Ask for a change; None where it could not be made, which the person is told."""
        reply = await self.ask(request)
        if isinstance(reply, Failed):
            self.host.tell(describe_problem(reply.problem))
        return reply if isinstance(reply, Changes) else None

    def say_done(self, done: bool | None) -> None:
        """A form made a change, or was left: say which change it was."""
        if done:
            self.say_made(self.state.model.changes)

    def say_made(self, changes: Changes) -> None:
        """Say which change is the last one."""
        made = [change.label for change in changes.changes if not change.undone]
        if made:
            self.host.tell(f"done: {made[-1]}; {key_of('undo')} undoes it")


def describe_problem(problem: Problem) -> str:
    """What was wrong and what to try, in one line."""
    return f"{problem.what}; {problem.hint}" if problem.hint else problem.what
