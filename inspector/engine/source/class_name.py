"""What a module's class is called, where a compiler put a class of its own in the place of the one somebody wrote."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def class_name(module: nn.Module) -> str:
    """The class as it was written: TorchScript and `torch.export` keep its name. Never raises."""
    return _kept(module) or type(module).__name__


def is_own_name(cls: type[nn.Module]) -> bool:
    """Whether all modules of this class are called as it is."""
    return not issubclass(cls, torch.jit.ScriptModule) and not _is_unflattened(cls)


def _kept(module: nn.Module) -> str:
    if issubclass(type(module), torch.jit.ScriptModule):
        try:
            name: Any = module.original_name
        # What TorchScript raises for a module without a type differs between versions.
        except Exception:
            return ""
    else:
        name = vars(module).get("_ty") if _is_unflattened(type(module)) else None
        name = name.rpartition(".")[2] if isinstance(name, str) else None
    return name if isinstance(name, str) else ""


def _is_unflattened(cls: type[nn.Module]) -> bool:
    """Made by `torch.export.unflatten`; by name, because importing `torch.export` costs a second."""
    return any(base.__module__ == "torch.export.unflatten" for base in cls.__mro__)
