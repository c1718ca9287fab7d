"""Where a module's class is defined, for many modules at once."""

from __future__ import annotations

import os
from types import FunctionType, MethodType
from weakref import WeakKeyDictionary

from torch import nn

from .classes import nearest
from .generated import generated, original
from .running import variables

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
    own = variables(module).get("forward")
    function = own.__func__ if isinstance(own, MethodType) else own
    if not isinstance(function, FunctionType) or not os.path.isfile(function.__code__.co_filename):
        return None
    return os.path.abspath(function.__code__.co_filename), function.__code__.co_firstlineno


def _of_class(module: nn.Module) -> Place | None:
    cls = type(module)
    if cls not in _places:
        _places[cls] = None if generated(module) is not None else _first_line(cls)
    return _places[cls]


def _first_line(cls: type) -> Place | None:
    found = nearest(cls)
    return (found[1].file.path, found[1].piece.first) if found is not None else None
