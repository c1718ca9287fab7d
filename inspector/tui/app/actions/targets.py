"""What the keys do to the target: open another one, load it anew, forget it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec
from textual.widget import AwaitMount

from ....client.engine_client import EngineClient
from ....records import Choice, Choices, ListTargets, Target
from ....target_kinds import TOUR
from ....text import visible
from ...engine_client import KILLED
from ..bookmarks import Bookmarks
from ..host import Host
from ..last_hooks import LastHooks
from ..opening import Opening
from ..presenter import Presenter
from ..questions import Questions
from ..state import NO_MODEL, AppState


@dataclass(eq=False)
class TargetActions:
    """Owner of the actions `targets`."""

    engine: EngineClient
    state: AppState
    opening: Opening
    presenter: Presenter
    bookmarks: Bookmarks
    last_hooks: LastHooks
    questions: Questions
    host: Host
    settings: Mapping[str, Mapping[str, Any]]  # fields of `Target` that a person configured, by its name

    def open(self) -> AwaitMount:
        """Ask what to open: what was open lately at once, the engine's names when they are there."""
        from ...screens.picker import Picker

        recent = self.bookmarks.list_recent()
        shown = [Choice(each.target, "recent", _typed_with(each)) for each in recent]
        shown = shown or [Choice(TOUR, "tour", "how this is used, in five screens")]
        picker = Picker("Open a model", shown, free=True, waiting=True)

        async def fetch() -> None:
            await mounted
            reply = await self.engine.ask(ListTargets())
            if picker.is_shown:
                picker.add(reply.items if isinstance(reply, Choices) else ())

        mounted = self.host.push(picker, lambda name: self._open_picked(name, recent))
        self.host.spawn(fetch())
        return mounted

    def _open_picked(self, name: str | None, recent: tuple[Target, ...]) -> None:
        if name is not None:
            again = next((each for each in recent if each.target == name), None)
            self.opening.start(again or parse_target(name, self.settings))
            if name == TOUR:
                self.host.perform("tour")
        elif self.state.target is None:
            self.host.leave(self.state.exit_code)

    def restart(self) -> None:
        """A new engine with the same target, hooks and selection. One that is busy is only killed, so that what it had
        captured can be looked at."""
        if not self._can_restart():
            return
        self.last_hooks.again = False
        self.bookmarks.hold()
        if self.engine.busy:
            self.host.spawn(self.engine.interrupt(KILLED), group="restart", exclusive=True)
        else:
            self._start_again("starting the engine again")

    def reload(self) -> None:
        """The code as it is on disk now, with selection, hooks and input as they are. A fresh engine imports all of
        it anew."""
        target = self.state.target
        if target is None:
            self.host.tell(NO_MODEL)
        elif self._can_restart():
            self.last_hooks.again = True
            self.bookmarks.hold()
            self.opening.passes.repeat_seed()
            self._start_again(f"reloading {target.target} …")

    def _can_restart(self) -> bool:
        if not self.engine.ours:
            self.host.tell("the model lives in your process, which cannot be restarted from here")
        return self.engine.ours

    def _start_again(self, stage: str) -> None:
        self.state.first = False  # what is wrong with it is said here, where it was opened from
        self.opening.forget()
        self.presenter.stage(stage)
        self.host.spawn(self._restart(), group="restart", exclusive=True)

    async def _restart(self) -> None:
        await self.engine.restart()
        if self.state.target is not None:
            await self.opening.open(self.state.target)

    def forget(self) -> None:
        """Drop what was kept of this target, if that is what the person wants."""
        target = self.state.target
        if target is None:
            self.host.tell(NO_MODEL)
            return

        def forget() -> None:
            self.bookmarks.forget(target)
            self.host.tell("forgotten; this session will not be kept either")

        self.questions.confirm(f"Forget what was kept for {visible(target.target)}?", "Forget", forget)


def parse_target(text: str, settings: Mapping[str, Mapping[str, Any]] = MappingProxyType({})) -> Target:
    """A target with constructor arguments, as after the command's name, and what is configured for it."""
    try:
        name, *rest = shlex.split(text)
    except ValueError:
        return Target(text)
    pairs = [tuple(word.split("=", 1)) for word in rest if "=" in word]
    configured = settings.get(name, {})
    arguments = [*configured.get("arguments", ()), *pairs]
    return msgspec.convert({**configured, "target": name, "arguments": arguments}, Target)


def _typed_with(target: Target) -> str:
    """What stood beside the target on the command line: its arguments, its inputs, its weights."""
    inputs = (word for spec in target.inputs for word in ("-i", spec))
    weights = ("-w", target.weights) if target.weights else ()
    return shlex.join([*(f"{name}={value}" for name, value in target.arguments), *inputs, *weights])
