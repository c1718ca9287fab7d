"""What a container holds, and how one like it is made with other parts: one policy for everybody who walks.

Lists, tuples, dicts, sets and deques, their subclasses, dataclasses, and any object that stores attributes (a key-value
cache, a `ModelOutput`) are containers; their parts come in the container's own order. Modules, classes, functions,
members of enumerations and iterators are not looked into. No code of a value's own runs, with one exception: an object
whose class says how it is copied is copied so.
"""

from __future__ import annotations

import contextlib
import copy
import gc
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from ..source.running import Types, in_mro, variables
from .objects import CONSTANTS, SEQUENCES, UNENTERED, attributes, fields, has_fields, is_a, items_of, slots
from .per_type import PerType

_ATOMS = Types(
    object, int, float, bool, complex, str, bytes, type(None), type(...), range, slice,
    torch.dtype, torch.device, torch.Size, torch.layout, torch.memory_format,
)  # fmt: skip
_WITHOUT_ATTRIBUTES = Types(dict, list, tuple)
BUILTINS: tuple[Any, ...] = (defaultdict, OrderedDict, dict, list, deque, set)
"""Containers that are filled after they were made, so that one can be inside itself."""
FROZEN = (tuple, frozenset, MappingProxyType)
"""Containers that are made with their items."""
_LEAVES = (Tensor, *UNENTERED)

_COPYING = ("__copy__", "__deepcopy__", "__reduce__", "__reduce_ex__", "__getstate__", "__setstate__")
"""A class that has one of these wants to be asked for copies of its objects."""


class Part(NamedTuple):
    """What a container holds at `key`: a position, a key of a mapping, or the name of an attribute."""

    key: Any
    value: Any
    attribute: bool = False


class Contents(NamedTuple):
    """The keys and parts of a container, one after the other, and how many there are."""

    form: Literal["mapping", "sequence", "set", "fields"]
    pairs: Iterable[tuple[Any, Any]]
    length: int


class RebuildError(TypeError):
    """A container cannot be made anew with other parts."""


def is_tensor(value: object) -> bool:
    """Whether it is a tensor, whatever it says of its class."""
    return is_a(value, Tensor)


def contents_of(value: Any) -> Contents | None:
    """What a builtin container or a dataclass directly holds; None of anything else."""
    read = _reader_of(type(value))
    return None if read is None else read(value)


def _find_reader(kind: type) -> Callable[[Any], Contents] | None:
    return next(
        (read for classes, read in _READERS if issubclass(kind, classes)), _read_fields if has_fields(kind) else None
    )


def _read_set(value: Any) -> Contents:
    builtin = set if is_a(value, set) else frozenset
    return Contents("set", enumerate(builtin.__iter__(value)), builtin.__len__(value))


def _read_sequence(value: Any) -> Contents:
    found = items_of(value)
    assert found is not None  # it is one of `SEQUENCES`
    return Contents("sequence", enumerate(found[0]), found[1])


def _read_fields(value: Any) -> Contents:
    held = fields(value)
    return Contents("fields", held.items(), len(held))


_READERS: tuple[tuple[Any, Callable[[Any], Contents]], ...] = (
    (dict, lambda value: Contents("mapping", dict.items(value), dict.__len__(value))),
    ((set, frozenset), _read_set),
    (SEQUENCES, _read_sequence),
)
_reader_of = PerType(_find_reader)


def parts_of(value: Any) -> list[Part]:
    """All that `value` directly holds, attributes too, in its own order; nothing for what is no container."""
    if type(value) in _ATOMS or is_a(value, _LEAVES):
        return []
    if is_a(value, MappingProxyType):
        return [Part("mapping", gc.get_referents(value)[0])]  # what it shows; to ask the view would run that one's code
    found = contents_of(value)
    named = found is not None and found.form == "fields"
    parts = [Part(key, held, named) for key, held in found.pairs] if found is not None else []
    if type(value) in _WITHOUT_ATTRIBUTES:
        return parts
    known = {part.key for part in parts} if named else set()
    return parts + [Part(name, held, True) for name, held in attributes(value).items() if name not in known]


def is_constant(value: object) -> bool:
    """What nothing can change, and what is one for the whole program."""
    return type(value) in _ATOMS or is_a(value, CONSTANTS)


def remake(value: Any, parts: list[Part]) -> Any:
    """A container like `value` with these parts in the place of its own."""
    made = make_frozen(value, parts) if is_a(value, FROZEN) else make_empty(value)
    return fill(made, value, parts)


def make_empty(value: Any) -> Any:
    """Another object like `value`, to be given its parts."""
    for builtin in BUILTINS:
        if is_a(value, builtin):
            made = builtin.__new__(type(value))
            if builtin is deque:
                deque.__init__(made, (), vars(deque)["maxlen"].__get__(value))
            if builtin is defaultdict:
                vars(defaultdict)["default_factory"].__set__(made, vars(defaultdict)["default_factory"].__get__(value))
            return made
    if is_a(value, nn.Module):
        raise RebuildError("it is a module")
    if in_mro(type(value), "__del__")[1] is not None:  # run for the copy, it would end what the other still holds
        raise RebuildError("it has a finalizer")
    if not says_how(type(value)):
        with contextlib.suppress(TypeError):  # C code made its base: not for us to make
            return object.__new__(type(value))
    made = copy.copy(value)
    if made is value and parts_of(value):
        raise RebuildError("its copy is itself")
    return made


def says_how(cls: type) -> bool:
    found = [in_mro(cls, name) for name in _COPYING]
    return any(value is not None and owner is not object for owner, value in found)


def make_frozen(value: Any, parts: list[Part]) -> Any:
    """A tuple or frozenset like `value` with other items."""
    items = [part.value for part in parts if not part.attribute]
    if is_a(value, MappingProxyType):
        return MappingProxyType(*items)
    if is_a(value, frozenset):
        return frozenset.__new__(type(value), items)
    try:
        return tuple.__new__(type(value), items)
    except TypeError:  # torch's and Python's own named results want to be asked themselves
        return type(value)(items)


def fill(made: Any, value: Any, parts: list[Part]) -> Any:
    """`made` with these parts of `value`; of a frozen container the attributes are left to give."""
    items = [(part.key, part.value) for part in parts if not part.attribute]
    for builtin, take in _FILLED:
        if is_a(value, builtin):
            take(made, items)
            break
    stored, own = variables(value), variables(made)
    for name, held in [(part.key, part.value) for part in parts if part.attribute]:
        if name in stored:
            own[name] = held  # past `__setattr__` and a frozen dataclass: the object is ours
        else:
            slots(type(value))[name].__set__(made, held)
    return made


def _fill_dict(builtin: Any, made: Any, items: list[tuple[Any, Any]]) -> None:
    for key, held in items:
        builtin.__setitem__(made, key, held)


_FILLED: tuple[tuple[Any, Callable[[Any, list[tuple[Any, Any]]], None]], ...] = (
    (OrderedDict, lambda made, items: _fill_dict(OrderedDict, made, items)),
    (dict, lambda made, items: _fill_dict(dict, made, items)),
    (list, lambda made, items: list.extend(made, [held for _, held in items])),
    (deque, lambda made, items: deque.extend(made, [held for _, held in items])),
    (set, lambda made, items: set.update(made, [held for _, held in items])),
)
