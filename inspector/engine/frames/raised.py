"""What was raised while a model was at work, as far as its frames tell: whose error it is, the model, what it was
called with, and of a backward pass the node."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ...raised import errors_before, message_of, traceback_of
from ...records import CodeLine
from ...text import encodable
from ..modules.walk import modules_of
from ..values.nested import walk_graph
from ..values.objects import is_a
from .code_frame import CodeFrame, frames_of_traceback, is_written
from .modules import called_with, find_modules, find_root, read_owner
from .variables import read_variables

_MOST_ERRORS = 100
_MOST_NODES = 100_000
_BACKWARD = torch.autograd.graph._engine_run_backward.__code__
_NAMED = re.compile(r"Function '(\w{1,200})' returned")
_PLACE = re.compile(r'^ *File "(.+)", line (\d+), in ', re.MULTILINE)


@dataclass(frozen=True)
class Raised:
    """An error and the frames that it went through, the outermost first. They keep everything that was in them."""

    error: BaseException
    frames: Sequence[CodeFrame]

    @property
    def in_backward(self) -> bool:
        """Whether it came out of a backward pass."""
        return any(each.frame.f_code is _BACKWARD for each in self.frames)

    @property
    def in_model(self) -> bool:
        """Whether it went through a call of a module, or a backward pass."""
        return self.in_backward or any(module is not None for module in find_modules(self.frames))

    def ran_in(self, model: nn.Module) -> bool:
        """Whether it went through a method of this model, be it called or not."""
        return any(read_owner(each) is model for each in self.frames)

    def find_model(self) -> nn.Module | None:
        """The model that was at work; of a backward pass, which knows none, what the frames around it have."""
        model = find_root(self.frames)
        return model if model is not None else find_held(self.frames)

    def called_with(self, model: nn.Module) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of the model's call, as they are now; none where it was not called itself."""
        return called_with(self.frames, model)

    def find_node(self) -> tuple[str, CodeLine | None]:
        """Of a backward pass the node that failed, "" where that is not known; and the line of the forward that made
        it, which torch keeps where it detects anomalies."""
        node = next((value for each in self.frames if (value := _node_of(each)) is not None), None)
        if node is not None:
            return encodable(node.name(), 200), _made_at(node)
        named = _NAMED.search(message_of(self.error))
        if named is None:
            return "", None
        places = {_made_at(node) for node in self._nodes() if node.name() == named[1]}
        return named[1], places.pop() if len(places) == 1 else None

    def _nodes(self) -> Iterator[Any]:
        """Those of the graph that the backward pass went through."""
        running = next((each.frame for each in self.frames if each.frame.f_code is _BACKWARD), None)
        outputs: Any = (read_variables(running) or {}).get("t_outputs", ()) if running is not None else ()
        return walk_graph([tensor.grad_fn for tensor in outputs if is_a(tensor, torch.Tensor)], _MOST_NODES)


def find_raised(error: BaseException) -> Raised:
    """The error, or of those that it came of the last one that came out of a model."""
    pending, seen = [error], set[int]()
    while pending and len(seen) < _MOST_ERRORS:
        link = pending.pop(0)
        if id(link) not in seen:
            seen.add(id(link))
            raised = Raised(link, frames_of_traceback(traceback_of(link)))
            if raised.in_model:
                return raised
            pending += errors_before(link)
    return Raised(error, frames_of_traceback(traceback_of(error)))


def find_held(frames: Sequence[CodeFrame]) -> nn.Module | None:
    """The largest module in a variable of the innermost frame that has any."""
    for each in reversed(frames):
        if each.origin() != "plumbing":
            values = (read_variables(each.frame) or {}).values()
            held: list[Any] = [value for value in values if is_a(value, nn.Module)]
            if held:
                return max(held, key=lambda module: len(list(modules_of(module))))  # type: ignore[no-any-return]
    return None


def _node_of(each: CodeFrame) -> Any:
    """The node of autograd's whose own Python runs in this frame."""
    code = each.frame.f_code
    if code.co_name != "backward" or not code.co_argcount:
        return None
    value = (read_variables(each.frame) or {}).get(code.co_varnames[0])
    return value if is_a(value, torch.autograd.function.BackwardCFunction) else None


def _made_at(node: Any) -> CodeLine | None:
    """The innermost line of the forward that somebody wrote, of those that torch noted down for this node."""
    kept = node.metadata.get("traceback_")
    if type(kept) is not list:
        return None
    found = [match for entry in kept if type(entry) is str for match in _PLACE.finditer(entry)]
    written = [match for match in found if is_written(match[1])]
    return CodeLine(encodable(written[-1][1], 1_000), int(written[-1][2])) if written else None
