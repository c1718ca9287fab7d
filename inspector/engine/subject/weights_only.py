"""Weights without a model under inspection: what is said of them where a model says other things of itself."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...errors import UsageError
from ...records import ModelInfo, ModuleRow
from ...text import encodable
from ..loading import Loaded
from ..modules.holdings import size_of
from ..modules.tree import ModuleTree
from ..modules.weight_rows import devices
from ..modules.weight_tree import NOTHING_TO_CALL, names_in, names_under
from ..restore.backup import TensorBackup
from .model_info import badge_notes


def is_alone(tree: ModuleTree) -> bool:
    """Whether these are weights without a model."""
    return names_in(tree) is not None


def refusal(target: str) -> UsageError:
    """For whoever asks for what only a model can do."""
    what = f"{NOTHING_TO_CALL}; inspector NAME -w {target} opens them in a model"
    return UsageError(encodable(what, 400), hint="NAME is that of a model that they fit")


def no_backup() -> TensorBackup:
    """Nothing can change them, and to copy them would read the file."""
    return TensorBackup(ModuleTree())


def facts(tree: ModuleTree, rows: Sequence[ModuleRow], target: str, loaded: Loaded) -> ModelInfo:
    """What is said of the whole: they are no model, of which much else would have to be found out."""
    names = names_under(tree)
    tensors = {id(own): own for own in names.owns if isinstance(own, Tensor)}.values()
    return ModelInfo(
        target=encodable(target, 400),
        kind=loaded.kind,
        class_name=rows[0].class_name,
        modules=len(rows),
        rows=len(rows),
        parameters=rows[0].parameters,
        trainable=sum(size_of(own)[0] for own in tensors if own.requires_grad),
        buffers=0,
        nbytes=rows[0].nbytes,
        training=False,
        device=", ".join(sorted({*devices(names), *(str(own.device) for own in tensors)})) or "no tensors",
        torch=str(torch.__version__),
        runnable=False,
        notes=(*(encodable(note, 400) for note in loaded.notes), *badge_notes(rows)),
        is_model=False,
        tensors=sum(own is not None for own in names.owns),
    )
