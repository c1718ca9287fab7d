"""The operations of a forward as Python calls them, and those whose output is bad.

Nothing is kept of an operation that gives what is fine, and little is asked: whether the sum of its output is finite.
Of one that does not, the inputs are looked at as well: each of them is fine, or bad since an operation before, or bad
and made by none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.overrides import TorchFunctionMode, resolve_name

from ...records import Value
from ..values.summarize import Summarizer
from ..values.unwrap import PLAIN, is_wrapped, numbers_of, outside_transforms
from .badness import Bad, Look, flat_tensors, is_infinite_number
from .in_place import Before, see_before
from .lines import CodePlace, find_place
from .module_calls import ModuleCall
from .node_owners import NodeOwner, NodeOwners, next_number

_FRAMES = 4  # from `find_place` over `_note`, `_look` and `__torch_function__` up to who called
_MOST = 2_000
"""Operations with a bad output that are kept; what comes later comes from them."""


@dataclass(eq=False)
class Origin:
    """Something bad that no operation gave: an input, a parameter, or what was written behind torch's back."""

    name: str  # "input", or as the model names it; "" for what is neither
    bad: Bad
    value: Value
    is_parameter: bool = False
    taken_by: BadOp | None = None  # the operation that it went into, where it is neither


@dataclass(eq=False)
class BadOp:
    """An operation that gave something bad.

    `causes` are where what it was given went bad, empty where all of that is fine.
    """

    number: int  # among all operations of the pass, from 0
    name: str  # "torch.nn.functional.gelu"
    bad: Bad
    place: CodePlace | None
    call: ModuleCall
    step: int
    fills: bool  # infinity is what it was told to write
    inputs: tuple[Value, ...]  # of one that something may begin at; else empty
    output: Value | None
    parameters: tuple[str, ...]
    largest_number: float  # among the plain numbers that it was given
    zero_number: bool  # one of them, behind the first argument, is 0
    in_loss: bool
    causes: list[BadOp | Origin] = field(default_factory=list)


class OpTracer(TorchFunctionMode):
    """Looks from `with` to its end, on its thread.

    Args:
        look: Says what is bad.
        innermost: The call of a module that runs.
        step: The step that runs.
        names: Of parameters and buffers, by their memory.
    """

    def __init__(
        self, look: Look, innermost: Callable[[], ModuleCall], step: Callable[[], int], names: dict[int, str]
    ) -> None:
        super().__init__()
        self.found: list[BadOp] = []
        self._look_at = look
        self._innermost = innermost
        self._step = step
        self._names = names
        self._given: dict[int, str] = {}
        self.count = 0
        self._in_loss = False
        self._owners: NodeOwners | None = None
        self._before: Before | None = None  # what the operation that runs was given where it writes
        self._since: dict[int, BadOp | Origin] = {}  # by memory, since when it holds something bad

    def follow_graph(self, owners: NodeOwners) -> None:
        """Tell from now on which operation made which nodes of autograd's graph."""
        self._owners = owners

    def begin_loss(self) -> None:
        """The model has returned: what follows is the loss."""
        self._in_loss = True

    def take_inputs(self, inputs: Iterable[Tensor]) -> None:
        """What the model is called with."""
        for tensor in inputs:
            self._given[memory_of(tensor)] = "input"
            origin = self.cause_of(tensor)
            if origin is not None:
                self._since[memory_of(tensor)] = origin

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        self._before = see_before(func, args, kwargs)
        first = next_number() if self._owners is not None else 0
        output = func(*args, **kwargs)
        self.count += 1
        if self._owners is not None and (end := next_number()) > first:
            owner = NodeOwner(name_of(func), find_place(_FRAMES - 2), self._innermost(), self._step(), self._in_loss)
            self._owners.take_op(first, end, owner)
        written = (args[0] if args else None) if output is None else output
        if func in EMPTY:
            self._since.pop(memory_of(output), None)
        elif self._since or func not in MOVES:
            self._look(func, args, kwargs, written)
        self._before = None  # it may be large
        return output

    def _look(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], written: object) -> None:
        for tensor in flat_tensors(written):
            bad = self._look_at(tensor)
            if bad:
                if len(self.found) < _MOST:
                    self._note(func, args, kwargs, tensor, bad)
            elif self._since and (memory := memory_of(tensor)) in self._since:
                shared = any(memory_of(each) == memory for each in flat_tensors((args, kwargs)))
                if not shared or (tensor is written and tensor is args[0] and self._is_whole(tensor)):
                    del self._since[memory]  # other memory at the same place, or all of it was written

    def see_script(self, args: object, output: object) -> None:
        """The module of TorchScript that runs has returned: its operations are not Python's, and are one here."""
        with torch._C.DisableTorchFunction():
            self.count += 1
            for tensor in flat_tensors(output):
                bad = self._look_at(tensor)
                if bad and memory_of(tensor) not in self._since:
                    self._note(run_script, (args,), {}, tensor, bad)

    def _note(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Any, tensor: Tensor, bad: Bad) -> None:
        named = list(flat_tensors((args, {name: value for name, value in kwargs.items() if name != "out"})))
        given = [each for each in named if each is not tensor]
        causes = self._causes_in(given)
        memory = memory_of(tensor)
        before = self._since.get(memory)
        if before is not None and before not in causes:
            causes.append(before)  # it was written into what was bad already
        if len(causes) == 1 and _hands_on(causes[0], bad):
            self._since[memory] = causes[0]
            return
        begins = not causes or (bad is Bad.NAN and all(cause.bad is not Bad.NAN for cause in causes))
        summarizer = Summarizer()
        noted = BadOp(
            self.count - 1,
            name_of(func),
            bad,
            find_place(_FRAMES),
            self._innermost(),
            self._step(),
            _fills(func, (*args, *kwargs.values())),
            self._describe(named, tensor, summarizer) if begins else (),
            summarizer.describe(tensor) if begins else None,
            tuple(dict.fromkeys(self._names[key] for key in map(memory_of, given) if key in self._names)),
            max((abs(each) for each in (*args, *kwargs.values()) if type(each) in (int, float)), default=0.0),
            any(type(each) in (int, float) and each == 0 for each in args[1:]),
            self._in_loss,
            causes,
        )
        summarizer.resolve()
        for cause in causes:
            if isinstance(cause, Origin) and cause.taken_by is None:
                cause.taken_by = noted
        self.found.append(noted)
        self._since[memory] = noted

    def _describe(self, given: list[Tensor], written: Tensor, summarizer: Summarizer) -> tuple[Value, ...]:
        """What it was given; of what it wrote over, as that was before."""
        before = self._before
        if isinstance(before, Tensor):
            before = summarizer.describe(before)
        values = (before if each is written else summarizer.describe(each) for each in given)
        return tuple([value for value in values if value is not None])

    def _causes_in(self, given: list[Tensor]) -> list[BadOp | Origin]:
        """Where they went bad. Where that is known of one with NaN, the others, such as weights, are not looked at."""
        known = [self._since.get(memory_of(each)) for each in given]
        for each, since in zip(given, known, strict=True):
            if since is not None and since.bad is Bad.NAN and self._is_whole(each):
                return [since]
        return list(dict.fromkeys(cause for each in given if (cause := self.cause_of(each)) is not None))

    def cause_of(self, tensor: Tensor) -> BadOp | Origin | None:
        """Where it went bad; None where it is fine."""
        bad = self._look_at(tensor)
        if not bad:
            return None
        since = self._since.get(memory_of(tensor))
        if since is not None:
            return since
        parameter = self._names.get(memory_of(tensor), "")
        name = parameter or self._given.get(memory_of(tensor), "")
        return Origin(name, bad, Summarizer().describe_now(tensor), bool(parameter))

    @staticmethod
    def _is_whole(tensor: Tensor) -> bool:
        """Whether it is all of its memory."""
        if type(tensor) not in PLAIN or is_wrapped(tensor) or tensor.layout is not torch.strided:
            return False
        return tensor.is_contiguous() and tensor.nbytes == tensor.untyped_storage().nbytes()


MOVES = frozenset(
    getattr(owner, name)
    for name in (
        "view", "view_as", "transpose", "permute", "movedim", "swapaxes", "expand", "expand_as", "unsqueeze", "squeeze",
        "flatten", "unflatten", "chunk", "split", "tensor_split", "unbind", "narrow", "select", "detach", "t",
        "__getitem__", "size", "dim", "numel", "stride", "is_contiguous", "is_floating_point", "data_ptr", "item",
        "tolist",
    )
    for owner in (Tensor, torch)
    if hasattr(owner, name)
)  # fmt: skip
"""Operations whose output holds nothing that their input does not, and questions: while everything is fine they are not
looked at: they give views, whose memory tells where they are from."""
EMPTY = frozenset(
    getattr(owner, name)
    for name in ("empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided")
    for owner in (Tensor, torch)
    if hasattr(owner, name)
)
"""What is in their output nobody put there."""


_FILLING = frozenset(
    ("full", "fill", "where", "tensor", "pad", "setitem", "masked_scatter", "index_fill", "clamp", "clip")
)


def _hands_on(cause: BadOp | Origin, bad: Bad) -> bool:
    """Whether what is `bad` now is so because of that alone, and nothing has to be known of what was done to it."""
    is_known = isinstance(cause, BadOp) or bool(cause.name) or cause.taken_by is not None
    return cause.bad is bad and is_known


def _fills(func: Callable[..., Any], given: Iterable[object]) -> bool:
    """Whether it was told to write an infinite number, and does not come to it by reckoning."""
    name = str(getattr(func, "__name__", ""))
    return any(each in name for each in _FILLING) and any(map(is_infinite_number, given))


def name_of(func: Callable[..., Any]) -> str:
    """As one would write it: "torch.nn.functional.gelu"."""
    return resolve_name(func) or str(getattr(func, "__name__", "?"))


def run_script(*args: object) -> None:
    """The name of what a module of TorchScript does."""


def memory_of(tensor: Tensor) -> int:
    """What tensors that share memory have in common."""
    try:
        if type(tensor) not in PLAIN or is_wrapped(tensor):
            with torch._C.DisableTorchFunctionSubclass(), outside_transforms():
                inner = numbers_of(tensor)[0]
                tensor = tensor if inner is None else inner
        return int(tensor.untyped_storage()._cdata)
    except Exception:  # a tensor may refuse any question
        return id(tensor)


def name_tensors(root: Module) -> dict[int, str]:
    """The parameters and buffers of a model: their first names, by their memory."""
    found: dict[int, str] = {}
    for name, tensor in (*root.named_parameters(), *root.named_buffers()):
        found.setdefault(memory_of(tensor), name)
    return found
