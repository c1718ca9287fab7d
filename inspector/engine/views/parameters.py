"""The parameters and buffers of a module and of those below it, summarized."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter
from types import MappingProxyType

from msgspec.structs import replace
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ...records import OtherValue, ParameterRow, Parameters, Path, TensorValue
from ...text import encodable
from ..modules.holdings import tied_names
from ..modules.names import Names
from ..modules.packed import packed_parameters
from ..modules.tree import ModuleTree, Node, own_tensors
from ..modules.weight_tree import OWN, join_name
from ..values.summarize import Summarizer

BUDGET = 0.5
"""Seconds spent on statistics and histograms; rows after that show shapes only."""
LARGE = 1 << 26
"""Elements from which on a tensor takes more than that by itself."""


def parameters_of(
    tree: ModuleTree, path: Path, limit: int, gradients: Mapping[str, TensorValue] = MappingProxyType({})
) -> Parameters:
    """Direct ones first, then those below in order. At most `limit` rows; `total` counts all.

    Args:
        tree: The model's modules.
        path: Of the module.
        limit: The most rows.
        gradients: What the last backward pass left, by full names; of others, what they hold themselves is shown.

    Raises:
        KeyError: There is no module at `path`.
    """
    entries = list(_entries(tree, tree.object_at(path)))
    tied = tied_names(tree)
    describe = _Describe(LARGE if len(entries) > 1 else math.inf)
    rows = [
        ParameterRow(
            name,
            "tensor" if key == OWN else "parameter" if is_parameter else "buffer",
            OtherValue(type(tensor).__name__, "has no shape yet") if is_lazy(tensor) else describe(tensor),
            trainable=is_parameter and tensor.requires_grad,
            persistent=persistent,
            tied=_others(tied.get(id(tensor), []), owner, key),
            gradient=_find_gradient(gradients, owner, key, tied.get(id(tensor), ())) or _own_gradient(tensor, describe),
        )
        for name, owner, key, tensor, is_parameter, persistent in entries[:limit]
    ]
    return Parameters(path, tuple(rows), len(entries))


def named_tensors(names: Names, start: int, limit: int) -> Parameters:
    """The same of names in a file, from this entry down: only what is shown is read."""
    base = len(names.paths[start])
    held = [index for index in names.below(start) if names.owns[index] is not None]
    describe = _Describe(LARGE if len(held) > 1 else math.inf)
    rows = tuple(_tensor_row(names, index, base, describe) for index in held[:limit])
    return Parameters(names.paths[start], rows, len(held))


def _tensor_row(names: Names, index: int, base: int, describe: _Describe) -> ParameterRow:
    tensor, path = names.tensor(index), names.paths[index]
    assert tensor is not None
    others = [names.paths[each] for each in names.owners.get(id(names.owns[index]), ()) if each != index]
    return ParameterRow(
        join_name(path[base:], OWN) or "".join(path[-1:]),
        "tensor",
        describe(tensor),
        trainable=tensor.requires_grad,
        persistent=True,
        tied=tuple(encodable(join_name(other, OWN), 200) for other in others[:8]),
        gradient=_own_gradient(tensor, describe),
    )


def _find_gradient(
    gradients: Mapping[str, TensorValue], owner: Path, key: str, tied: Sequence[tuple[Path, str]]
) -> TensorValue | None:
    """A parameter that several modules share has its gradient under the first of its names."""
    places = ((owner, key), *tied) if gradients else ()
    names = (encodable(join_name(path, name), 1_000) for path, name in places)
    return next((gradients[name] for name in names if name in gradients), None)


def _own_gradient(tensor: Tensor, describe: _Describe) -> TensorValue | None:
    return describe(tensor.grad) if tensor.is_leaf and tensor.grad is not None else None


def _entries(tree: ModuleTree, start: Node) -> Iterator[tuple[str, Path, str, Tensor, bool, bool]]:
    """(relative name, path of the owner, its name there, tensor, whether a parameter, whether persistent)."""
    base = len(tree.paths[start.index])
    for index in tree.subtree(start.index):
        module, path = tree.nodes[index].module, tree.paths[index]
        if tree.nodes[index].alias_of >= 0:
            continue
        transient = vars(module).get("_non_persistent_buffers_set") or set()
        for which in ("_parameters", "_buffers"):
            for key, tensor in own_tensors(module, which):
                name = join_name(path[base:], key) or "".join(path[-1:])
                yield name, path, key, tensor, which == "_parameters", key not in transient
        for key, tensor in packed_parameters(module):
            yield ".".join((*path[base:], key)), path, key, tensor, True, True


def _others(places: list[tuple[Path, str]], owner: Path, key: str) -> tuple[str, ...]:
    return tuple(encodable(join_name(path, name), 200) for path, name in places if (path, name) != (owner, key))[:8]


class _Describe:
    """Full summaries as long as the budget lasts."""

    def __init__(self, largest: float) -> None:
        self._largest = largest
        self._until = perf_counter() + BUDGET
        self._full = Summarizer(True, values=True)
        self._shapes = Summarizer(False)

    def __call__(self, tensor: Tensor) -> TensorValue:
        if tensor.numel() > self._largest:
            return replace(self._shapes.tensor(tensor), why="large: its values are read when it is alone here")
        summarizer = self._full if perf_counter() < self._until else self._shapes
        return summarizer.tensor(tensor.data if type(tensor) is nn.Parameter else tensor)
