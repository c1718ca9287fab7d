"""Hooks and edits that outlive a session: kept, offered when the target is opened again, and put on when asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...client.engine_client import EngineClient
from ...records import Changes, Failed, LoadRecipe, Recipe
from .host import Host
from .presenter import Presenter
from .state import AppState

NONE = Recipe()


@dataclass(eq=False)
class LastHooks:
    """`again` is set where the person asked for the model anew: then they are put on without a question."""

    engine: EngineClient
    state: AppState
    presenter: Presenter
    host: Host
    again: bool = field(default=False, init=False)
    _kept: Recipe = field(default=NONE, init=False)  # of last time, as long as they are not on
    _safe: Recipe = field(default=NONE, init=False)  # with which nothing is lost: they are in a file, or were kept

    def take(self, kept: Recipe) -> None:
        """A model is open; these were on it last time."""
        self._kept = kept
        if not self.again:
            self._safe = NONE

    @property
    def to_keep(self) -> Recipe:
        """What is offered next time: what is on now, else what still waits."""
        added = self.state.model.changes.added
        return added if added.words else self._kept

    @property
    def unwritten(self) -> Recipe:
        """What is on and in no file; what lives in the person's own process is theirs."""
        added = self.state.model.changes.added
        return added if added != self._safe and added.words and self.engine.ours else NONE

    def mark_safe(self, recipe: Recipe) -> None:
        """These are in a file."""
        self._safe = recipe

    async def meet(self) -> None:
        """The model is complete: put them on where that was asked for, else offer them."""
        again, self.again = self.again, False
        if again:
            await self._put_back()
        elif self._kept.text and not self.state.readonly:
            self._offer()

    async def _put_back(self) -> None:
        kept, was_safe = self._kept, self._kept == self._safe
        changes = await self._apply() if kept.text else None
        if changes is not None:
            self._begin_with(changes)
        if changes is not None or not kept.text:
            self._safe = changes.added if changes is not None and was_safe else NONE
            self.host.tell(f"reloaded, with {kept.words} as before" if kept.words else "reloaded")

    def _begin_with(self, changes: Changes) -> None:
        """The first pass is with these: that they are told of unasked, maybe after it has begun, is nothing new."""
        self.state.model.changes = changes
        self.presenter.show_changes()

    def ask(self) -> None:
        """Offer them again."""
        if self._kept.text:
            self._offer()
        else:
            self.host.tell("no hooks of last time are waiting")

    def _offer(self) -> None:
        from ..screens.last_hooks import LastHooksOffer

        def answer(said: str | None) -> None:
            if said == "apply":
                self.host.spawn(self._apply_all())
            elif said == "forget":
                self._kept = NONE

        self.host.push(LastHooksOffer(self._kept), answer)

    async def _apply_all(self) -> None:
        kept, alone = self._kept, not self.state.model.changes.added.words
        changes = await self._apply()
        if changes is not None:
            self._safe = changes.added if alone else self._safe
            self.host.tell(f"applied {kept.words} of last time")

    async def _apply(self) -> Changes | None:
        """With all that is on then; None where they could not be put on."""
        kept = self._kept
        reply = await self.engine.ask(LoadRecipe(self.state.generation, text=kept.text))
        if isinstance(reply, Changes):
            self._kept = NONE
            return reply
        if isinstance(reply, Failed):
            self.presenter.log_panel.show_problem(reply.problem)
            self.host.tell(f"{kept.words} of last time not applied: {reply.problem.what}", in_log=True)
        return None
