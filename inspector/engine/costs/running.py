"""Which module runs while an operation does, read from Python's frames and from the graph: no hook is put on."""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import nn

from ..modules.tree import ModuleTree

_CALL = nn.Module._call_impl.__code__
_node: Any = getattr(torch._C, "_current_autograd_node", lambda: None)
_next_number: Any = torch.autograd._get_sequence_nr  # type: ignore[attr-defined]  # of the graph's next node


class RunningModule:
    """Finds it, for operations of a forward pass that it saw, also in the backward pass from them."""

    def __init__(self, tree: ModuleTree) -> None:
        self._rows = tree.index_of_object
        self._made: dict[int, int] = {}  # the module that made a node of the graph, by the number of the node
        self._last: int | None = None  # in the backward pass

    def find(self) -> int | None:
        """The row of the innermost module that is being called here, or that made what a backward pass is at."""
        row, node = self._find_called(), _node()
        if node is None:
            if row is not None and torch.is_grad_enabled():
                self._made.setdefault(_next_number() - 1, row)  # the first operation after a node was made is its own
            return row
        self._last = self._made.get(node._sequence_nr(), self._last)  # what adds up a gradient has no number
        return self._last if row is None else row  # a call within it is a recomputed one

    def _find_called(self) -> int | None:
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_code is _CALL:
                row = self._rows.get(id(frame.f_locals.get("self")))
                if row is not None:
                    return row
            frame = frame.f_back  # type: ignore[assignment]
        return None
