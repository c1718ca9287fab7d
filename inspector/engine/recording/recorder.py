"""One pass -> its calls, as hooks see them: what went in, what came out, when, from where, and how it ended.

A value is described the moment a hook sees it, because a later in-place op rewrites it. Each thread has a stack of its
own; entries and exits are numbered by one clock. Recording never raises into the model's call, with one exception:
`Cancelled`, which is how a pass is stopped at the next module.
"""

from __future__ import annotations

import itertools
import sys
from bisect import bisect_left
from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter

import torch
from torch import Tensor, nn

from ...postmortem.record import CallLog
from ...raised import cause_of, say
from ..hooks.graphs import backward_task, is_stop
from ..hooks.steps import StepCounter
from ..hooks.turns import NOT_SEEN, ObserveFilter
from ..modules.tree import ModuleTree
from ..torch_hooks.graph import GraphHooks
from ..torch_hooks.outputs import OutputHooks
from ..values import nested
from ..values.unwrap import read
from ..values.watch import Watch
from .call import NO_KWARGS, Call, Witness
from .call_site import NO_SITE, find_call_site
from .call_store import CallStore
from .call_values import CallValues
from .here import EachThread, Here
from .numbers import CallNumbers
from .progress import Progress
from .recomputed import STOPPED, complete_stopped

_FAULTS = 20  # that are told of
_HOOK_FRAMES = 3  # from `find_call_site` over `enter` and the hook up to torch


class Cancelled(BaseException):
    """The person asked for the pass to stop. Not an `Exception`, so that a model's own handlers let it through."""


class Recorder:
    """Records calls between `__init__` and `finish`.

    Args:
        tree: The model's modules; calls of others are not recorded.
        statistics: Statistics of every tensor, or shapes only; None for those of gradients alone.
        watch: The node whose values also get histograms and previews.
        only: Record calls of these nodes alone, None for all.
        progress: Called now and then with (calls entered, node entered last).
        keep: Bytes of outputs to keep as they are, cloned; 0 keeps none. Those past it are `left_out`.
        witness: Sees every output as well, and may add to its call.
        gradients: Also describe the gradients that reach the outputs in a backward pass.
        graph_hooks: Sees them, in place of hooks on the tensors (`output_hooks`), which stay there.
        filters: What is looked at of the calls of a node; of others everything.
        call_log: Is told of every entry and exit at once, for whoever outlives this process.
        steps: Counts the steps; without it all is one.
        budget: What our hooks may take, as a share of what the pass takes without them; statistics are left out for it.
            0 for whatever they take.
        limit: The most calls to keep; past it the oldest steps are forgotten, but never the running one. None for all.
    """

    def __init__(
        self,
        tree: ModuleTree,
        *,
        statistics: bool | None = True,
        watch: Watch | None = None,
        only: frozenset[int] | None = None,
        progress: Callable[[int, int], None] | None = None,
        keep: int = 0,
        witness: Witness | None = None,
        gradients: bool = False,
        graph_hooks: GraphHooks | None = None,
        filters: Mapping[int, ObserveFilter] | None = None,
        call_log: CallLog | None = None,
        steps: StepCounter | None = None,
        budget: float = 0.0,
        limit: int | None = None,
    ) -> None:
        self.tree = tree
        self.calls = CallStore(packs=limit is not None and not (gradients or filters or keep))  # in completion order
        self.failed: Call | None = None  # the innermost call that raised what ended the pass
        self.left_out: list[Call] = []  # whose outputs found no room in `keep`
        self.faults: list[str] = []  # what went wrong in recording itself
        self.forgot = False  # calls of the first steps
        self.output_hooks = OutputHooks()  # in a pass with gradients
        self._index = tree.index_of_object
        self.values = CallValues(statistics, watch)
        self._only = only
        self._progress = Progress(progress) if progress is not None else None
        self._keeps = keep > 0
        self._room = keep
        self.witness = witness
        self._gradients = gradients
        self._graph_hooks = graph_hooks
        self._filters = filters if filters is not None else {}
        self._sees_more = self._keeps or gradients
        self._call_log = call_log
        self._steps = steps if steps is not None else StepCounter()
        self._budget = budget
        self._limit = limit
        self._clock = itertools.count()
        self._numbers = CallNumbers(self._steps)
        self._raised: BaseException | None = None  # the newest exception that came out of a module
        self._threads = EachThread()
        self._open: list[list[Call]] = []  # every thread's stack
        self._threads_seen = itertools.count()
        self._cancelled = False

    @property
    def observing_ms(self) -> float:
        """The time in our own hooks, on the thread that asks."""
        return self._threads.here.spent * 1e3

    @property
    def innermost(self) -> Call | None:
        """The call that runs on the thread that asks, None where none does."""
        stack = self._threads.here.stack
        return stack[-1] if stack else None

    def cancel(self) -> None:
        """Stop at the next module. Any thread may call it."""
        self._cancelled = True

    def enter(self, module: nn.Module, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        began = perf_counter()
        if self._cancelled:
            raise Cancelled
        index = self._index.get(id(module))  # a copy of a module takes our hooks along, but is no node
        if index is None or (self._only is not None and index not in self._only):
            return
        try:
            here = self._threads.here
            call = self._start(index, here, began, find_call_site(_HOOK_FRAMES), sys.exc_info()[1])
            if self._filters:
                call.observe_filter = self._filters.get(index)
            if self._budget:
                self.values.spares = here.spent_more(self._budget, began)
            self.values.see_inputs(call, args, kwargs)
            if self._call_log is not None:
                self._call_log.enter(call, self.tree)
            if self._progress is not None:
                self._progress.enter(index, began)
            call.began = now = perf_counter()
            here.spent = call.spent = here.spent + now - began
        except Exception as error:  # recording must never be why a model fails
            self._fault(error)

    def leave(self, module: nn.Module, output: object) -> None:
        began = perf_counter()
        index = self._index.get(id(module))  # as above
        if index is None or (self._only is not None and index not in self._only):
            return
        try:
            here = self._threads.here
            stack = here.stack
            call = stack.pop() if stack and stack[-1].index == index else self._find_entry(index, here)
            ms = (began - call.began - (here.spent - call.spent)) * 1e3
            call.ms = ms if ms > 0.0 else 0.0
            try:
                raised = sys.exc_info()[1] if output is None else None
                if raised is None or raised is call.before:
                    call.status = "ok"
                    if self._budget:
                        self.values.spares = here.spent_more(self._budget, began)
                    self.values.see_output(call, output)
                    if self._sees_more or self.witness is not None:
                        self._see_more(call, output)
                else:
                    self._end_raised(call, raised)
            finally:
                self._close(call)
                here.spent += perf_counter() - began
        except Exception as error:  # as above
            self._fault(error)

    def finish(self, error: BaseException | None = None) -> None:
        """The pass is over, by `error` where there was one: close what did not return, complete the statistics."""
        if error is None or isinstance(error, Cancelled):
            self.failed = None
        elif not isinstance(error, Exception):  # torch tells no hook of KeyboardInterrupt and SystemExit
            self.failed = next(reversed(self._threads.here.stack), None)
        elif error is not self._raised:
            self.failed = None  # the model recovered from what a module raised
        self._raised = None
        for stack in self._open:
            while stack:
                self._close(stack.pop())
        self.calls.finish(self._is_wanted)
        complete_stopped(self.calls)
        if self._call_log is not None:
            self._call_log.end()
        self.settle()

    def _is_wanted(self, call: Call) -> bool:
        """Which step was the last is known only now."""
        seen = call.observe_filter
        return seen is None or not seen.hook.choice.last or call.step == max(self._steps.count - 1, 0)

    def end_step(self) -> None:
        """A step is over, and another one begins: what is known of it is completed, and the oldest are forgotten where
        there is no room."""
        if self._limit is None:
            return
        self.settle()
        if self._progress is not None:
            self._progress.begin_step()
        if self._call_log is not None:
            self._call_log.begin_step()
        if len(self.calls) > self._limit:
            self._forget_before(self.calls[-(self._limit * 3 // 4 or 1)].step + 1)

    def _forget_before(self, step: int) -> None:
        """Whole steps, and not the one that is over now."""
        kept = min(step, self.calls[-1].step)
        self.forgot = True
        self.calls.forget(bisect_left(self.calls, kept, key=lambda call: call.step))

    def took(self, module: nn.Module, seconds: float, altered: bool, entering: bool) -> None:
        """A hook of ours took so long on `module`, before it was entered or after it returned."""
        here = self._threads.here
        here.spent += seconds
        index = self._index.get(id(module))
        if not altered or index is None:
            return
        if entering:
            here.altered.add(index)
        elif here.stack and here.stack[-1].index == index:
            here.stack[-1].altered = True

    def settle(self) -> None:
        """Complete the statistics of what was seen so far."""
        if self.witness is not None:
            self.witness.settle()
        self.faults += self.values.resolve()[: max(0, _FAULTS - len(self.faults))]

    def _start(
        self, index: int, here: Here, now: float, site: tuple[str, int] = NO_SITE, before: BaseException | None = None
    ) -> Call:
        stack = here.stack
        if here.thread < 0:
            here.thread, here.began = next(self._threads_seen), now
            self._open.append(stack)
        number, step, in_step = self._numbers.next(index)
        call = Call(
            index, number, next(self._clock), len(stack), step, in_step, -1, stack[-1].start if stack else -1, 0.0,
            "unfinished", (), NO_KWARGS, None, site, False, backward_task() != -1, now, here.spent, before, here.thread,
        )  # fmt: skip
        if here.altered and index in here.altered:
            here.altered.discard(index)
            call.altered = True
        stack.append(call)
        return call

    def _end_raised(self, call: Call, raised: BaseException) -> None:
        if call.recomputed and is_stop(raised):
            call.status, call.output = "ok", STOPPED
        else:
            call.status = "raised"
            self._blame(call, raised)

    def _see_more(self, call: Call, output: object) -> None:
        if self._keeps:
            self._keep(call, output)
        if self.witness is not None:
            self.witness.see(call, output)
        if (
            self._gradients
            and torch.is_grad_enabled()
            and (call.observe_filter is None or call.observe_filter.gradient)
        ):
            self._await_gradients(call, output)

    def _await_gradients(self, call: Call, output: object) -> None:
        """On the output's tensors: module backward hooks refuse modules whose output is changed in place later."""
        tensors = list(nested.tensors_in(output))
        call.by_tensor = [[] for _ in tensors]
        with torch._C.DisableTorchFunctionSubclass():
            for number, tensor in enumerate(tensors):
                if read(tensor, "requires_grad"):
                    self._await_gradient(call, number, tensor)

    def _await_gradient(self, call: Call, number: int, tensor: Tensor) -> None:
        see = partial(self._see_gradient, call, number)
        if self._graph_hooks is not None:
            self._graph_hooks.watch(tensor, see)
        else:
            self.output_hooks.watch(call.index, f"output of call {call.number}, tensor {number}", tensor, see)

    def _see_gradient(self, call: Call, number: int, gradient: Tensor) -> None:
        began = perf_counter()
        try:
            self.values.see_gradient(call, number, gradient)
        except Exception as error:  # as in `enter`
            self._fault(error)
        self._threads.here.spent += perf_counter() - began

    def _blame(self, call: Call, raised: BaseException) -> None:
        """The innermost module an exception came out of, also where one further out raised another from it."""
        if self._raised is None or (raised is not self._raised and cause_of(raised) is not self._raised):
            self.failed = call
        self._raised = raised

    def _find_entry(self, index: int, here: Here) -> Call:
        """The entry this exit belongs to; whatever was entered inside it and not left is closed as it is."""
        if not any(call.index == index for call in here.stack):
            # a pre-hook before ours raised: the module was called, but its entry was never seen
            call = self._start(index, here, perf_counter())
            if self._call_log is not None:
                self._call_log.enter(call, self.tree)
        while True:
            call = here.stack.pop()
            if call.index == index:
                return call
            self._close(call)

    def _close(self, call: Call) -> None:
        call.end = next(self._clock)
        call.before = None
        if call.shown or call.status != "ok":
            self.calls.append(call, self._awaits_more)
        if call.observe_filter is not None and call.shown:
            call.observe_filter.show_call(bool(call.inputs or call.kwargs.keys), call.output is not NOT_SEEN)
        if self._call_log is not None:
            self._call_log.leave(call)

    def _awaits_more(self) -> bool:
        """Of calls that are over: how far they are from the baseline, and what is measured on a device."""
        return self.witness is not None or self.values.is_waiting

    def _fault(self, error: Exception) -> None:
        if len(self.faults) < _FAULTS:
            self.faults.append(say(error))

    def _keep(self, call: Call, output: object) -> None:
        """All of an output, or nothing."""
        with torch._C.DisableTorchFunctionSubclass():
            nbytes = sum(read(each, "numel")() * read(each, "element_size")() for each in nested.tensors_in(output))
        if nbytes > self._room:
            self.left_out.append(call)
            return
        self._room -= nbytes
        call.kept = nested.copy(output, lambda tensor: tensor.detach().clone()).value
