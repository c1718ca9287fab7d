"""The operations of a forward as Python calls them, and those whose output is bad.

Nothing is kept of an operation that gives what is fine, and little is asked: whether the sum of its output is finite.
Of one that does not, the inputs are looked at as well: each of them is fine, or bad since an operation before, or bad
and made by none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.overrides import TorchFunctionMode, resolve_name

from ...records import Value
from ..values.summarize import Summarizer
from ..values.unwrap import PLAIN, is_wrapped
from .badness import Bad, Look, begins_with_nan, flat_tensors, is_infinite_number
from .causes import BadMemory, BadOp, Origin, Where, memory_of
from .in_place import Before, find_written, see_before, writes
from .lines import find_function_call, find_place
from .module_calls import ModuleCall
from .node_owners import NodeOwner, NodeOwners, next_number

_FRAMES = 4  # from `find_place` over `_note`, `_look` and `__torch_function__` up to who called
_MOST = 2_000
"""Operations with a bad output that are kept; what comes later comes from them."""


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
        self._written: Tensor | None = None  # by the operation that runs, of what it is given
        self._before: Before | None = None  # what was in it
        self._bad = BadMemory()
        self._numbers: dict[Bad, Where] = {}  # where those that came to Python were from

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
                self._bad.take(tensor, origin)

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        self._see_written(func, args, kwargs)
        first = next_number() if self._owners is not None else 0
        output = func(*args, **kwargs)
        self.count += 1
        if self._owners is not None:
            self._tell_owner(self._owners, func, first)
        if type(output) is float and not math.isfinite(output):
            self._take_number(args, output)
        elif (self._bad or func not in MOVES) and func not in EMPTY:
            self._look(func, args, kwargs, (args[0] if args else None) if output is None else output)
        self._written = self._before = None  # they may be large
        return output

    def _tell_owner(self, owners: NodeOwners, func: Callable[..., Any], first: int) -> None:
        """`first` is the number of the first node that the operation made, if it made any."""
        end = next_number()
        if end > first:
            place = find_place(_FRAMES - 1)
            owners.take_op(first, end, NodeOwner(name_of(func), place, *self._where()))
        elif first > owners.end and not torch.is_grad_enabled():
            place = find_function_call(_FRAMES - 1)
            if place is not None:
                owners.take_op(first - 1, first, NodeOwner("", place, *self._where()))

    def _where(self) -> tuple[ModuleCall, int, bool]:
        return self._innermost(), self._step(), self._in_loss

    def _see_written(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Of what is known to hold NaN nothing needs to be kept."""
        written = self._written = find_written(func, args, kwargs)
        if written is not None:
            since = self._bad.find(written)
            self._before = see_before(written) if since is None or since.bad is not Bad.NAN else None

    def _take_number(self, args: tuple[Any, ...], number: float) -> None:
        """One of a tensor, that Python reckons with from here."""
        cause = next((cause for each in flat_tensors(args) if (cause := self.cause_of(each)) is not None), None)
        if cause is not None:
            self._numbers[Bad.NAN if math.isnan(number) else Bad.INFINITE] = cause

    def _look(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], written: object) -> None:
        is_move = func in MOVES
        if self._bad and not is_move and self._is_handed_on(func, args, kwargs, written):
            return
        for tensor in flat_tensors(written):
            if is_move and self._bad.find(tensor) is not None:
                continue  # a view of what is known
            bad = self._look_at(tensor)
            if bad:
                if len(self.found) < _MOST:
                    self._note(func, args, kwargs, tensor, bad)
            elif self._bad and tensor is written and writes(func, kwargs) and self._is_whole(tensor):
                self._bad.forget(tensor)

    def _is_handed_on(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], output: object
    ) -> bool:
        """Whether the output is NaN because an argument was, as most are behind the first NaN: nothing more of it is
        looked at than its first element."""
        if type(output) is not Tensor or writes(func, kwargs):
            return False
        known = self._find_nan([each for each in args if type(each) is Tensor])
        if known is None or not begins_with_nan(output):
            return False
        if self._bad.find(output) is not known:
            self._bad.take(output, known)
        return True

    def see_script(self, args: object, output: object) -> None:
        """The module of TorchScript that runs has returned: its operations are not Python's, and are one here."""
        with torch._C.DisableTorchFunction():
            self.count += 1
            for tensor in flat_tensors(output):
                bad = self._look_at(tensor)
                if bad and self._bad.find(tensor) is None:
                    self._note(run_script, (args,), {}, tensor, bad)

    def _note(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Any, tensor: Tensor, bad: Bad) -> None:
        named = list(flat_tensors((args, {name: value for name, value in kwargs.items() if name != "out"})))
        given = [each for each in named if not writes(func, kwargs) or each is not tensor]
        known = self._find_nan(given) if bad is Bad.NAN else None
        if known is not None and (len(given) == len(named) or self._bad.find(tensor) in (None, known)):
            self._bad.take(tensor, known)
            return
        numbers = [each for each in (*args, *kwargs.values()) if type(each) in (int, float)]
        fills = _fills(func, (*args, *kwargs.values()))
        causes = self._causes_in(given)
        if len(given) < len(named):
            causes = list(dict.fromkeys([*causes, *self._causes_before(tensor)]))
        if not causes and (not fills or _name(func) in _TIMES):
            causes = self._causes_of_numbers(numbers)
        if len(causes) == 1 and _hands_on(causes[0], bad):
            self._bad.take(tensor, causes[0])
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
            fills,
            self._describe(named, tensor, summarizer) if begins else (),
            summarizer.describe(tensor) if begins else None,
            tuple(dict.fromkeys(self._names[key] for key in map(memory_of, given) if key in self._names)),
            next((each for each in numbers if not math.isfinite(each)), max(map(abs, numbers), default=0.0)),
            any(type(each) in (int, float) and each == 0 for each in args[1:]),
            self._in_loss,
            causes,
        )
        summarizer.resolve()
        for cause in causes:
            if isinstance(cause, Origin) and cause.taken_by is None:
                cause.taken_by = noted
        self.found.append(noted)
        self._bad.take(tensor, noted)

    def _describe(self, given: list[Tensor], written: Tensor, summarizer: Summarizer) -> tuple[Value, ...]:
        """What it was given; of what it wrote over, as that was before."""
        before = self._before
        if isinstance(before, Tensor):
            before = summarizer.describe(before)
        values = (before if each is self._written else summarizer.describe(each) for each in given)
        return tuple([value for value in values if value is not None])

    def _find_nan(self, named: list[Tensor]) -> Where | None:
        """Where one of them became NaN, where that is known: the others, such as weights, are not looked at then."""
        for each in named:
            since = self._bad.find(each)
            if since is not None and since.bad is Bad.NAN and self._is_whole(each):
                return since
        return None

    def _causes_in(self, given: list[Tensor]) -> list[Where]:
        return list(dict.fromkeys(cause for each in given if (cause := self.cause_of(each)) is not None))

    def _causes_before(self, written: Tensor) -> list[Where]:
        """Why a tensor that it was given was bad before it wrote there, where some of that may be left."""
        since = self._bad.find(written)
        is_fine = isinstance(self._before, Tensor) and not self._look_at(self._before)
        return [] if since is None or is_fine else [since]

    def _causes_of_numbers(self, numbers: list[Any]) -> list[Where]:
        kinds = (Bad.NAN if math.isnan(each) else Bad.INFINITE for each in numbers if not math.isfinite(each))
        return [self._numbers[kind] for kind in dict.fromkeys(kinds) if kind in self._numbers]

    def cause_of(self, tensor: Tensor) -> Where | None:
        """Where it went bad; None where it is fine."""
        bad = self._look_at(tensor)
        if not bad:
            return None
        since = self._bad.find(tensor)
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
        return tensor.nbytes == tensor.untyped_storage().nbytes() and 0 not in tensor.stride()


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
    ("full", "fill", "where", "tensor", "pad", "setitem", "scatter", "index_fill", "index_put", "clamp", "clip")
)
_TIMES = frozenset(("mul", "mul_", "multiply", "__mul__", "__rmul__", "__imul__"))


def _hands_on(cause: Where, bad: Bad) -> bool:
    """Whether what is `bad` now is so because of that alone, and nothing has to be known of what was done to it."""
    is_known = isinstance(cause, BadOp) or bool(cause.name) or cause.taken_by is not None
    return cause.bad is bad and is_known


def _fills(func: Callable[..., Any], given: Iterable[object]) -> bool:
    """Whether it was told to write an infinite number, and does not come to it by reckoning."""
    name = _name(func)
    if name in _TIMES:  # `torch.ones(8, 8) * -math.inf`
        return any(type(each) is float and math.isinf(each) for each in given)
    return any(each in name for each in _FILLING) and any(map(is_infinite_number, given))


def name_of(func: Callable[..., Any]) -> str:
    """As one would write it: "torch.nn.functional.gelu"."""
    return resolve_name(func) or _name(func) or "?"


def _name(func: Callable[..., Any]) -> str:
    return str(getattr(func, "__name__", ""))


def run_script(*args: object) -> None:
    """The name of what a module of TorchScript does."""


def name_tensors(root: Module) -> dict[int, str]:
    """The parameters and buffers of a model: their first names, by their memory."""
    found: dict[int, str] = {}
    for name, tensor in (*root.named_parameters(), *root.named_buffers()):
        found.setdefault(memory_of(tensor), name)
    return found
