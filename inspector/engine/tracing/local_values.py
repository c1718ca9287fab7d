"""What changed among the local variables of a frame from one line to the next.

Nothing is kept of a tensor but a weak reference and its version, which in-place operations count up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from operator import is_
from types import FrameType, FunctionType
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
Changed = tuple[str, object, bool]
"""A name, what it holds now, and whether that is what it held before, changed in place."""


class Locals:
    """The variables of one frame, and the attributes of its `self` that its code sets, as they were last.

    Args:
        attributes: Names that the code sets on objects.
        writes: Counts what is written to tensors that have no version.
    """

    __slots__ = ("_attributes", "_others", "_ranges", "_signs", "_slots", "_tensors", "_versions", "_writes")

    def __init__(self, attributes: frozenset[str], writes: Writes) -> None:
        self._attributes = attributes
        self._writes = writes
        self._signs: dict[str, Sign] = {}
        self._tensors: list[ref[Tensor]] = []  # in variables, and in tuples in them
        self._versions: list[int] = []
        self._slots: dict[str, int] = {}  # where in these two lists the tensor is that a variable holds
        self._ranges: dict[str, range] = {}  # and where those are that are in a tuple
        self._others: dict[str, None] = {}  # variables that hold what may change otherwise

    def begin(self, variables: Mapping[str, Any]) -> None:
        """Before the first line."""
        for name, value in variables.items():
            kind = type(value)
            if kind is Tensor or kind is Parameter:
                sign: Sign = ref(value), self._read_version(value)
            elif id(kind) in CONSTANTS:
                self._signs[name] = value, _CONSTANT
                continue
            else:
                sign = self.sign(value)
                if sign[1] is _OTHER:
                    self._signs[name] = sign
                    continue
            self._keep(name, sign, value)
        for name, value in self._read_attributes(variables) if self._attributes else ():
            self._signs[name] = self.sign(value)

    def find_all(self, variables: Mapping[str, Any]) -> list[Changed]:
        """Among all of the frame's variables, since it was asked last."""
        for name in [each for each in self._signs if each not in variables and "." not in each]:
            self._forget(name)
        return self._find(variables, variables)

    def find_changes(self, frame: FrameType, effect: Effect | None) -> Sequence[Changed]:
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
                return self._find(dict.fromkeys((*names, *self._others)), frame.f_locals)
        return self._find(names, frame.f_locals, False) if names else ()

    def _find(self, names: Iterable[str], variables: Mapping[str, Any], writes: bool = True) -> list[Changed]:
        """This runs at each line, and looks first for what most of them bind."""
        signs, slots, find = self._signs, self._slots, variables.get
        found: list[Changed] = []
        for name in names:
            value = find(name, _MISSING)
            old, kind = signs.get(name), type(value)
            if kind is Tensor or kind is Parameter:
                reference, version = ref(value), self._read_version(value)
                if old is None or old[0] is not reference or old[1] != version:
                    slot = slots.get(name)
                    if slot is None or version < 0:
                        self._keep(name, (reference, version), value)
                    else:
                        signs[name] = reference, version
                        self._tensors[slot], self._versions[slot] = reference, version
                    found.append((name, value, old is not None and old[0] is reference))
            elif value is _MISSING:
                self._forget(name)
            elif old is None or old[0] is not value:
                self._compare(name, old, value, found)
        if writes and self._attributes:
            for name, value in self._read_attributes(variables):
                self._compare(name, signs.get(name), value, found)
        return found

    def _compare(self, name: str, old: Sign | None, value: object, found: list[Changed]) -> None:
        sign = self.sign(value)
        if old is not None and _is_same(old, sign):
            return
        self._keep(name, sign, value)
        found.append((name, value, old is not None and old[1] is not _CONSTANT and _is_object(old, sign)))

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
        if held is None:
            self._others[name] = None
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

    def _read_version(self, tensor: Tensor) -> int:
        try:
            return tensor._version
        except RuntimeError:  # of inference mode
            return self._writes.version_of(tensor)

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


def _find_versions(sign: Sign, value: object) -> tuple[Sequence[Any], Sequence[Any]] | None:
    """References to the tensors of which the versions tell whether a value was changed, and those; None where more is
    to be asked."""
    reference, version = sign
    if type(version) is int:
        return ((reference,), (version,)) if version >= 0 else None
    if type(version) is not tuple or type(value) is not tuple:
        return None
    references, (_, *versions) = version
    is_flat = len(references) == len(versions) and all(type(each) is int and each >= 0 for each in versions)
    return (references, versions) if is_flat else None


def first_items(container: Any) -> Iterable[Any]:
    """Of a tuple, a list or a dict, whatever its class makes of that."""
    base = _base(type(container))
    return islice(base.values(container) if base is dict else base.__iter__(container), ITEMS)


def _find_base(kind: type) -> Any:
    return next(base for base in (dict, list, tuple) if issubclass(kind, base))


_base = PerType(_find_base)


def is_telling(value: object) -> bool:
    """Whether it is more than a module, a function or a class, of which a person sees the name in the code."""
    return value is not None and not issubclass(type(value), (nn.Module, FunctionType, type))


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
