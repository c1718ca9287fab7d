"""One forward pass or several in a row, each with a backward pass and an optimizer's step where those are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Any

from ...records import Run, TensorValue
from ..hooks.session_state import HookState
from ..inputs import Sample
from ..modules.tree import ModuleTree, Node
from ..recording.observers import Observers
from ..recording.recorder import Recorder
from .forward import call_root
from .gradients import compare_with_weights, describe_gradients
from .histories import Histories
from .training import Steps, loss_of, optimizer_of

_TELL_EVERY = 0.05  # seconds


def steps_of(request: Run, before: Steps) -> Steps:
    """What a request asks for; a loss, optimizer or loader that it leaves open is the one used before."""
    several = request.batches > 1
    return Steps(
        max(request.batches, 1),
        request.backward,
        request.loss or before.loss,
        (request.optimizer or before.optimizer) if several else "none",
        (request.loader or before.loader) if several else "none",
    )


class Batches:
    """Args:
    tree: The model.
    steps: How many, and what is done with each.
    samples: An input for each.
    record: Makes the recorder of a batch, told whether it is the last.
    observers: Report to it.
    hook_state: Of the hooks that were added; a batch is a step of theirs.
    histories: Is filled where there are several batches.
    followed: Modules whose parameters go into the histories.
    progress: Told (number, count) now and then.

    After `run`, `recorder` is that of the last batch, `loss` its loss, `gradients` those of the parameters in it, and
    `done` how many there were.
    """

    def __init__(
        self,
        tree: ModuleTree,
        steps: Steps,
        samples: Iterator[Sample],
        record: Callable[[bool], Recorder],
        observers: Observers,
        hook_state: HookState,
        histories: Histories,
        followed: Sequence[Node],
        progress: Callable[[int, int], None],
    ) -> None:
        self.recorder: Recorder | None = None
        self.loss: float | None = None
        self.gradients: dict[str, TensorValue] = {}
        self.done = 0
        self._tree = tree
        self._steps = steps
        self._samples = samples
        self._record = record
        self._listeners = (observers, hook_state)
        self._hook_state = hook_state
        self._histories = histories
        self._followed = followed
        self._progress = progress
        self._loss = loss_of(steps.loss) if steps.backward else None
        self._optimizer = optimizer_of(steps.optimizer, tree.root) if steps.backward else None
        self._first = next(samples).copy()

    def run(self, began: Callable[[Recorder], None]) -> object:
        """All batches; gives the last one's output. `began` is told the recorder of each."""
        output: object = None
        told = perf_counter()
        try:
            for number in range(self._steps.batches):
                if self._steps.batches > 1 and perf_counter() - told > _TELL_EVERY:
                    told = perf_counter()
                    self._progress(number + 1, self._steps.batches)
                sample = self._first if number == 0 else next(self._samples).copy()
                self._listen(number, began)
                output = self._one(sample)
                self.done = number + 1
        finally:
            for listener in self._listeners:
                listener.recorder = None
        return output

    def _tell_ratios(self) -> None:
        ratios = compare_with_weights(self._tree)
        for call in self.recorder.calls if self.recorder is not None else ():
            call.weight_ratio = ratios.get(call.index)

    def _listen(self, number: int, began: Callable[[Recorder], None]) -> None:
        self.recorder = self._record(number == self._steps.batches - 1)
        began(self.recorder)
        for listener in self._listeners:
            listener.recorder = self.recorder
        self._hook_state.steps.begin()

    def _one(self, sample: Sample) -> Any:
        output = call_root(self._tree, sample.args, sample.kwargs, self._listeners, self.recorder)
        if self._loss is not None:
            if self._optimizer is not None:
                self._optimizer.zero_grad()
            loss = self._loss(output, sample)
            self.loss = loss.item()
            loss.backward()  # type: ignore[no-untyped-call]
            if self.done == self._steps.batches - 1:
                self.gradients = describe_gradients(self._tree)
                self._tell_ratios()
            if self._optimizer is not None:
                self._optimizer.step()
        self._hook_state.end_pass()
        if self._steps.batches > 1 and self.recorder is not None:
            self.recorder.settle()
            self._histories.take(self.recorder.calls, self._followed, self.loss)
        return output
