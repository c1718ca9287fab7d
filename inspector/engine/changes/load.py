"""A state dict loaded into a model under inspection, as an edit that can be taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ...errors import UsageError
from ...text import encodable
from ..loading.files.keys import fits
from ..loading.files.state import read_state, with_metadata
from ..loading.renames import parse_renames, rename_state
from ..loading.weights import read_values_of
from ..modules.tree import ModuleTree, own_tensors
from ..restore.backup import TensorBackup
from ..restore.bits import same_bits
from ..restore.guard import Snapshot
from ..usercode.reading import telling_of_reading
from ..usercode.running import reported
from ..usercode.telling import Tell, tell_nobody
from .edits import Load, ParameterWrite, StateDictFile

_OPEN_WITH_IT = "-w FILE loads it when the model is opened"


def plan_load(
    tree: ModuleTree, backup: TensorBackup, file: str, renames: tuple[str, ...], partial: bool, tell: Tell = tell_nobody
) -> Load:
    """What loading a file would write: torch loads it, and everything is put back.

    Args:
        tree: The model.
        backup: Copies of its tensors.
        file: Of the state dict.
        renames: "module.=>", one after the other.
        partial: Leave out what does not fit, instead of failing.
        tell: Hears how far that is.

    Raises:
        UsageError: It does not fit, changes nothing, or changes more than parameters and buffers.
        TargetError: The model's own code failed.
    """
    with telling_of_reading(tell):
        found = read_state(file)
    state = rename_state(found.values, parse_renames(renames))
    held = list(_own_tensors(tree))
    before = [tensor.detach().clone() for _, _, tensor in held]
    snapshot = Snapshot(tree, backup)
    try:
        with reported(f"your model could not take the weights of {file}:"):
            wanted = _without_misfits(tree.root, state) if partial else state
            tree.root.load_state_dict(read_values_of(wanted, tell), strict=not partial)
        after = [tensor.detach().clone() for _, _, tensor in held]
    finally:
        for (_, _, tensor), then in zip(held, before, strict=True):
            if not same_bits(tensor.detach(), then):
                tensor.data.copy_(then)
        changed, _ = snapshot.restore()
    if changed:
        what = f"loading {file} changes more than parameters and buffers, which cannot be undone: {changed[0]}"
        raise UsageError(encodable(what, 400), hint=_OPEN_WITH_IT)
    writes = tuple(
        ParameterWrite(node, name, tensor, then, now)
        for (node, name, tensor), then, now in zip(held, before, after, strict=True)
        if not same_bits(then, now)
    )
    if not writes:
        raise UsageError(
            encodable(f"{file} holds what the model has already: nothing was changed", 400), hint="another file"
        )
    return Load(StateDictFile(file, found.nest, renames, partial), writes)


def _own_tensors(tree: ModuleTree) -> Iterator[tuple[int, str, Tensor]]:
    """Every parameter and buffer once, by node and name. Raises `UsageError` where one cannot be filled."""
    seen: set[int] = set()
    for node in tree.objects():
        for which in ("_parameters", "_buffers"):
            for name, tensor in own_tensors(node.module, which):
                if is_lazy(tensor) or tensor.is_meta:
                    what = "lazy modules have no shapes yet" if is_lazy(tensor) else "the meta device holds no values"
                    raise UsageError(f"{what}: nothing can be loaded now", hint=_OPEN_WITH_IT)
                if id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield node.index, name, tensor


def _without_misfits(model: nn.Module, state: Mapping[str, Any]) -> Mapping[str, Any]:
    """What torch refuses in any case is left out: keys of another shape."""
    own = model.state_dict()
    kept = {key: value for key, value in state.items() if key not in own or fits(value, own[key])}
    return with_metadata(kept, state)
