"""What changed among the local variables of a frame from one line to the next, and the description of that.

Nothing is kept of a tensor but a weak reference and its version, which in-place operations count up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from operator import attrgetter, is_
from time import perf_counter
from types import FrameType, FunctionType
from typing import Any, NamedTuple
from weakref import ref

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from ...records import Value
from ..values.summarize import Summarizer
from .in_place import Writes

_ITEMS, _DEPTH, _PIECES = 64, 3, 256
"""Of a container that are looked at, how deep, and how many in all."""
FULL, MEASURED = 300, 3_000
"""Values of the chosen frames with a histogram and elements, and with statistics; those that follow have less."""
SECONDS = 0.3
"""In which values of other frames are measured, without histograms, until there are as many as `MEASURED`."""
_look = attrgetter("shape", "dtype", "requires_grad", "layout", "device")
_CONSTANT = object()
"""The state of what never changes and holds nothing."""
_OTHER = object()
_CONSTANTS = frozenset(map(id, (type(None), bool, int, float, str, torch.Size, torch.dtype, torch.device)))

Sign = tuple[object, object]
"""What tells whether a value is still the same. Of a tensor its reference and its version; of what never changes that
itself; of a container its id, and `Pieces`; of anything else its id."""
Pieces = tuple[tuple[object, ...], tuple[object, ...]]
"""References to the tensors in a container; their versions, ids and numbers."""


class Changed(NamedTuple):
    name: str
    value: object
    in_place: bool


class Locals:
    """The variables of one frame, and the attributes of its `self` that its code sets, as they were last.

    Args:
        frame: Is not kept.
        attributes: Names that the code sets on objects.
        writes: Counts what is written to tensors that have no version.
    """

    def __init__(self, frame: FrameType, attributes: frozenset[str], writes: Writes) -> None:
        self._attributes = attributes
        self._writes = writes
        variables = frame.f_locals
        self._signs = {name: self.sign(value) for name, value in variables.items()}
        self._signs |= {name: self.sign(value) for name, value in self._read_attributes(variables)}

    def find_changes(self, frame: FrameType) -> list[Changed]:
        """Since it was asked last: what is bound anew, or was changed in place."""
        signs = self._signs
        found: list[Changed] = []
        variables: Mapping[str, Any] = frame.f_locals
        count = len(variables)
        for name, value in variables.items():
            old = signs.get(name)
            kind = type(value)
            if kind is Tensor or kind is Parameter:  # before all else: this runs for each variable at each line
                try:
                    sign: Sign = ref(value), value._version
                except RuntimeError:
                    sign = self.sign(value)
                if old is None or old[0] is not sign[0] or old[1] != sign[1]:
                    signs[name] = sign
                    found.append(Changed(name, value, old is not None and old[0] is sign[0]))
            elif old is None or old[0] is not value:
                self._compare(name, old, value, found)
        if self._attributes:
            for name, value in self._read_attributes(variables):
                count += 1
                self._compare(name, signs.get(name), value, found)
        if count < len(signs):
            for name in [each for each in signs if each not in variables and "." not in each]:
                del signs[name]
        return found

    def _compare(self, name: str, old: Sign | None, value: object, found: list[Changed]) -> None:
        sign = self.sign(value)
        if old is not None and _is_same(old, sign):
            return
        self._signs[name] = sign
        found.append(Changed(name, value, old is not None and old[1] is not _CONSTANT and _is_object(old, sign)))

    def _read_attributes(self, variables: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
        owner = variables.get("self")
        if self._attributes and isinstance(owner, nn.Module):
            held = owner.__dict__
            for name in self._attributes:
                for place in (held, held.get("_buffers") or {}, held.get("_parameters") or {}):
                    if name in place:
                        yield f"self.{name}", place[name]

    def sign(self, value: object) -> Sign:
        """Runs no code of a value's class."""
        kind = type(value)
        if id(kind) in _CONSTANTS:
            return value, _CONSTANT
        if issubclass(kind, Tensor):
            return ref(value), self._writes.version_of(value)
        if not issubclass(kind, (tuple, list, dict)):
            return id(value), _OTHER
        references: list[object] = []
        facts: list[object] = []
        is_constant = self._sign_items(value, 0, references, facts)
        if is_constant and kind is tuple:
            return value, _CONSTANT
        return id(value), (tuple(references), tuple(facts))

    def _sign_items(self, container: Any, depth: int, references: list[object], facts: list[object]) -> bool:
        """Adds to both, and gives whether all items are constant."""
        all_constant = True
        facts.append(_base(type(container)).__len__(container))
        for item in first_items(container):
            kind = type(item)
            if id(kind) in _CONSTANTS:
                facts += (id(kind), item)
                continue
            all_constant = False
            if issubclass(kind, Tensor):
                references.append(ref(item))
                facts.append(self._writes.version_of(item))
            else:
                facts.append(id(item))
                if depth < _DEPTH and len(facts) < _PIECES and issubclass(kind, (tuple, list, dict)):
                    self._sign_items(item, depth + 1, references, facts)
        return all_constant


def first_items(container: Any) -> Iterable[Any]:
    """Of a tuple, a list or a dict, whatever its class makes of that."""
    base = _base(type(container))
    return islice(base.values(container) if base is dict else base.__iter__(container), _ITEMS)


def _base(kind: type) -> Any:
    return next(base for base in (dict, list, tuple) if issubclass(kind, base))


def holds_tensor(value: object, depth: int = 0) -> bool:
    """Whether it is one, or a container with one."""
    kind = type(value)
    if issubclass(kind, Tensor):
        return True
    if depth > _DEPTH or not issubclass(kind, (tuple, list, dict)):
        return False
    return any(holds_tensor(item, depth + 1) for item in first_items(value))


def is_telling(value: object) -> bool:
    """Whether it is more than a module, a function or a class, of which a person sees the name in the code."""
    return value is not None and not isinstance(value, (nn.Module, FunctionType, type))


def _is_same(old: Sign, new: Sign) -> bool:
    """Numbers by value, all else by identity: what a person's class says of equality is not asked."""
    if not _is_object(old, new):
        return False
    was, now = old[1], new[1]
    if type(was) is tuple and type(now) is tuple:
        return len(was[0]) == len(now[0]) and all(map(is_, was[0], now[0])) and was[1] == now[1]
    return was is now or (type(was) is int and was == now)


def _is_object(old: Sign, new: Sign) -> bool:
    """Whether both are of one object; of constants, of one value."""
    was, now = old[0], new[0]
    if was is now:
        return True
    if type(was) is not type(now) or (old[1] is _CONSTANT) is not (new[1] is _CONSTANT):
        return False
    return type(was) is int and was == now if old[1] is not _CONSTANT else id(type(was)) in _CONSTANTS and was == now


class Describer:
    """Describes values, of which those in the chosen frames have room of their own.

    Args:
        writes: As above.
        measures: Whether values are measured, or shapes alone.
    """

    def __init__(self, writes: Writes, measures: bool) -> None:
        self._writes = writes
        self.measures = measures
        self._count = {True: 0, False: 0}
        self._seconds = 0.0  # for those in other frames
        self._full, self._measured, self._bare = Summarizer(values=True), Summarizer(), Summarizer(statistics=False)
        self._known: dict[int, tuple[object, int, Value]] = {}  # described in this line, by the id of the tensor
        self._shapes: dict[tuple[object, ...], Value] = {}

    @property
    def is_spent(self) -> bool:
        """Whether there is no more room or time for values in other frames."""
        return self.measures and (self._count[False] >= MEASURED or self._seconds >= SECONDS)

    def describe(self, value: object, is_chosen: bool) -> Value:
        """What was described in the same line, and did not change since, is not measured again."""
        if not self.measures:
            return self._describe_shape(value) if type(value) is Tensor else self._bare.describe(value)
        if not isinstance(value, Tensor):
            return self._measure(value, is_chosen)
        sign = ref(value), self._writes.version_of(value)
        known = self._known.get(id(value))
        if known is not None and known[0] is sign[0] and known[1] == sign[1]:
            return known[2]
        self._count[is_chosen] += 1
        described = self._measure(value, is_chosen)
        self._known[id(value)] = *sign, described
        return described

    def _measure(self, value: object, is_chosen: bool) -> Value:
        count = self._count[is_chosen]
        if is_chosen:
            summarizer = self._full if count <= FULL else self._measured if count <= MEASURED else self._bare
            return summarizer.describe(value)
        if self.is_spent:
            return self._bare.describe(value)
        began = perf_counter()
        described = self._measured.describe(value)
        self._seconds += perf_counter() - began
        return described

    def _describe_shape(self, tensor: Tensor) -> Value:
        """There are few, and each is described once."""
        if tensor.is_nested:
            return self._bare.describe(tensor)
        looks = _look(tensor)
        known = self._shapes.get(looks)
        if known is None:
            known = self._shapes[looks] = self._bare.describe(tensor)
        return known

    def forget(self) -> None:
        """Another line runs."""
        self._known.clear()

    def resolve(self) -> list[str]:
        """Complete what is still on its device. Gives what is to be said of it."""
        self._known.clear()
        return [doubt for each in (self._full, self._measured, self._bare) for doubt in each.resolve()]
