"""Hooks on the nodes of the autograd graph: they see the gradients of tensors and leave no trace on the tensors.

What a node is given is what torch's own `retain_grad` would keep: the gradient after every hook on the tensor. A later
in-place operation gives the tensor another node and changes nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.autograd.graph import get_gradient_edge
from torch.utils.hooks import RemovableHandle

from ..values.unwrap import read
from .eager import untraced

See = Callable[[Tensor], None]


class GraphHooks:
    """Hooks of ours on nodes, from when they are asked for until `remove`."""

    def __init__(self) -> None:
        self._handles: list[RemovableHandle] = []
        self._accumulating: list[Any] = []  # nodes of leaves, which nobody else keeps while there is no graph

    def watch(self, tensor: Tensor, see: See) -> None:
        """Let `see` have every gradient of a tensor that requires one."""
        node: Any = read(tensor, "grad_fn")
        if node is None:
            node = self._accumulating_node(tensor)
        self._handles.append(node.register_prehook(_Arrival(see, read(tensor, "output_nr"))))

    def watch_leaf(self, leaf: Tensor, see: See) -> None:
        """Let `see` have the gradient of a leaf each time a backward pass has added it to `leaf.grad`."""
        node = self._accumulating_node(leaf)
        self._handles.append(node.register_hook(_Accumulated(see)))

    def remove(self) -> None:
        """All of them, also from graphs that are still there."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._accumulating.clear()

    def _accumulating_node(self, leaf: Tensor) -> Any:
        node = get_gradient_edge(leaf).node
        self._accumulating.append(node)
        return node


class _Arrival:
    """Before a node works: it is given a gradient for each of its outputs, None where none reached one."""

    def __init__(self, see: See, output: int) -> None:
        self._see = see
        self._output = output

    @untraced
    def __call__(self, gradients: tuple[Tensor | None, ...]) -> None:
        gradient = gradients[self._output]
        if gradient is not None:
            self._see(gradient)


class _Accumulated:
    """After the node of a leaf has worked."""

    def __init__(self, see: See) -> None:
        self._see = see

    @untraced
    def __call__(self, nothing: Any, gradients: tuple[Tensor | None, ...]) -> None:
        if gradients[0] is not None:
            self._see(gradients[0])
