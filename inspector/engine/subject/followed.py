"""Whose parameters a history is kept of, batch by batch."""

from __future__ import annotations

from ..modules.tree import Node
from ..passes.training import NONE, PassSettings
from .subject import Subject

MOST = 50_000_000
"""Parameters of a model past which training keeps no history of them."""


def choose_followed(subject: Subject, settings: PassSettings) -> list[Node]:
    """Everybody's in training, else those that hooks write to."""
    if settings.batches == 1:
        return []
    if settings.optimizer not in ("", NONE) and subject.info.parameters <= MOST:
        return list(subject.tree.objects())
    return [member.node for member in subject.change_log.added.active() if member.attached.hook.on == "parameters"]
