"""Weights without a model under inspection: what is said of them where a model says other things of itself."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from torch import Tensor

from ...errors import UsageError
from ...records import ModelInfo, ModuleRow
from ...text import encodable
from ..modules.tree import ModuleTree, Node
from ..modules.weight_tree import NOTHING_TO_CALL, Entry, Weights
from ..restore.backup import TensorBackup


def is_alone(tree: ModuleTree) -> bool:
    """Whether these are weights without a model."""
    return isinstance(tree.root, Weights)


def refusal(target: str) -> UsageError:
    """For whoever asks for what only a model can do."""
    what = f"{NOTHING_TO_CALL}; inspector NAME -w {target} opens them in a model"
    return UsageError(encodable(what, 400))


def rows(tree: ModuleTree, found: Sequence[ModuleRow]) -> list[ModuleRow]:
    """The rows of the tree, each tensor's with its dtype for a class and its shape."""
    return [_row(row, tree.nodes[row.index]) for row in found]


def _row(row: ModuleRow, node: Node) -> ModuleRow:
    own = own_tensor(node)
    row = replace(row, badges=tuple(badge for badge in row.badges if badge.name != "no forward"))  # nobody expects one
    if own is None:
        return row if isinstance(node.module, Weights) else replace(row, class_name="")
    return replace(row, class_name=str(own.dtype).removeprefix("torch."), shape=_shape(own))


def _shape(tensor: Tensor) -> tuple[int, ...]:
    """-1 for a ragged dimension."""
    if tensor.is_nested:
        return (tensor.size(0), *[-1] * (tensor.dim() - 1))
    return tuple(tensor.shape)


def own_tensor(node: Node) -> Tensor | None:
    """The tensor that this row is of."""
    return node.module.own if isinstance(node.module, Entry) else None


def no_backup() -> TensorBackup:
    """Nothing can change them, and to copy them would read the file."""
    return TensorBackup(ModuleTree())


def facts(tree: ModuleTree, info: ModelInfo) -> ModelInfo:
    """What is said of the whole."""
    tensors = sum(own_tensor(node) is not None for node in tree.nodes)
    return replace(info, is_model=False, tensors=tensors)
