"""One pass that is looked at operation by operation, under the guard: where its first bad value came from."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any

import torch
from msgspec.structs import replace
from torch import Tensor, nn

from ....records import CodeLine, FirstBadValue, Path, TensorValue
from ....text import encodable
from ...hooks.conditions import Condition
from ...hooks.steps import StepCounter
from ...inputs import Sample
from ...modules.tree import ModuleTree
from ...passes.gradients import forget_gradients
from ...passes.guarded import Outcome, forget, run_guarded
from ...passes.training import Loss
from ...restore.backup import TensorBackup
from ...torch_hooks.eager import run_functions_eagerly
from ...values import nested
from ..lines import CodePlace
from .backward import BackwardWatch, BadNode
from .badness import Look, find_not_finite, when
from .causes import BadOp, Origin, Where
from .explain import explain, explain_node, explain_origin
from .flow import find_beginnings, is_meant
from .module_calls import Following, ModuleCall, ModuleCalls, TurnTo
from .node_owners import NodeOwners
from .ops import OpTracer
from .writers import WriterWatch, describe_writer

Call = Callable[[Sample], object]


@dataclass
class _Seen:
    """What is known when the pass is over."""

    ends: list[Where] = field(default_factory=list)  # bad values that an output or the loss holds
    node: BadNode | None = None
    gradient: str = ""  # the first parameter whose gradient is bad


class FirstBadSearch:
    """Args:
    tree: The model.
    backup: Copies of its tensors to restore from.
    sample: Is copied.
    call: Calls the model with the copy.
    seed: Of the pass.
    grad: Whether the forward records gradients.
    steps: Counts the steps of `call`.
    loss: Where a backward pass begins; None for none.
    condition: What counts as bad, None for NaN and infinity.
    everything: Also what never reaches an output, a loss or a gradient.

    `unseen` is what was bad and no operation made so, once `answer` was asked for.
    """

    def __init__(
        self,
        tree: ModuleTree,
        backup: TensorBackup,
        sample: Sample,
        call: Call,
        steps: StepCounter,
        *,
        seed: int,
        grad: bool = False,
        loss: Loss | None = None,
        condition: Condition | None = None,
        everything: bool = False,
    ) -> None:
        self.unseen: TensorValue | None = None
        self._writers: WriterWatch | None = None
        self._tree = tree
        self._backup = backup
        self._sample = sample
        self._call = call
        self._steps = steps
        self._seed = seed
        self._grad = grad or loss is not None
        self._loss = loss
        self._look = Look(find_not_finite if condition is None else when(condition), condition is None)
        self._everything = everything or condition is not None
        self._stop = threading.Event()
        self._calls = ModuleCalls()
        self._tracer = OpTracer(self._look, lambda: self._calls.innermost, lambda: steps.number, tree.root)
        self._seen = _Seen()

    def cancel(self) -> None:
        """Stop at the next module. May be called from any thread."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Somebody called `cancel`."""
        return self._stop.is_set()

    def look_for_writer(self, value: TensorValue) -> None:
        """In place of an answer: which line writes this, which no operation makes bad."""

        def is_known(tensor: Tensor) -> bool:
            return self._tracer.knows(tensor)

        def where() -> tuple[ModuleCall, int]:
            return self._calls.innermost, self._steps.number

        self._writers = WriterWatch(self._tree, value, self._look, is_known, where)

    def with_writer(self, answer: FirstBadValue) -> FirstBadValue:
        """The answer of the search before, with the line that was found, if any was."""
        found = self._writers.found if self._writers is not None else None
        if found is None:
            return answer
        line = CodeLine(encodable(found.code.co_filename, 1_000), found.line)
        path = answer.path if answer.phase == "parameter" else self._tree.paths[found.call.module]
        explanation = encodable(describe_writer(found), 500)
        return replace(answer, path=path, call=found.call.call, step=found.step, place=line, explanation=explanation)

    def run(self) -> Outcome[None]:
        """Run the pass once. What it raised is in the outcome; `answer` knows what was bad until then."""
        copies: list[Sample] = []
        return run_guarded(
            self._tree,
            self._backup,
            lambda: self._run(copies[0]),
            forget,
            seed=self._seed,
            grad=self._grad,
            prepare=lambda: copies.append(self._sample.copy()),
        )

    def _run(self, sample: Sample) -> None:
        self._tracer.take_inputs(nested.tensors_in((sample.args, sample.kwargs)))
        owners = NodeOwners()
        if self._loss is not None:
            self._tracer.follow_graph(owners)
        with ExitStack() as stack:
            stack.enter_context(run_functions_eagerly())
            see_call, turn_thread = partial(self._see_call, owners), self._tracer.turn_thread
            stack.enter_context(Following(self._calls, self._tree, self._stop, see_call, owners.take_call, turn_thread))
            stack.enter_context(self._tracer)
            if self._writers is not None:
                stack.enter_context(self._writers)
            output = self._call(sample)
            self._take_ends(nested.tensors_in(output, _enter))
            if self._loss is None:
                return
            self._tracer.begin_loss()
            with torch._C.DisableTorchFunction():
                forget_gradients(self._tree)
            loss = self._loss(output, sample)
            self._take_ends([loss])
        if not find_beginnings(self._seen.ends):
            self._run_backward(loss, BackwardWatch(loss, self._look, owners, self._follow_again))

    def _follow_again(self, calls: ModuleCalls, turn_to: TurnTo) -> Following:
        """In the backward pass."""
        return Following(calls, self._tree, self._stop, lambda *call: None, turn_to, lambda begins: None)

    def _see_call(self, owners: NodeOwners, module: nn.Module, args: object, output: object) -> None:
        """What the model gives in each step counts as its output: `generate` gives numbers of tokens in the end."""
        self._tracer.see_call(module, args, output)
        if self._loss is not None:
            owners.leave_call(args, output)
        if module is self._tree.root:
            self._take_ends(nested.tensors_in(output, _enter))

    def _run_backward(self, loss: Tensor, watch: BackwardWatch) -> None:
        with watch:
            loss.backward()  # type: ignore[no-untyped-call]
        # the watch knows no names, and below a node that runs a backward pass of its own it may not see all
        bad = (name for name, each in self._tree.root.named_parameters()
               if each.grad is not None and self._look(each.grad))  # fmt: skip
        self._seen.gradient = next(bad, "")
        if self._seen.gradient or watch.bad_leaves or self._everything:
            self._seen.node = (watch.find_beginning() if self._look.is_usual else None) or watch.first

    def _take_ends(self, tensors: Iterable[Tensor]) -> None:
        with torch._C.DisableTorchFunction():
            self._seen.ends += [end for tensor in tensors if (end := self._tracer.cause_of(tensor)) is not None]

    def answer(self, generation: int, raised: bool) -> FirstBadValue:
        """What the pass, that may have `raised`, showed."""
        begins = find_beginnings(self._seen.ends)
        if not begins and (self._everything or raised):
            origins = self._tracer.origins.values()
            begins = [each for each in origins if not is_meant(each)]
            begins += [each for each in self._tracer.found if not each.causes and not is_meant(each)]
        if begins:
            return self._answer_forward(generation, min(begins, key=_order))
        if self._seen.node is not None:
            return self._answer_backward(generation, self._seen.node)
        if self._seen.gradient:
            return self._answer_unseen(generation)
        return FirstBadValue(generation, False, operations=self._tracer.count)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not looked at, in words."""
        unread = self._look.unread
        return (f"{unread:,} tensors refused to be looked at",) if unread else ()

    def _answer_forward(self, generation: int, begin: Where) -> FirstBadValue:
        if isinstance(begin, Origin) and begin.is_unseen and isinstance(begin.value, TensorValue):
            self.unseen = begin.value
        if isinstance(begin, Origin) and not begin.name:
            return self._answer_unknown(generation, begin)
        if isinstance(begin, Origin):
            return FirstBadValue(
                generation,
                True,
                "parameter" if begin.is_parameter else "input",
                self._owner(begin.name) if begin.is_parameter else (),
                output=begin.value,
                parameters=(encodable(begin.name, 1_000),) if begin.is_parameter else (),
                explanation=explain_origin(begin),
                operations=self._tracer.count,
            )
        return FirstBadValue(
            generation,
            True,
            "loss" if begin.in_loss else "forward",
            () if begin.in_loss else self._tree.paths[begin.call.module],
            begin.call.call,
            begin.step,
            _line(begin.place),
            encodable(begin.name, 200),
            begin.inputs,
            begin.output,
            tuple(encodable(name, 1_000) for name in begin.parameters),
            explain(begin),
            self._tracer.count,
        )

    def _answer_unknown(self, generation: int, begin: Origin) -> FirstBadValue:
        """Where it was taken is the nearest that is known."""
        by = begin.taken_by
        return FirstBadValue(
            generation,
            True,
            "forward",
            self._tree.paths[by.call.module] if by is not None else (),
            by.call.call if by is not None else 0,
            by.step if by is not None else 0,
            _line(by.place) if by is not None else None,
            inputs=(begin.value,) if by is not None else (),
            output=by.output if by is not None else begin.value,
            explanation=explain_origin(begin),
            operations=self._tracer.count,
        )

    def _answer_backward(self, generation: int, node: BadNode) -> FirstBadValue:
        of = node.of
        return FirstBadValue(
            generation,
            True,
            "backward",
            self._path_of(node),
            of.call.call,
            of.step,
            _line(of.place),
            encodable(node.name, 200),
            node.inputs,
            node.output,
            explanation=explain_node(node, self._seen.gradient, self._look.is_usual),
            operations=self._tracer.count,
        )

    def _path_of(self, node: BadNode) -> Path:
        """Of the module that made it, or that holds the parameter whose gradient it adds up."""
        if node.of.in_loss:
            return ()
        if node.is_leaf and self._seen.gradient:
            return self._owner(self._seen.gradient)
        return self._tree.paths[node.of.call.module]

    def _answer_unseen(self, generation: int) -> FirstBadValue:
        """A gradient that is bad, and comes from no node of the graph below the loss."""
        return FirstBadValue(
            generation,
            True,
            "backward",
            self._owner(self._seen.gradient),
            explanation=encodable(
                f"the gradient of {self._seen.gradient} is bad, and no node that was seen made it", 500
            ),
            operations=self._tracer.count,
        )

    def _owner(self, name: str) -> Path:
        """Of the module that holds a parameter."""
        module = reduce(getattr, name.split(".")[:-1], self._tree.root)  # scripted modules have no `get_submodule`
        return self._tree.paths[self._tree.index_of_object[id(module)]]


def _enter(node: Any, depth: int) -> bool:
    """Into an output that is an object, as distributions are; not into the key-value cache that is a part of one."""
    return depth == 0 or nested.without_state(node, depth)


def _order(begin: Where) -> int:
    """What was bad before the first operation comes first."""
    return begin.number if isinstance(begin, BadOp) else -1


def _line(place: CodePlace | None) -> CodeLine | None:
    return None if place is None else CodeLine(place.file, place.line, place.expression())
