"""What the keys do with files of weights: compared with the model, and loaded into it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ....client.engine_client import EngineClient
from ....records import Failed, LoadOffer, LoadStateDict, Problem, StateDictReport, TryStateDict
from ....text import visible
from ..host import Host
from ..questions import Questions
from ..state import NO_MODEL, AppState
from .changer import READONLY, Changer
from .changes import resolve_file

ABOUT_STATE_DICT = (
    "Compares its keys, shapes and dtypes with the model's and writes nothing; enter then loads it. Left empty: the "
    "model's own."
)


@dataclass(eq=False)
class WeightActions:
    """Owner of the actions `weights`."""

    engine: EngineClient
    state: AppState
    changer: Changer
    questions: Questions
    host: Host
    ascii: bool
    _file: str = field(default="", init=False)  # that was compared last

    def try_state_dict(self) -> None:
        """Ask for a file and show how its keys go with the model's."""
        from ...screens.file_prompt import FilePrompt

        if not self.state.ready:
            self.host.tell(NO_MODEL)
            return
        reports: list[StateDictReport] = []

        async def carry_out(file: str) -> Problem | None:
            reply = await self.engine.ask(TryStateDict(self.state.generation, file))
            if isinstance(reply, Failed):
                return reply.problem
            if isinstance(reply, StateDictReport):
                self._file = file
                reports.append(reply)
            return None

        def show(done: bool | None) -> None:
            if done and reports:
                self._show(reports[-1])

        prompt = FilePrompt("Try a state dict", ABOUT_STATE_DICT, "Compare", self._file, carry_out, optional=True)
        self.host.push(prompt, show)

    def _show(self, report: StateDictReport) -> None:
        from ...screens.state_dict import StateDictScreen

        def answer(offer: LoadOffer | None) -> None:
            if offer is not None:
                self._load(self._file, offer)

        self.host.push(StateDictScreen(report, self.ascii), answer)

    def _load(self, file: str, offer: LoadOffer) -> None:
        """At once where all of it fits, else when the person knows what stays as it is."""
        if self.state.readonly:
            self.host.tell(READONLY)
        elif not offer.staying and not offer.unused:
            self.host.spawn(self._carry_out(file, offer, partial=False))
        else:
            self.questions.confirm(
                ask_to_load(offer), "Load", lambda: self.host.spawn(self._carry_out(file, offer, partial=True))
            )

    async def _carry_out(self, file: str, offer: LoadOffer, partial: bool) -> None:
        request = LoadStateDict(self.state.generation, resolve_file(file), offer.renames, partial)
        changes = await self.changer.change(request)
        if changes is not None:
            self.changer.say_made(changes)


def ask_to_load(offer: LoadOffer) -> str:
    """What would be loaded, and what would not."""
    words = f" {visible(offer.words)}" if offer.words else ""
    said = [f"Load {offer.loads:,} of {offer.loads + offer.staying:,} keys{words}?"]
    if offer.staying:
        stay = "stays as it is" if offer.staying == 1 else "stay as they are"
        said.append(f"In the model {offer.staying:,} {stay}: {_list(offer.stay, offer.staying)}.")
    if offer.unused:
        is_are = "is" if offer.unused == 1 else "are"
        said.append(f"Of the file {offer.unused:,} {is_are} not used: {_list(offer.left, offer.unused)}.")
    return "\n".join(said)


def _list(keys: tuple[str, ...], count: int) -> str:
    more = f" and {count - len(keys):,} more" if count > len(keys) else ""
    return ", ".join(map(visible, keys)) + more
