"""What changed among the local variables of a frame from one line to the next.

Nothing is kept of a tensor but a weak reference and its version, which in-place operations count up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import is_
from types import FrameType
from typing import Any
from weakref import ref

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from ..values.per_type import PerType
from .contents import CONSTANTS, DEPTH, ITEMS, PIECES
from .in_place import Writes
from .statements import Effect

_CONSTANT = object()
"""The state of what never changes and holds nothing."""
_OTHER = object()
_MISSING = object()
_MOST_PLACES = 1_000
"""After which those of variables that are gone are used again."""
_nothing = torch.empty(0)
_no_tensor = ref(_nothing)

Sign = tuple[object, object]
"""What tells whether a value is still the same. Of a tensor its reference and its version; of what never changes that
itself; of a container its id, and `Pieces`; of anything else its id."""
Pieces = tuple[tuple[object, ...], tuple[object, ...]]
"""References to the tensors in a container; their versions, ids and numbers."""
Seal = tuple[list[int], list[object]]
"""Ids of all that is in a container, and what is kept so that nothing else gets its own of these."""
Take = Callable[[Any, str, object, bool], object]
"""Is given a frame, a name, what it holds now, and whether that is what it held before, changed in place."""


class Locals:
    """The variables of one frame, and the attributes of its `self` that its code sets, as they were last.

    Args:
        attributes: Names that the code sets on objects.
        writes: Counts what is written to tensors that have no version.
        take: Is given what is there at first, and what is found to have changed.
    """

    __slots__ = ("_attributes", "_others", "_ranges", "_signs", "_slots", "_take", "_tensors", "_versions", "_writes")

    def __init__(self, attributes: frozenset[str], writes: Writes, take: Take) -> None:
        self._attributes = attributes
        self._writes = writes
        self._take = take
        self._signs: dict[str, Sign] = {}
        self._tensors: list[ref[Tensor]] = []  # in variables, and in flat containers in them
        self._versions: list[int] = []
        self._slots: dict[str, int] = {}  # where in these two lists the tensor is that a variable holds
        self._ranges: dict[str, range] = {}  # and where those are that are in a container
        self._others: dict[str, Seal | None] = {}  # variables that hold what may change otherwise

    def begin(self, variables: Mapping[str, Any]) -> None:
        """Before the first line."""
        signs, take = self._signs, self._take
        for name, value in variables.items():
            kind = type(value)
            if kind is Tensor or kind is Parameter:
                try:
                    version = value._version
                except RuntimeError:  # of inference mode
                    version = self._writes.version_of(value)
                    self._others[name] = None
                else:
                    self._slots[name] = len(self._tensors)
                    self._tensors.append(ref(value))
                    self._versions.append(version)
                signs[name] = ref(value), version
                take(self, name, value, False)
            elif id(kind) in CONSTANTS:
                signs[name] = value, _CONSTANT
                take(self, name, value, False)
            elif issubclass(kind, nn.Module):
                signs[name] = id(value), _OTHER
            else:
                self._keep(name, self.sign(value), value)
                take(self, name, value, False)
        for name, value in self._read_attributes(variables) if self._attributes else ():
            signs[name] = self.sign(value)

    def find_all(self, variables: Mapping[str, Any]) -> None:
        """Among all of the frame's variables, since it was asked last."""
        for name in [each for each in self._signs if each not in variables and "." not in each]:
            self._forget(name)
        self._find(variables, variables)

    def find_changes(self, frame: FrameType, effect: Effect | None) -> None:
        """Since it was asked last, by a line of that effect: what is bound anew, or was changed in place. None for a
        line of which nobody knows."""
        if effect is None:
            return self.find_all(frame.f_locals)
        names, writes = effect
        if writes:
            try:
                is_written = [each()._version for each in self._tensors] != self._versions  # type: ignore[union-attr]
            except (AttributeError, RuntimeError):  # one is gone, or has no version any more
                is_written = True
            if is_written:
                return self.find_all(frame.f_locals)
            if self._others or self._attributes:
                variables = frame.f_locals
                if self._others and (opened := self._find_opened(variables)):
                    names = (*dict.fromkeys((*names, *opened)),)
                if names or self._attributes:
                    self._find(names, variables)
                return
        if names:
            self._find(names, frame.f_locals, False)

    def _find(self, names: Iterable[str], variables: Mapping[str, Any], writes: bool = True) -> None:
        """This runs at each line, and looks first for what most of them bind."""
        signs, find = self._signs, variables.get
        for name in names:
            value = find(name, _MISSING)
            old, kind = signs.get(name), type(value)
            if kind is Tensor or kind is Parameter:
                reference = ref(value)
                try:
                    version = value._version
                except RuntimeError:  # of inference mode
                    version = self._writes.version_of(value)
                if old is None or old[0] is not reference or old[1] != version:
                    slot = self._slots.get(name)
                    if slot is None or version < 0:
                        self._keep(name, (reference, version), value)
                    else:
                        signs[name] = reference, version
                        self._tensors[slot], self._versions[slot] = reference, version
                    self._take(self, name, value, old is not None and old[0] is reference)
            elif value is _MISSING:
                self._forget(name)
            elif old is None or old[0] is not value:
                self._compare(name, old, value)
        if writes and self._attributes:
            for name, value in self._read_attributes(variables):
                self._compare(name, signs.get(name), value)

    def _find_opened(self, variables: Mapping[str, Any]) -> list[str]:
        """Those that are not surely as they were, where no tensor was written to or is gone."""
        opened = []
        for name, seal in self._others.items():
            value: Any = variables.get(name)
            if seal is None or self._signs[name][0] != id(value) or _read_ids(value) != seal[0]:
                opened.append(name)
        return opened

    def _compare(self, name: str, old: Sign | None, value: object) -> None:
        sign = self.sign(value)
        if old is not None and _is_same(old, sign):
            return
        self._keep(name, sign, value)
        self._take(self, name, value, old is not None and old[1] is not _CONSTANT and _is_object(old, sign))

    def _keep(self, name: str, sign: Sign, value: object) -> None:
        """This is what the variable holds. Whether it was written to is told by the versions of its tensors, or asked
        after each line that may write."""
        self._signs[name] = sign
        version = sign[1]
        if name in self._slots or name in self._ranges or name in self._others:
            self._forget_place(name)
        if version is _CONSTANT or version is _OTHER or "." in name:
            return
        held = _find_versions(sign, value)
        if held is None or held[2] is not None:
            self._others[name] = held and held[2]
        if held is None:
            return
        if len(self._tensors) > _MOST_PLACES:
            self._close_gaps()
        at = len(self._tensors)
        self._tensors += held[0]
        self._versions += held[1]
        if type(version) is int:
            self._slots[name] = at
        else:
            self._ranges[name] = range(at, len(self._tensors))

    def _close_gaps(self) -> None:
        """Where variables were that are gone, or hold something else."""
        places = list(self._slots.values())
        places += [at for each in self._ranges.values() for at in each]
        self._tensors = [self._tensors[at] for at in places]
        self._versions = [self._versions[at] for at in places]
        self._slots = {name: at for at, name in enumerate(self._slots)}
        begin = len(self._slots)
        for name, each in self._ranges.items():
            self._ranges[name] = range(begin, begin + len(each))
            begin += len(each)

    def _forget(self, name: str) -> None:
        self._signs.pop(name, None)
        self._forget_place(name)

    def _forget_place(self, name: str) -> None:
        self._others.pop(name, None)
        at = self._ranges.pop(name, ())
        for each in (self._slots.pop(name),) if name in self._slots else at:
            self._tensors[each], self._versions[each] = _no_tensor, 0

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
        if id(kind) in CONSTANTS:
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
            if id(kind) in CONSTANTS:
                facts += (id(kind), item)
                continue
            all_constant = False
            if issubclass(kind, Tensor):
                references.append(ref(item))
                facts.append(self._writes.version_of(item))
            else:
                facts.append(id(item))
                if depth < DEPTH and len(facts) < PIECES and issubclass(kind, (tuple, list, dict)):
                    self._sign_items(item, depth + 1, references, facts)
        return all_constant


def _read_ids(container: Any) -> list[int]:
    return [*map(id, container.values() if type(container) is dict else container)]


def _find_versions(sign: Sign, value: Any) -> tuple[Sequence[Any], Sequence[int], Seal | None] | None:
    """References to the tensors of which the versions tell whether a value was changed, those, and the seal of what may
    change otherwise; None where more is to be asked."""
    reference, version = sign
    if type(version) is int:
        return ((reference,), (version,), None) if version >= 0 else None
    kind = type(value)
    if (kind is not dict and kind is not list and kind is not tuple) or len(value) > ITEMS:
        return None
    items = [*(value.values() if kind is dict else value)]
    held = [item for item in items if id(type(item)) not in CONSTANTS]
    if not all(type(item) is Tensor or type(item) is Parameter for item in held):
        return None
    try:
        versions = [item._version for item in held]
    except RuntimeError:  # of inference mode
        return None
    kept = [item for item in items if id(type(item)) in CONSTANTS]
    return [*map(ref, held)], versions, None if kind is tuple else ([*map(id, items)], kept)


def first_items(container: Any) -> Iterable[Any]:
    """Of a tuple, a list or a dict, whatever its class makes of that."""
    base = _base(type(container))
    return islice(base.values(container) if base is dict else base.__iter__(container), ITEMS)


def _find_base(kind: type) -> Any:
    return next(base for base in (dict, list, tuple) if issubclass(kind, base))


_base = PerType(_find_base)


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
    return type(was) is int and was == now if old[1] is not _CONSTANT else id(type(was)) in CONSTANTS and was == now
