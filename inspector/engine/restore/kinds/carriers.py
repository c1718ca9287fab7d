"""What is made with what it holds and never holds anything else: looked through, and not kept."""

from __future__ import annotations

import contextvars
import functools
import gc
import types
import weakref
from typing import Any

from ...source.running import Types
from ..place import ITEM
from .containers import find_items
from .kind import Kept, Parts


class Tuple(Kept):
    """A tuple or frozenset, a named one too."""

    __slots__ = ()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return issubclass(kind, (tuple, frozenset))

    def parts(self) -> Parts:
        builtin: Any = tuple if issubclass(type(self.owner), tuple) else frozenset
        return find_items(list(builtin.__iter__(self.owner)))


_VIEWS = Types(types.MappingProxyType, type({}.keys()), type({}.values()), type({}.items()))


class View(Kept):
    """What shows a dict that somebody else holds."""

    __slots__ = ()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return kind in _VIEWS

    def parts(self) -> Parts:
        return ((ITEM, held) for held in gc.get_referents(self.owner))


class MemoryView(Kept):
    """Whose memory it is, while it is not released."""

    __slots__ = ()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return kind is memoryview

    def parts(self) -> Parts:
        try:
            return (("obj", self.owner.obj),)
        except ValueError:
            return ()


class Variable(Kept):
    """A context variable: which value it has is for `process`, what that leads to is looked at."""

    __slots__ = ()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return kind is contextvars.ContextVar

    def parts(self) -> Parts:
        return (("get()", self.owner.get(None)),)


class WeakReference(Kept):
    """What it leads to, while that lives."""

    __slots__ = ()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return issubclass(kind, weakref.ref)

    def parts(self) -> Parts:
        return (("()", weakref.ref.__call__(self.owner)),)


_FIELDS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (types.MethodType, ("__self__", "__func__")),
    (types.BuiltinMethodType, ("__self__",)),
    (functools.partial, ("func", "args", "keywords")),
    (functools.partialmethod, ("func", "args", "keywords")),
    ((staticmethod, classmethod), ("__func__",)),
    (property, ("fget", "fset", "fdel")),
    ((functools.cached_property, functools.singledispatchmethod), ("func",)),
)


class Callable(Kept):
    """A bound method, a partial, a descriptor around a function."""

    __slots__ = ()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return any(issubclass(kind, classes) for classes, _ in _FIELDS)

    def parts(self) -> Parts:
        kind = type(self.owner)
        names = next(names for classes, names in _FIELDS if issubclass(kind, classes))
        held = ((name, object.__getattribute__(self.owner, name)) for name in names)
        return ((name, value) for name, value in held if not issubclass(type(value), types.ModuleType))
