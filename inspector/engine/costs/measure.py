"""What every module costs: passes that nothing is recorded in, one for memory, several for time, one for FLOPs. With a
loss, each has a backward pass.

Every pass is under the guard and starts from the same seed, so that all make the same calls, and leaves the model, its
inputs and the process as they were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from threading import Event
from typing import NamedTuple, TypeVar

import torch

from ...raised import say
from ...records import CallCost, Cost, CostRow, Costs
from ...text import encodable
from ..inputs import Sample
from ..modules.tree import ModuleTree, own_tensors
from ..passes.gradients import forget_gradients
from ..passes.guarded import forget, run_guarded
from ..passes.training import Loss
from ..recording.recorder import Cancelled
from ..restore.backup import TensorBackup
from ..torch_hooks.eager import has_compiled
from ..values import nested
from ..values.unwrap import read
from .activations import ActivationClock
from .backward import BackwardWatch
from .clocks import Clock, clock_for
from .spans import Span, combine, outermost
from .watch import See, Watch

Key = tuple[int, int]
"""Of one call: its module, and which of the calls of that it is."""

Figure = TypeVar("Figure", int, float)

MOST_CALLS = 100_000
"""Calls of a pass past which only modules are told."""


class PassError(Exception):
    """A pass ended by what the model raised, which is the `error`."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class Seen(NamedTuple):
    """Of one pass: its calls, and what the backward pass of each took, in the same order."""

    forward: list[Span]
    backward: list[Span]


class Measurement:
    """Args:
    tree: The model.
    backup: Copies of its tensors to restore from.
    sample: Is copied for every pass.
    call: Calls the model with a copy.
    seed: Of every pass.
    grad: Whether passes record gradients.
    loss: What a backward pass starts from; None without one.
    stop: Once it is set, a pass ends at its next module.
    tell: Told before every pass, how many are over.
    """

    def __init__(
        self,
        tree: ModuleTree,
        backup: TensorBackup,
        sample: Sample,
        call: Callable[[Sample], object],
        *,
        seed: int,
        grad: bool,
        loss: Loss | None = None,
        stop: Event,
        tell: Callable[[int], object],
    ) -> None:
        self._tree = tree
        self._backup = backup
        self._sample = sample
        self._call = call
        self._seed = seed
        self._grad = grad
        self._loss = loss
        self._tell = tell
        self._stop = stop
        self._done = 0
        self._notes: dict[str, None] = {}
        self.pass_ms: list[float] = []  # of every pass that came to its end

    def measure(self, generation: int, passes: int) -> Costs:
        """Two passes more than these.

        Raises:
            PassError: The model raised.
            Cancelled: Somebody stopped it.
        """
        given = self._begin()
        clock = clock_for(self._devices())
        seen = [self._pass(clock) for _ in range(passes)]
        timed, kept = combine([each.forward for each in seen])
        back = combine([each.backward for each in seen])[0] if self._loss is not None else None
        if kept < passes:
            self._notes[f"{passes - kept} of {passes} passes made other calls, and are left out"] = None
        if has_compiled(self._tree):
            self._notes["compiled modules were run eagerly: compiled code makes no calls of modules"] = None
        counted, uncounted, problem = self._count_flops()
        costs = _join(timed, back, given, counted)
        calls = tuple(CallCost(span.module, span.call, cost) for span, cost in zip(timed, costs, strict=True))
        backward_ms = _sum_whole(back) if back is not None else None
        notes = tuple(encodable(note, 300) for note in self._notes)
        told = calls if len(calls) <= MOST_CALLS else ()
        return Costs(generation, _sum_up(timed, costs), told, _sum_whole(timed), kept, clock.name,
                     uncounted, problem, notes, backward_ms)  # fmt: skip

    def _begin(self) -> Seen:
        """The first pass, which may be cold. Where its loss cannot be made, there is no backward pass in those that
        follow."""
        activations = ActivationClock()
        try:
            return self._pass(activations, see=activations.see, begin=activations.begin)
        except PassError as failed:
            if self._loss is None:
                raise
            self._loss, why = None, say(failed.error)
        activations = ActivationClock()
        given = self._pass(activations, see=activations.see, begin=activations.begin)
        self._notes[f"without a backward pass, which failed: {why}"] = None
        return given

    def _count_flops(self) -> tuple[Seen, tuple[str, ...], str]:
        """Under the counter some models fail that run without it: then FLOPs alone are not known."""
        from .flops import FlopClock  # what it imports, nobody waits for who measures nothing

        clock = FlopClock()
        try:
            return self._pass(clock, clock.counting()), tuple(clock.uncounted), ""
        except PassError as failed:  # of the model, of a tensor's class, of the counter
            return Seen([], []), (), encodable(f"under torch's counter: {say(failed.error)}", 300)

    def _pass(
        self,
        clock: Clock,
        around: AbstractContextManager[None] | None = None,
        see: See | None = None,
        begin: Callable[[object], None] = forget,
    ) -> Seen:
        self._tell(self._done)
        copies: list[Sample] = []

        def prepare() -> None:
            copies.append(self._sample.copy())
            begin((copies[0].args, copies[0].kwargs))

        def run() -> object:
            with around or nullcontext():
                return self._run(copies[0], back)

        back, grad = BackwardWatch(clock, self._stop), self._grad or self._loss is not None
        with Watch(self._tree, clock, self._stop, see) as watch:
            outcome = run_guarded(self._tree, self._backup, run, forget, seed=self._seed, grad=grad, prepare=prepare)
        if outcome.error is not None:
            raise Cancelled if self._stop.is_set() else PassError(outcome.error)
        self._done += 1
        self.pass_ms.append(outcome.ms)
        changes = [words for each in copies[0].shared for words in each.find_changes()]
        self._notes.update(dict.fromkeys(f"changed, and stays changed: {w}" for w in (*outcome.not_restored, *changes)))
        forward = watch.spans()
        return Seen(forward, back.spans(forward))

    def _run(self, sample: Sample, back: BackwardWatch) -> object:
        output = self._call(sample)
        if self._loss is not None:
            forget_gradients(self._tree)
            loss = self._loss(output, sample)
            with back.look(loss):
                loss.backward()  # type: ignore[no-untyped-call]
        return output

    def _devices(self) -> set[torch.device]:
        held = (tensor for node in self._tree.objects() for which in ("_parameters", "_buffers")
                for _, tensor in own_tensors(node.module, which))  # fmt: skip
        return {
            read(tensor, "device") for tensor in (*held, *nested.tensors_in((self._sample.args, self._sample.kwargs)))
        }


def _by_key(spans: Sequence[Span]) -> dict[Key, Span]:
    return {(span.module, span.call): span for span in spans}


def _sum_whole(spans: Sequence[Span]) -> float:
    return sum(span.whole for span in spans if span.parent < 0)


def _join(timed: Sequence[Span], back: Sequence[Span] | None, given: Seen, counted: Seen) -> list[Cost]:
    """What each of the calls that were timed cost, forward and `back`; another pass may have had no such call."""
    memory, flops = _by_key(given.forward), _by_key(counted.forward)
    flops_back = _by_key(counted.backward) if back is not None else {}
    costs = []
    for place, span in enumerate(timed):
        key = span.module, span.call
        (nbytes, own_bytes), behind = _whole_and_own(memory.get(key)), back[place] if back is not None else None
        costs.append(
            Cost(
                span.whole,
                span.own,
                *_whole_and_own(flops.get(key)),
                nbytes or 0,
                own_bytes or 0,
                behind.whole if behind is not None else None,
                behind.own if behind is not None else None,
                *_whole_and_own(flops_back.get(key)),
            )
        )
    return costs


def _whole_and_own(span: Span | None) -> tuple[int | None, int | None]:
    return (int(span.whole), int(span.own)) if span is not None else (None, None)


def _sum_up(spans: Sequence[Span], costs: Sequence[Cost]) -> tuple[CostRow, ...]:
    """Of each module that was called, all calls together."""
    of: dict[int, list[tuple[Cost, bool]]] = defaultdict(list)
    for span, cost, outer in zip(spans, costs, outermost(spans), strict=True):
        of[span.module].append((cost, outer))
    return tuple(CostRow(module, len(each), _add(each)) for module, each in sorted(of.items()))


def _add(costs: Sequence[tuple[Cost, bool]]) -> Cost:
    outer = [cost for cost, is_outer in costs if is_outer]
    every = [cost for cost, _ in costs]
    return Cost(
        sum(cost.ms for cost in outer),
        sum(cost.own_ms for cost in every),
        _total(cost.flops for cost in outer),
        _total(cost.own_flops for cost in every),
        sum(cost.activations for cost in outer),
        sum(cost.own_activations for cost in every),
        _total(cost.backward_ms for cost in outer),
        _total(cost.own_backward_ms for cost in every),
        _total(cost.backward_flops for cost in outer),
        _total(cost.own_backward_flops for cost in every),
    )


def _total(figures: Iterable[Figure | None]) -> Figure | None:
    """None where one of them is not known."""
    known = list(figures)
    return None if None in known else sum(figure for figure in known if figure is not None)
