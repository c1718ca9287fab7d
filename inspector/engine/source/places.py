"""Where a module's class is defined, for many modules at once."""

from __future__ import annotations

import os
from weakref import WeakKeyDictionary

import torch
from torch import nn

from .classes import nearest
from .generated import original, read_generated
from .running import forward_of, variables

Place = tuple[str, int]

_places: WeakKeyDictionary[type, Place | None] = WeakKeyDictionary()


def location(module: nn.Module) -> Place | None:
    """File and line of the class of `module`, or of the forward that replaces it on the instance. Never raises.

    A generated class gives its base; None where there is no Python source: TorchScript, graphs, exec.
    """
    try:
        inner = original(module)
        module = module if inner is None else inner  # never `or`: a module can be falsy
        return _replacement(module) or _of_class(module)
    # Classes and their metaclasses are other people's code.
    except Exception:
        return None


def _replacement(module: nn.Module) -> Place | None:
    if "forward" not in variables(module) or issubclass(type(module), torch.jit.ScriptModule):
        return None
    function = forward_of(module).function
    if function is None or not os.path.isfile(function.__code__.co_filename):
        return None
    return os.path.abspath(function.__code__.co_filename), function.__code__.co_firstlineno


def _of_class(module: nn.Module) -> Place | None:
    cls = type(module)
    if cls not in _places:
        _places[cls] = None if read_generated(module) is not None else _first_line(cls)
    return _places[cls]


def _first_line(cls: type) -> Place | None:
    found = nearest(cls)
    return (found[1].file.path, found[1].piece.first) if found is not None else None
