"""The gradients of parameters, described each time a backward pass has added to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from torch import Tensor
from torch.nn.parameter import is_lazy

from ...raised import say
from ...records import TensorValue
from ...text import encodable
from ..modules.tree import ModuleTree, Node, own_tensors
from ..torch_hooks.graph import GraphHooks
from ..values.summarize import Summarizer


class ParameterGradients:
    """Between `watch` and `end`.

    Args:
        tree: The model.
        nodes: Whose own parameters.
        statistics: Statistics of each, or shapes only.
        sees: Whether a backward pass that is under way here and now is to be looked at.
    """

    def __init__(self, tree: ModuleTree, nodes: Iterable[Node], statistics: bool, sees: Callable[[], bool]) -> None:
        self.faults: list[str] = []
        self._tree = tree
        self._nodes = list(nodes)
        self._summarizer = Summarizer(statistics)
        self._sees = sees
        self._hooks = GraphHooks()
        self._order: list[str] = []
        self._seen: dict[str, TensorValue] = {}

    def watch(self) -> None:
        """Hear of every parameter that requires a gradient now."""
        named = list(self._named())
        self._order = [name for name, _ in named]
        for name, parameter in named:
            if parameter.requires_grad and parameter.is_leaf and not is_lazy(parameter):
                self._watch(name, parameter)

    def end(self) -> None:
        """Hear of nothing more."""
        self._hooks.remove()

    def collect(self) -> dict[str, TensorValue]:
        """By the name of the parameter, in the order of the model, what `.grad` was after the last backward pass that
        reached it."""
        self._summarizer.resolve()
        return {name: self._seen[name] for name in self._order if name in self._seen}

    def _watch(self, name: str, parameter: Tensor) -> None:
        def see(gradient: Tensor) -> None:
            if self._sees():
                self._see(name, parameter.grad if parameter.grad is not None else gradient)

        try:
            self._hooks.watch_leaf(parameter, see)
        except Exception as error:  # a tensor of somebody else's class may refuse
            self.faults.append(encodable(f"{name}: {say(error)}", 300))

    def _see(self, name: str, gradient: Tensor) -> None:
        self._seen[name] = self._summarizer.tensor(gradient)

    def _named(self) -> Iterator[tuple[str, Tensor]]:
        """As `named_parameters` names them; one that several modules share once."""
        seen: set[int] = set()
        for node in self._nodes:
            for name, parameter in own_tensors(node.module, "_parameters"):
                if id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield ".".join([*self._tree.paths[node.index], name]), parameter
