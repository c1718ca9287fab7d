"""Hooks of ours that somebody else registered once more: torch's quantization gives those of a module that it replaces
to the new one. They act on no module but their own, and nobody has a handle of them."""

from __future__ import annotations

from torch import nn

from ..modules.tree import walk
from .dicts import DICTS, hook_dict
from .ours import LOCK, find_ours, is_on


def remove_strays(root: nn.Module) -> None:
    """Take them off whatever the model consists of now."""
    with LOCK:
        for node in walk(root).objects():
            strays = {hook_id for name in DICTS for hook_id in _find_strays(node.module, name)}
            for name in DICTS if strays else ():
                held = hook_dict(node.module, name)
                for hook_id in strays & held.keys():
                    del held[hook_id]


def _find_strays(module: nn.Module, name: str) -> list[int]:
    held = hook_dict(module, name)
    return [hook_id for hook_id, hook in held.items() if find_ours(hook) is not None and not is_on(hook_id, hook)]
