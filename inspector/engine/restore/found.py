"""What a snapshot found in a model, which the next one may take over."""

from __future__ import annotations

from typing import NamedTuple

from .hooks import KeptHooks
from .kinds.kind import Kept
from .module_groups import ModuleGroup


class Found(NamedTuple):
    """The modules, what else the model reaches, the hooks of tensors and of the process, and how many hooks of ours had
    been taken off by then."""

    groups: list[ModuleGroup]
    kept: list[Kept]
    hooks: KeptHooks
    taken_off: int
