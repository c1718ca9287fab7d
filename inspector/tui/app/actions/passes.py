"""What the keys do that run passes, or ask how the model would differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ....client.engine_client import EngineClient
from ....client.pass_plan import BACKWARD, Plan
from ....records import Changes, Failed, TakeBaseline
from ....text import visible
from ..host import Host
from ..passes import Passes
from ..presenter import Presenter
from ..questions import Questions
from ..state import AppState

if TYPE_CHECKING:
    from ...screens.forms.seed import Draw


@dataclass(eq=False)
class PassActions:
    """Owner of the actions `passes`."""

    engine: EngineClient
    state: AppState
    passes: Passes
    presenter: Presenter
    questions: Questions
    host: Host
    _plan: Plan = field(default=Plan(backward=True, batches=10), init=False)  # what was typed last for several batches

    def run(self) -> None:
        self.host.spawn(self.passes.run())

    def backward(self) -> None:
        self.host.spawn(self.passes.run(plan=BACKWARD))

    def batches(self) -> None:
        """Ask how many, and run them."""
        info = self.state.model.info
        if not self._refuse() and info is not None:
            self.questions.ask_batches(self._plan, info.generates, self._run_batches)

    def _refuse(self) -> bool:
        """Say why nothing can run, where that is so."""
        why = self.state.why_no_pass
        if why:
            self.host.tell(why)
        return bool(why)

    def _run_batches(self, plan: Plan) -> None:
        self._plan = plan
        self.host.spawn(self.passes.run(plan=plan))

    def step(self, delta: int) -> None:
        """Look at the next or previous step of the last pass."""
        self.host.spawn(self.passes.show_step(delta))

    def live(self) -> None:
        if self.state.live or not self._refuse():
            self.passes.live.toggle()
            self.presenter.show_live()

    def seed(self) -> None:
        """Ask for the seed and the sample input, and run with them."""
        from ...screens.forms.seed import Draw

        info, target = self.state.model.info, self.state.target
        if self._refuse() or info is None:
            return
        now = Draw(self.state.seed, target.inputs if target is not None else (), self.state.fresh)
        used = f"{visible(info.input)} ({visible(info.input_origin)})" if info.input else ""
        problem = self.state.model.summary.problem if self.state.model.summary is not None else None
        self.questions.ask_seed(now, used, problem.inputs if problem is not None else (), self._draw)

    def _draw(self, draw: Draw) -> None:
        self.state.fresh = draw.fresh
        if draw.specs is not None:
            self.host.spawn(self.passes.set_input(draw.specs, draw.seed))
        else:
            self.host.spawn(self.passes.run(draw.seed))

    def budget(self) -> None:
        """Ask what our hooks may take of a pass, and run with that."""
        if not self._refuse():
            self.questions.ask_budget(self.passes.budget, self.state.model.summary, self._keep_to)

    def _keep_to(self, budget: float) -> None:
        self.host.spawn(self.passes.keep_to(budget))

    def baseline(self) -> None:
        """Compare with the model as it is now."""
        if not self._refuse():
            self.host.spawn(self._take_baseline())

    async def _take_baseline(self) -> None:
        reply = await self.engine.ask(TakeBaseline(self.state.generation))
        if isinstance(reply, Failed):
            self.host.tell(reply.problem.what)
        elif isinstance(reply, Changes):
            self.host.tell(f"the baseline from now on: {reply.baseline or 'the model as it is now'}")
