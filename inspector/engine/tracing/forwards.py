"""Whose forwards are looked into while lines are recorded, and which call of its module a frame is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import CodeType, FrameType, FunctionType
from typing import Any, NamedTuple, Protocol

from torch import nn

from ..hooks.graphs import in_backward
from ..hooks.steps import StepCounter
from ..modules.tree import ModuleTree
from ..recording.call import Call, Place
from ..recording.numbers import CallNumbers
from ..source.generated import original
from ..source.running import forward_of, variables
from .called_values import CALLS
from .helpers import find_helpers

Variables = Mapping[str, Any]
"""Of a frame, from `f_locals`, which some Pythons make anew each time that they are asked."""
_WRAPPERS = 20
"""Frames of decorators between a forward and who calls it."""


class ForwardCall(NamedTuple):
    """The call of a module that a frame is."""

    place: Place
    recomputed: bool


class Forwards(Protocol):
    """What to look into."""

    codes: dict[int, CodeType]
    """Of forwards, by id: to compare code is to compare all that is in it."""
    helpers: Iterable[CodeType]
    """Of what they may call."""
    modules: Iterable[nn.Module]
    """Whose results are shown where they are called."""
    most_frames: int
    """To be kept; of further ones none are."""

    def find_call(self, frame: FrameType, variables: Variables) -> ForwardCall | None:
        """None for a frame of that code, with these variables, that is no call of a module by its hooks."""


class OneForward:
    """Of one module.

    Args:
        module: Whose.
        function: That forward.
        innermost: The call of the module that runs on this thread, as a recorder has it.
    """

    def __init__(self, module: nn.Module, function: FunctionType, innermost: Callable[[], Call | None]) -> None:
        self.most_frames = 300
        self.codes = {id(function.__code__): function.__code__}
        self.helpers: Iterable[CodeType] = find_helpers(function, module)
        self.modules: Iterable[nn.Module] = tuple(nn.Module.modules(module))
        self._module = module
        self._innermost = innermost

    def find_call(self, frame: FrameType, variables: Variables) -> ForwardCall | None:
        """A function that was put in the place of a forward need not take the module."""
        first = _first_argument(frame, variables)
        if first is not self._module and isinstance(first, nn.Module):
            return None
        call = self._innermost()
        return None if call is None else ForwardCall(call.place, call.recomputed)


class AllForwards:
    """Of all modules of a model. `counts` has how many calls there were of each node.

    Args:
        tree: The modules.
        index: Of one whose calls `innermost` has; those of the others are counted.
        innermost: As for `OneForward`.
        steps: Counts the steps.
    """

    def __init__(self, tree: ModuleTree, index: int, innermost: Callable[[], Call | None], steps: StepCounter) -> None:
        self.most_frames = 3_000
        self.codes: dict[int, CodeType] = {}
        self.counts: dict[int, int] = {}
        self.modules: Iterable[nn.Module] = tuple(node.module for node in tree.nodes)
        self._tree = tree
        self._index = index
        self._innermost = innermost
        self._numbers = CallNumbers(steps)
        self._own: dict[int, CodeType] = {}  # of the forwards of nodes, by index
        helpers: dict[int, CodeType] = {}
        for at, function, module in _list_forwards(tree):
            code = function.__code__
            if id(code) not in self.codes:
                self.codes[id(code)] = code
                helpers |= {id(each): each for each in find_helpers(function, module)}
            self._own[at] = code
        self.helpers: Iterable[CodeType] = [code for key, code in helpers.items() if key not in self.codes]

    def find_call(self, frame: FrameType, variables: Variables) -> ForwardCall | None:
        module = _called_module(frame, variables)
        index = self._tree.index_of_object.get(id(module))
        if index is None or self._own.get(index) is not frame.f_code:
            return None
        if index == self._index:
            call = self._innermost()
            found = None if call is None or call.index != index else ForwardCall(call.place, call.recomputed)
        else:
            _, step, in_step = self._numbers.next(index)
            found = ForwardCall((index, step, in_step), in_backward())
        if found is not None:
            self.counts[index] = self.counts.get(index, 0) + 1
        return found


def python_of(module: nn.Module) -> nn.Module:
    """What a compiled module was made from; any other is that itself."""
    inner = original(module)
    return module if inner is None else inner


def _first_argument(frame: FrameType, variables: Variables) -> object:
    code = frame.f_code
    return variables.get(code.co_varnames[0]) if code.co_argcount else None


def _list_forwards(tree: ModuleTree) -> Iterable[tuple[int, FunctionType, nn.Module]]:
    """Index, function and module; of one class all have the same, but where it was replaced on an instance."""
    known: dict[int, FunctionType | None] = {}
    for index, node in enumerate(tree.nodes):
        module = node.module
        own = "forward" in variables(module)
        if own or id(type(module)) not in known:
            function = forward_of(module).function
            if not own:
                known[id(type(module))] = function
        else:
            function = known[id(type(module))]
        if function is not None:
            yield index, function, module


def _called_module(frame: FrameType, variables: Variables) -> object:
    """The module whose call, with its hooks, ends in this frame, through decorators; None where there is none."""
    outer = frame.f_back
    if (
        outer is not None
        and outer.f_code.co_filename == CALLS
        and isinstance(first := _first_argument(frame, variables), nn.Module)
    ):
        return first  # of a method of it, as most are
    for _ in range(_WRAPPERS):
        if outer is None:
            return None
        if outer.f_code.co_filename == CALLS:
            return outer.f_locals.get("self")
        outer = outer.f_back
    return None
