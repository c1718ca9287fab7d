"""The operations of a forward as Python calls them, and those whose output is bad.

Nothing is kept of an operation that gives what is fine, and little is asked: whether the sum of its output is finite.
Of one that does not, the inputs are looked at as well: each of them is fine, or bad since an operation before, or bad
and made by none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import Module
from torch.overrides import TorchFunctionMode, resolve_name

from ...records import Value
from ..values.summarize import Summarizer
from .badness import Bad, Check, flat_tensors, is_infinite_number
from .lines import CodePlace, find_place
from .module_calls import ModuleCall

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
    inputs: tuple[Value, ...]
    output: Value
    parameters: tuple[str, ...]
    in_loss: bool
    causes: list[BadOp | Origin] = field(default_factory=list)


class NodePlace(NamedTuple):
    """The operation of the forward that a node of the backward pass belongs to."""

    name: str
    place: CodePlace | None
    call: ModuleCall
    step: int
    in_loss: bool


class OpTracer(TorchFunctionMode):
    """Looks from `with` to its end, on its thread.

    Args:
        check: What is bad.
        innermost: The call of a module that runs.
        step: The step that runs.
        names: Of parameters and buffers, by their memory.
    """

    def __init__(
        self, check: Check, innermost: Callable[[], ModuleCall], step: Callable[[], int], names: dict[int, str]
    ) -> None:
        super().__init__()
        self.found: list[BadOp] = []
        self._check = check
        self._innermost = innermost
        self._step = step
        self._names = names
        self._given: dict[int, str] = {}
        self.count = 0
        self._in_loss = False
        self._nodes: dict[Any, NodePlace] | None = None
        self._since: dict[int, BadOp] = {}  # by memory, the operation since which it holds something bad

    def follow_graph(self) -> dict[Any, NodePlace]:
        """Remember from now on which operation made which node of autograd's graph: these."""
        self._nodes = {}
        return self._nodes

    def begin_loss(self) -> None:
        """The model has returned: what follows is the loss."""
        self._in_loss = True

    def take_inputs(self, inputs: Iterable[Tensor]) -> None:
        """What the model is called with."""
        self._given = {memory_of(tensor): "input" for tensor in inputs}

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        output = func(*args, **kwargs)
        self.count += 1
        written = (args[0] if args else None) if output is None else output
        if self._since or func not in MOVES:
            self._look(func, args, kwargs, written)
        if self._nodes is not None:
            self._remember_nodes(self._nodes, func, output)
        return output

    def _remember_nodes(self, nodes: dict[Any, NodePlace], func: Callable[..., Any], output: object) -> None:
        for tensor in flat_tensors(output):
            node = tensor.grad_fn
            if node is not None and node not in nodes:
                place = find_place(_FRAMES - 1)
                nodes[node] = NodePlace(name_of(func), place, self._innermost(), self._step(), self._in_loss)

    def _look(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], written: object) -> None:
        for tensor in flat_tensors(written):
            bad = self._check(tensor)
            if bad:
                if len(self.found) < _MOST:
                    self._note(func, args, kwargs, tensor, bad)
            elif self._since and (memory := memory_of(tensor)) in self._since:
                shared = any(memory_of(each) == memory for each in flat_tensors((args, kwargs)))
                if not shared or (tensor is written and tensor is args[0] and self._is_whole(tensor)):
                    del self._since[memory]  # other memory at the same place, or all of it was written

    def _note(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Any, tensor: Tensor, bad: Bad) -> None:
        given = [each for each in flat_tensors((args, kwargs)) if each is not tensor]
        causes = [cause for each in given if (cause := self.cause_of(each)) is not None]
        memory = memory_of(tensor)
        before = self._since.get(memory)
        if before is not None and before not in causes:
            causes.append(before)  # it was written into what was bad already
        summarizer = Summarizer()
        noted = BadOp(
            self.count - 1,
            name_of(func),
            bad,
            find_place(_FRAMES),
            self._innermost(),
            self._step(),
            _fills(func, (*args, *kwargs.values())),
            tuple([summarizer.describe(each) for each in given]),
            summarizer.describe(tensor),
            tuple(dict.fromkeys(self._names[key] for key in map(memory_of, given) if key in self._names)),
            self._in_loss,
            causes,
        )
        summarizer.resolve()
        self.found.append(noted)
        self._since[memory] = noted

    def cause_of(self, tensor: Tensor) -> BadOp | Origin | None:
        """Where it went bad; None where it is fine."""
        bad = self._check(tensor)
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
        return tensor.is_contiguous() and tensor.nbytes == tensor.untyped_storage().nbytes()


MOVES = frozenset(
    getattr(owner, name)
    for name in (
        "view", "view_as", "reshape", "reshape_as", "transpose", "permute", "movedim", "swapaxes", "expand",
        "expand_as", "unsqueeze", "squeeze", "flatten", "unflatten", "chunk", "split", "tensor_split", "unbind",
        "narrow", "select", "contiguous", "clone", "detach", "t", "ravel", "repeat", "repeat_interleave", "roll",
        "flip", "__getitem__", "size", "dim", "numel", "stride", "is_contiguous", "is_floating_point", "data_ptr",
        "item", "tolist",
    )
    for owner in (Tensor, torch)
    if hasattr(owner, name)
)  # fmt: skip
"""Operations whose output holds nothing that their input does not, and questions: while everything is fine they are not
looked at. What they take from a tensor that was bad from the start is found at the next operation."""


_FILLING = frozenset(
    ("full", "fill", "where", "tensor", "pad", "setitem", "masked_scatter", "index_fill", "clamp", "clip")
)


def _fills(func: Callable[..., Any], given: Iterable[object]) -> bool:
    """Whether it was told to write an infinite number, and does not come to it by reckoning."""
    name = str(getattr(func, "__name__", ""))
    return any(each in name for each in _FILLING) and any(map(is_infinite_number, given))


def name_of(func: Callable[..., Any]) -> str:
    """As one would write it: "torch.nn.functional.gelu"."""
    return resolve_name(func) or str(getattr(func, "__name__", "?"))


def memory_of(tensor: Tensor) -> int:
    """What tensors that share memory have in common."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):  # of sparse tensors and other classes
        return id(tensor)


def name_tensors(root: Module) -> dict[int, str]:
    """The parameters and buffers of a model: their first names, by their memory."""
    found: dict[int, str] = {}
    for name, tensor in (*root.named_parameters(), *root.named_buffers()):
        found.setdefault(memory_of(tensor), name)
    return found
