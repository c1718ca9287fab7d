"""What is said of a whole model: its counts, its place, and what a person should know before looking at it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from msgspec.structs import replace
from torch import Tensor

from ...records import ModelInfo, ModuleRow
from ...records.badges import has_badge
from ...text import encodable
from ..loading import Loaded
from ..modules import inlined
from ..modules.bad_parameters import find_bad_parameters
from ..modules.badges import has_forward
from ..modules.holdings import size_of
from ..modules.tree import ModuleTree, own_tensors
from ..passes.generating import can_generate
from ..restore.backup import TensorBackup
from ..restore.reach import MOST

SHAPES_ONLY_PAST = 5_000
"""Modules from which on a pass records shapes only."""


def facts_of(tree: ModuleTree, rows: Sequence[ModuleRow], target: str, loaded: Loaded) -> ModelInfo:
    """Without the sample input, which is not known yet, and without what `look_closer` adds."""
    objects = sum(1 for _ in tree.objects())
    parameters, buffers = _distinct(tree, "_parameters"), _distinct(tree, "_buffers")
    return ModelInfo(
        target=encodable(target, 400),
        kind=loaded.kind,
        class_name=rows[0].class_name,
        modules=objects,
        rows=len(rows),
        parameters=rows[0].parameters,
        trainable=sum(size_of(parameter)[0] for parameter in parameters if parameter.requires_grad),
        buffers=len(buffers),
        nbytes=rows[0].nbytes,
        training=bool(loaded.model.training),
        device=", ".join(sorted({str(tensor.device) for tensor in parameters + buffers}))
        or ("cpu" if rows[0].parameters else "no tensors"),  # packed parameters are on no other
        torch=str(torch.__version__),
        shapes_only=objects > SHAPES_ONLY_PAST,
        lazy=sum(has_badge(row.badges, "lazy") for row in rows if row.alias_of < 0),
        runnable=has_forward(loaded.model),
        generates=can_generate(loaded.model),
        notes=(
            *(encodable(note, 400) for note in loaded.notes),
            *inlined.notes(tree, rows),
            *badge_notes(rows),
        ),
    )


def look_closer(info: ModelInfo, tree: ModuleTree, backup: TensorBackup) -> ModelInfo:
    """With what takes its time to find out: every parameter is read."""
    return replace(info, bad_parameters=find_bad_parameters(tree), notes=(*info.notes, *_backup_note(backup)))


def _backup_note(backup: TensorBackup) -> tuple[str, ...]:
    notes = []
    if backup.not_copied:
        gib = backup.not_copied / (1 << 30)
        notes.append(f"{gib:.1f} GiB of tensors are not copied: what a pass writes to them is reported, not put back")
    if backup.is_cut:
        notes.append(f"the model reaches more than {MOST:,} objects: what a pass changes in the others is not noticed")
    return tuple(notes)


def badge_notes(rows: Sequence[ModuleRow]) -> tuple[str, ...]:
    """What has to be known before a pass is believed."""
    notes, found = [], {badge.name for row in rows for badge in row.badges}
    if "compiled" in found:
        notes.append("compiled modules run eagerly here: compiled code would ignore hooks")
    if has_badge(rows[0].badges, "no forward"):
        notes.append(f"{rows[0].class_name} has no forward: it holds modules, and there is nothing to run")
    if "sharded" in found:
        notes.append("sharded: counts are of the whole model, values of the part in this process")
    return tuple(notes)


def _distinct(tree: ModuleTree, which: str) -> list[Tensor]:
    found = {id(t): t for node in tree.objects() for _, t in own_tensors(node.module, which)}
    return list(found.values())
