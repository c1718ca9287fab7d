"""What a value holds: whether there is a tensor in it, and all that the description of its shapes is made from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice
from operator import attrgetter
from types import FunctionType, ModuleType
from typing import Any

from torch import Size, Tensor, device, dtype, nn, strided
from torch.nn import Parameter

from ...records import TensorValue, Value
from ..source.running import variables
from ..values import objects
from ..values.known.leaves import LEAVES
from ..values.per_type import PerType

CONSTANTS = frozenset(map(id, (type(None), bool, int, float, str, Size, dtype, device)))
"""Ids of the types of what never changes and holds nothing."""
ITEMS, DEPTH, PIECES = 64, 3, 256
"""Of a container that are looked at, how deep, and how many in all."""
SCALARS: dict[int, Callable[[Any], Value]] = {
    id(float): objects.scalar,
    **{id(kind): LEAVES[id(kind)] for kind in (bool, int, str)},
}
"""How values are described that are shown as they are, by the ids of their types."""
look = attrgetter("shape", "dtype", "requires_grad", "layout", "device")
"""All that is said of the shape of a tensor of torch's own class, nested ones left out."""
Looks = tuple[Any, ...]
"""What `look` gives, of a parameter with its type."""
_LARGEST = 2**63 - 1


def look_at(tensor: Tensor) -> Looks | None:
    """Of one of torch's own class or a parameter, from which it is described later: a pass takes as long as looking
    does. None where there is more to be asked."""
    try:
        looks: Looks = look(tensor)
    except RuntimeError:  # a nested one has no shape
        return None
    if looks[3] is not strided:
        return None
    return looks if type(tensor) is Tensor else (*looks, Parameter)


@lru_cache(maxsize=1_000)
def describe_looks(looks: Looks) -> Value:
    """There are few, and each is described once."""
    shape, kind, requires_grad, _, where, *of = looks
    nbytes = min(math.prod(shape) * kind.itemsize, _LARGEST)
    name = "Parameter" if of else "Tensor"
    return TensorValue(tuple(shape), str(kind).removeprefix("torch."), str(where), requires_grad, name, nbytes=nbytes)


def may_hold_tensor(value: object, depth: int = 0) -> bool:
    """Whether it holds one, in containers and attributes; also where that would be too much to look at."""
    held = _read_parts(type(value), value)
    if held is None:
        return True
    kinds = {*map(id, map(type, held))} - CONSTANTS
    if not kinds:
        return False
    if id(Tensor) in kinds or depth > DEPTH or len(held) >= PIECES:
        return True
    return any(may_hold_tensor(each, depth + 1) for each in [each for each in held if id(type(each)) in kinds])


def _read_parts(kind: type, value: Any) -> Sequence[object] | None:
    """What it holds; None where only who describes it knows."""
    form = form_of(kind)
    if form is HOLDS_NOTHING:
        return ()
    if form is dict:
        return list(islice(dict.values(value), PIECES))
    if form is list or form is tuple:
        return list(islice(form.__iter__(value), PIECES))
    return list(islice(variables(value).values(), PIECES)) if form is object else None


def _find_form(kind: type) -> object:
    if issubclass(kind, Tensor):
        return None
    if id(kind) in CONSTANTS or issubclass(kind, objects.UNENTERED):
        return HOLDS_NOTHING
    if issubclass(kind, (dict, list, tuple)):
        return next(each for each in (dict, list, tuple) if issubclass(kind, each))
    return None if issubclass(kind, objects.SEQUENCES) or objects.slots(kind) else object


HOLDS_NOTHING = object()
_TEXT = {id(str)}
_NAMED = (type, FunctionType, ModuleType, nn.Module)
form_of = PerType(_find_form)


def read_content(value: Any, content: list[Any], named: list[object], depth: int = 0) -> bool:
    """Adds what its description is made from, and what is described by its name. Gives False where that is too much, or
    unknown."""
    kind = type(value)
    form = form_of(kind)
    if depth > DEPTH or len(content) > PIECES:
        return False
    if form is HOLDS_NOTHING:
        named.append(value)
        content.append(id(value))
        return issubclass(kind, _NAMED)
    if form is object or form is dict:
        held = value if form is dict else variables(value)
        names, parts = tuple(dict.__iter__(held)), list(dict.values(held))
        if not {*map(id, map(type, names))} <= _TEXT:
            return False
        content += (id(kind), names)
    elif form is list or form is tuple:
        parts = list(form.__iter__(value))
        content += (id(kind), len(parts))
    else:
        return False
    named.append(kind)
    for part in parts:
        kind = type(part)
        if kind is Tensor or kind is Parameter:
            content += (kind is Tensor, look(part))
        elif (number := id(kind)) in CONSTANTS:
            content += (number, part)
        elif not read_content(part, content, named, depth + 1):
            return False
    return len(parts) <= ITEMS
