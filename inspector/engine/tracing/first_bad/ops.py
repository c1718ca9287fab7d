"""The operations of a forward as Python calls them, and those whose output is bad.

Nothing is kept of an operation that gives what is fine, and little is asked: whether the sum of its output is finite.
Of one that does not, the inputs are looked at as well: each of them is fine, or bad since an operation before, or bad
and made by none.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module
from torch.overrides import TorchFunctionMode

from ....records import Value
from ...values.summarize import Summarizer
from ...values.unwrap import PLAIN, is_wrapped
from ..in_place import Before, find_written, flat_tensors, see_before, writes
from ..lines import find_place
from .badness import Bad, Look, begins_with_nan
from .causes import BadMemory, BadOp, Origin, Where, memory_of
from .module_calls import ModuleCall
from .node_owners import NodeOwners, next_number
from .op_kinds import EMPTY, FACTORIES, MOVES, TIMES, fills, flat_numbers, forward, name_of, plain_name

_FRAMES = 4  # from `find_place` over `_note`, `_look` and `__torch_function__` up to who called
_RUNNING = ("running_mean", "running_var")
_MOST = 2_000
"""Operations with a bad output that are kept; what comes later comes from them."""


class _Now(threading.local):
    """The operation that runs: each thread has one of its own."""

    def __init__(self) -> None:
        self.written: Tensor | None = None  # by it, of what it is given
        self.before: Before | None = None  # what was in that
        self.last: weakref.ref[Tensor] | None = None  # what the operation before gave


class OpTracer(TorchFunctionMode):
    """Looks from `with` to its end, on its thread and on those that it is told of.

    Args:
        look: Says what is bad.
        innermost: The call of a module that runs.
        step: The step that runs.
        root: The model.
    """

    def __init__(self, look: Look, innermost: Callable[[], ModuleCall], step: Callable[[], int], root: Module) -> None:
        super().__init__()
        self.found: list[BadOp] = []
        self.origins: dict[str, Origin] = {}  # what was bad before the pass, of what made something bad, by name
        self._look_at = look
        self._innermost = innermost
        self._step = step
        self._names = name_tensors(root)
        self._trained = {name for name, each in root.named_parameters() if each.requires_grad}
        self._given: dict[int, str] = {}
        self.count = 0
        self._in_loss = False
        self._owners: NodeOwners | None = None
        self._now = _Now()
        self._thread = 0  # that entered it
        self._is_over = False  # a thread that outlives the pass may keep it
        self._bad = BadMemory()
        self._unlooked = EMPTY if look.is_usual else FACTORIES
        self._numbers: dict[Bad, Where] = {}  # where those that came to Python were from

    def __enter__(self) -> OpTracer:
        self._thread = threading.get_ident()
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *ended: object) -> None:
        self._is_over = True
        super().__exit__(*ended)  # type: ignore[no-untyped-call]

    def turn_thread(self, begins: bool) -> None:
        """On this thread the first call of all begins, or ended: threads that the model starts are looked at, too."""
        if threading.get_ident() == self._thread:
            return
        if begins:
            super().__enter__()  # type: ignore[no-untyped-call]
        else:
            super().__exit__(None, None, None)  # type: ignore[no-untyped-call]

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
        if self._is_over:
            return func(*args, **kwargs)
        self._see_written(func, args, kwargs)
        first = next_number() if self._owners is not None else 0
        output = func(*args, **kwargs)
        self.count += 1
        if self._owners is not None:
            self._owners.see_op(func, output, first, self._innermost(), self._step(), self._in_loss)
        if type(output) is float and not math.isfinite(output):
            self._take_number(args, output)
        elif (self._bad or func not in MOVES) and func not in self._unlooked:
            self._look(func, args, kwargs, (args[0] if args else None) if output is None else output)
        self._now.written = self._now.before = None  # they may be large
        self._now.last = weakref.ref(output) if type(output) is Tensor else None
        return output

    def _see_written(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Of what is known to hold NaN nothing needs to be kept."""
        written = self._now.written = find_written(func, args, kwargs)
        if written is not None:
            since = self._bad.find(written)
            self._now.before = see_before(written) if since is None or since.bad is not Bad.NAN else None

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

    def see_call(self, module: Module, args: object, output: object) -> None:
        """The call that runs has returned: what is bad of its output, and no operation of Python's gave, it made
        itself, by TorchScript or an extension."""
        is_script = isinstance(module, torch.jit.ScriptModule)
        self.count += is_script
        with torch._C.DisableTorchFunction():
            for tensor in flat_tensors(output):
                last = self._now.last
                if (last is not None and last() is tensor and not is_script) or self._bad.find(tensor) is not None:
                    continue
                bad = self._look_at(tensor)
                if not bad:
                    continue
                origin = self.cause_of(tensor)
                if isinstance(origin, Origin) and origin.name:
                    self._bad.take(tensor, origin)
                elif is_script or bad is Bad.NAN:
                    own = (*Module.parameters(module, is_script), *Module.buffers(module, is_script))
                    bad_ones = [each for each in own if bad is not Bad.MEANT and self._look_at(each)]
                    self._note(forward, (args, bad_ones), {}, tensor, bad)

    def _note(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Any, tensor: Tensor, bad: Bad) -> None:
        named = list(flat_tensors((args, {name: value for name, value in kwargs.items() if name != "out"})))
        given = [each for each in named if not writes(func, kwargs) or each is not tensor]
        known = self._find_nan(given) if bad is Bad.NAN else None
        if known is not None and (len(given) == len(named) or self._bad.find(tensor) in (None, known)):
            self._bad.take(tensor, known)
            return
        numbers = [each for each in flat_numbers((*args, *kwargs.values())) if type(each) in (int, float)]
        is_filled = fills(func, (*args, *kwargs.values()))
        causes = self._causes_in(given)
        if len(given) < len(named):
            causes = list(dict.fromkeys([*causes, *self._causes_before(tensor)]))
        if not causes and (not is_filled or plain_name(func) in TIMES):
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
            is_filled,
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
        before = self._now.before
        if isinstance(before, Tensor):
            before = summarizer.describe(before)
        values = (before if each is self._now.written else summarizer.describe(each) for each in given)
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
        is_fine = isinstance(self._now.before, Tensor) and not self._look_at(self._now.before)
        return [] if since is None or is_fine else [since]

    def _causes_of_numbers(self, numbers: list[Any]) -> list[Where]:
        kinds = (Bad.NAN if math.isnan(each) else Bad.INFINITE for each in numbers if not math.isfinite(each))
        return [self._numbers[kind] for kind in dict.fromkeys(kinds) if kind in self._numbers]

    def knows(self, tensor: Tensor) -> bool:
        """Whether an operation made it bad, or gave it from what was."""
        return self._bad.find(tensor) is not None

    def cause_of(self, tensor: Tensor) -> Where | None:
        """Where it went bad; None where it is fine. What meets a condition does so by an operation or by nobody."""
        bad = self._look_at(tensor)
        if not bad:
            return None
        since = self._bad.find(tensor)
        if since is not None or bad is Bad.MEANT:
            return since
        parameter = self._names.get(memory_of(tensor), "")
        name = parameter or self._given.get(memory_of(tensor), "")
        if name in self.origins:
            return self.origins[name]
        held = tensor if parameter else Summarizer().describe_now(tensor)
        is_weight = parameter in self._trained or parameter.endswith(_RUNNING)
        origin = Origin(name, bad, held, bool(parameter), is_weight)
        return self.origins.setdefault(name, origin) if name else origin

    @staticmethod
    def _is_whole(tensor: Tensor) -> bool:
        """Whether it is all of its memory."""
        if type(tensor) not in PLAIN or is_wrapped(tensor) or tensor.layout is not torch.strided:
            return False
        return tensor.nbytes == tensor.untyped_storage().nbytes() and 0 not in tensor.stride()


def _hands_on(cause: Where, bad: Bad) -> bool:
    """Whether what is `bad` now is so because of that alone, and nothing has to be known of what was done to it."""
    is_known = isinstance(cause, BadOp) or bool(cause.name) or cause.taken_by is not None
    return cause.bad is bad and is_known


def name_tensors(root: Module) -> dict[int, str]:
    """The parameters and buffers of a model: their first names, by their memory."""
    found: dict[int, str] = {}
    for name, tensor in (*root.named_parameters(), *root.named_buffers()):
        found.setdefault(memory_of(tensor), name)
    return found
