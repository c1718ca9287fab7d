"""What the keys do that run other passes than a plain one, or ask how the model would differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.app import App

from ...client.pass_plan import BACKWARD, Plan
from ...records import Changes, Failed, Problem, StateDictReport, TakeBaseline, TryStateDict
from ..panels.gradients import GradientsPanel

if TYPE_CHECKING:
    from ..options import AppOptions
    from .controller import Flow
    from .workbench import Workbench

NO_MODEL = "there is no model yet"


class PassActions(App[None], inherit_bindings=False):
    """The part of the app that asks for more than one forward pass."""

    flow: Flow
    options: AppOptions
    workbench: Workbench
    batches_plan = Plan(backward=True, batches=10)
    """What was typed last for several batches."""
    state_dict_file = ""
    """The file that was compared last."""

    def tell(self, text: str) -> None:
        raise NotImplementedError

    def action_backward(self) -> None:
        self.run_worker(self.flow.run(plan=BACKWARD))

    def action_batches(self) -> None:
        """Ask how many, and run them."""
        from ..screens.batches import BatchesDialog

        if not self.flow.ready:
            self.tell(NO_MODEL)
            return

        def answered(plan: Plan | None) -> None:
            if plan is not None:
                self.batches_plan = plan
                self.run_worker(self.flow.run(plan=plan))

        self.push_screen(BatchesDialog(self.batches_plan), answered)

    def action_baseline(self) -> None:
        if self.flow.ready:
            self.run_worker(self._take_baseline())
        else:
            self.tell(NO_MODEL)

    @on(GradientsPanel.Chosen)
    def _go_to_module(self, event: GradientsPanel.Chosen) -> None:
        model = self.flow.model
        if event.index < len(model.rows):
            self.workbench.select_path(model.paths[event.index])
            self.workbench.module_tree.focus()

    def ask_to_materialize(self, lazy: int, plan: Plan) -> None:
        """A pass changes lazy modules for as long as it takes, and only a person may want that."""
        from ..screens.confirm import Confirm

        def answered(yes: bool | None) -> None:
            if yes:
                self.flow.materialize = True
                self.run_worker(self.flow.run(plan=plan))

        modules = "A lazy module has" if lazy == 1 else f"{lazy} lazy modules have"
        question = f"{modules} no shapes yet. A pass materializes them, and makes them lazy again after it."
        self.push_screen(Confirm(question, "Run it"), answered)

    async def _take_baseline(self) -> None:
        reply = await self.flow.engine.ask(TakeBaseline(self.flow.model.generation))
        if isinstance(reply, Failed):
            self.tell(reply.problem.what)
        elif isinstance(reply, Changes):
            self.tell(f"the baseline from now on: {reply.baseline or 'the model as it is now'}")

    def action_try_state_dict(self) -> None:
        """Ask for a file and show how its keys go with the model's."""
        from ..screens.file_prompt import FilePrompt
        from ..screens.state_dict import StateDictScreen

        if not self.flow.ready:
            self.tell(NO_MODEL)
            return
        reports: list[StateDictReport] = []

        async def carry_out(file: str) -> Problem | None:
            reply = await self.flow.engine.ask(TryStateDict(self.flow.model.generation, file))
            if isinstance(reply, Failed):
                return reply.problem
            if isinstance(reply, StateDictReport):
                self.state_dict_file = file
                reports.append(reply)
            return None

        def answered(done: bool | None) -> None:
            if done and reports:
                self.push_screen(StateDictScreen(reports[-1], self.options.ascii))

        about = "Compares its keys, shapes and dtypes with the model's and writes nothing. Left empty: the model's own."
        prompt = FilePrompt("Try a state dict", about, "Compare", self.state_dict_file, carry_out, optional=True)
        self.push_screen(prompt, answered)
