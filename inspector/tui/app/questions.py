"""What the person is asked, each with the one who wants the answer. No answer is no call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...client.pass_plan import Plan
from ...records import Choices, Opened, PassSummary
from .host import Host

if TYPE_CHECKING:
    from ..screens.forms.seed import Draw


class Questions:
    """Screens are imported when they are needed: the first frame does without them."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def confirm(self, question: str, yes: str, agreed: Callable[[], object]) -> None:
        """Ask something with two answers; `yes` is the word for the one that does it."""
        from ..screens.confirm import Confirm

        def answer(is_yes: bool | None) -> None:
            if is_yes:
                agreed()

        self._host.push(Confirm(question, yes), answer)

    def choose(self, choices: Choices, picked: Callable[[str], object], left: Callable[[], object]) -> None:
        """Ask which of the things in a file; `left` is called where it is none."""
        from ..screens.picker import Picker

        def answer(name: str | None) -> None:
            if name is None:
                left()
            else:
                picked(name)

        self._host.ask(Picker(f"What to open {choices.title}", choices.items), answer)

    def ask_input(self, opened: Opened, answered: Callable[[tuple[str, ...]], object]) -> None:
        """Ask for the sample input, one line for each parameter of `forward`."""
        from ..screens.form import InputForm

        def answer(specs: tuple[str, ...] | None) -> None:
            if specs is not None:
                answered(specs)

        self._host.ask(InputForm(opened.form, opened.problem), answer)

    def ask_to_materialize(self, lazy: int, agreed: Callable[[], object]) -> None:
        """A pass changes lazy modules for as long as it takes, and only a person may want that."""
        modules = "A lazy module has" if lazy == 1 else f"{lazy} lazy modules have"
        question = f"{modules} no shapes yet. A pass materializes them, and makes them lazy again after it."
        self.confirm(question, "Run it", agreed)

    def ask_seed(self, now: Draw, used: str, offered: tuple[str, ...], answered: Callable[[Draw], object]) -> None:
        """Ask for the seed and the sample input; `used` says in words what input it is now, and one that runs where
        it does not may be `offered`."""
        from ..screens.forms.seed import SeedDialog

        def answer(draw: Draw | None) -> None:
            if draw is not None:
                answered(draw)

        self._host.push(SeedDialog(now, used, offered), answer)

    def ask_budget(self, now: float, last: PassSummary | None, answered: Callable[[float], object]) -> None:
        """Ask what our hooks may take, as a share of what the `last` pass took without them."""
        from ..screens.forms.budget import BudgetDialog

        def answer(budget: float | None) -> None:
            if budget is not None:
                answered(budget)

        self._host.push(BudgetDialog(now, last), answer)

    def ask_batches(self, now: Plan, generates: bool, answered: Callable[[Plan], object]) -> None:
        """Ask how several batches shall be run, or where the model `generates`, how many tokens."""
        from ..screens.forms.batches import BatchesDialog

        def answer(plan: Plan | None) -> None:
            if plan is not None:
                answered(plan)

        self._host.push(BatchesDialog(now, generates), answer)
