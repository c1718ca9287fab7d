"""One forward pass or several in a row, each with a backward pass and an optimizer's step where those are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from time import perf_counter
from typing import Any

from ...records import Run, TensorValue
from ..hooks.session_state import HookState
from ..inputs import Sample
from ..inputs.shared import Shared
from ..machine.memory import process_bytes
from ..modules.tree import ModuleTree, Node
from ..recording.call import Call, Witness
from ..recording.observers import Observers
from ..recording.recorder import Recorder
from ..torch_hooks.graph_end import let_go, take_graph
from .forward import call_root, listening
from .generating import generate
from .gradients import compare_with_weights, describe_gradients, forget_gradients
from .histories import Histories
from .out_of_memory import Held, count_held, is_out_of_memory
from .training import PassSettings, loss_of, optimizer_of

_TELL_EVERY = 0.05  # seconds


def settings_of(request: Run, before: PassSettings) -> PassSettings:
    """What a request asks for; a loss that it leaves open is the one used before, and for several batches so are
    optimizer and loader."""
    kept = before if request.batches > 1 else PassSettings()
    return PassSettings(
        max(request.batches, 1),
        max(request.generate, 0),
        request.backward,
        request.loss or before.loss,
        request.optimizer or kept.optimizer,
        request.loader or kept.loader,
    )


class Batches:
    """Args:
    tree: The model.
    settings: How many, and what is done with each.
    samples: An input for each.
    recorder: Records all of them.
    witness: Sees the last of them, through the recorder.
    observers: Report to the recorder.
    hook_state: Of the hooks that were added; a batch is a step of theirs, or a token of `generate`.
    histories: Is filled where there are several batches.
    followed: Modules whose parameters go into the histories.
    progress: Told (number, count) now and then.

    After `run`, `loss` is that of the last batch, `gradients` those of the parameters in it, `done` how many there
    were, and where no memory was left, `held` says who had it, and `reached` is the call that the backward pass was at.
    """

    def __init__(
        self,
        tree: ModuleTree,
        settings: PassSettings,
        samples: Iterator[Sample],
        recorder: Recorder,
        witness: Witness | None,
        observers: Observers,
        hook_state: HookState,
        histories: Histories,
        followed: Sequence[Node],
        progress: Callable[[int, int], None],
    ) -> None:
        self.recorder = recorder
        self.loss: float | None = None
        self.gradients: dict[str, TensorValue] = {}
        self.done = 0
        self.held = Held()
        self.reached: Call | None = None
        self._phase = ""  # of the running batch, after its forward
        self._shared: tuple[Shared, ...] = ()
        self._tree = tree
        self._settings = settings
        self._samples = samples
        self._witness = witness
        self._listeners = (observers, hook_state)
        self._hook_state = hook_state
        self._histories = histories
        self._followed = followed
        self._progress = progress
        self._loss = loss_of(settings.loss) if settings.backward else None
        self._optimizer = optimizer_of(settings.optimizer, tree.root) if settings.backward else None
        self._sample = next(samples)

    def prepare(self) -> None:
        """Copy the first sample, which may run code of its objects."""
        self._take(self._sample)

    def _take(self, sample: Sample) -> None:
        self._sample = sample.copy()
        self._shared += self._sample.shared

    def list_input_changes(self) -> list[str]:
        """What the passes changed of inputs that could not be copied, in words."""
        return list(dict.fromkeys(words for each in self._shared for words in each.find_changes()))

    def run(self) -> object:
        """All batches; gives the last one's output."""
        before = process_bytes()
        try:
            return self._run_all()
        except BaseException as error:  # whatever the model raises goes on
            if is_out_of_memory(error):
                self.held = count_held(self._tree, self._optimizer, before)._replace(phase=self._phase)
                self.reached = self._find_reached()
            raise

    def _find_reached(self) -> Call | None:
        """The call that the backward pass is at: of those whose output got its gradient, the one that ended first."""
        if not self._phase:
            return None
        calls = self._calls_from(max(self._hook_state.steps.count - 1, 0))
        return next((call for call in reversed(list(calls)) if call.gradients), None)

    def _run_all(self) -> object:
        output: object = None
        told = perf_counter()
        several = "batch" if self._settings.batches > 1 else ""
        self._hook_state.steps.unit = "token" if self._settings.generate else several
        with listening(self._listeners, self.recorder):
            for number in range(self._settings.batches):
                if self._settings.batches > 1 and perf_counter() - told > _TELL_EVERY:
                    told = perf_counter()
                    self._progress(number + 1, self._settings.batches)
                if number > 0:
                    nodes, output = take_graph(output), None
                    let_go(nodes)
                    self._take(next(self._samples))
                self.recorder.witness = self._witness if number == self._settings.batches - 1 else None
                output = self._one(self._sample)
                self.done = number + 1
        return output

    def _tell_ratios(self, first: int) -> None:
        ratios = compare_with_weights(self._tree)
        for call in self._calls_from(first):
            call.weight_ratio = ratios.get(call.index)

    def _calls_from(self, step: int) -> Iterator[Call]:
        """Those of this step and what followed, the last one first."""
        return takewhile(lambda call: call.step >= step, reversed(self.recorder.calls))

    def _call(self, sample: Sample) -> Any:
        steps = self._hook_state.steps
        if self._settings.generate:
            return generate(self._tree.root, sample, self._settings.generate, steps)
        steps.begin()
        return call_root(self._tree, sample.args, sample.kwargs, self._listeners, self.recorder)

    def _one(self, sample: Sample) -> Any:
        first, self._phase = self._hook_state.steps.count, ""
        output = self._call(sample)
        if self._loss is not None:
            forget_gradients(self._tree)
            loss = self._loss(output, sample)
            self.loss = None if loss.is_meta else loss.item()
            self._phase = "in the backward pass"
            loss.backward()  # type: ignore[no-untyped-call]
            if self.done == self._settings.batches - 1:
                self.gradients = describe_gradients(self._tree)
                self._tell_ratios(first)
            if self._optimizer is not None:
                self._phase = "in the optimizer's step"
                self._optimizer.step()
        self._hook_state.end_pass()
        if self._settings.batches > 1:
            self.recorder.settle()
            self._histories.take(list(self._calls_from(first))[::-1], self._followed, self.loss)
        return output
