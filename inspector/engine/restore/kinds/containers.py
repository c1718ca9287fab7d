"""Lists, dicts, sets and deques: what is in them, by identity and in order.

Always through the built-in type's own methods: a subclass may override any of them. Keys are hashed only where
something has to be put back.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import is_
from typing import Any

from ..place import ITEM
from .atoms import ATOMS
from .kind import MISSING, Budget, Change, Kept, Parts

_SAMPLE = 1_000
"""Items looked at of a container that is too large to be copied."""


def find_items(items: Any) -> Parts:
    """Those that may lead somewhere."""
    if ATOMS.issuperset(map(id, map(type, items))):
        return ()
    return ((ITEM, item) for item in items if id(type(item)) not in ATOMS)


def same(now: list[Any], then: list[Any]) -> bool:
    """The very same items in the same order."""
    return len(now) == len(then) and all(map(is_, now, then))


class _KeptContainer(Kept):
    """`content` is what was in it, or a sample where that was too much."""

    __slots__ = ("content", "length")

    builtin: Any
    weight = 1

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.length = -1
        count = int(self.builtin.__len__(owner))
        if not budget.take_items(count * self.weight):
            self.length = count
        self.content = self.read()

    @classmethod
    def claims(cls, kind: type) -> bool:
        return issubclass(kind, cls.builtin)

    @property
    def is_sample(self) -> bool:
        return self.length >= 0

    def iterate(self) -> Iterable[Any]:
        """The items, in order."""
        return self.builtin.__iter__(self.owner)  # type: ignore[no-any-return]

    def read(self) -> list[Any]:
        return list(islice(self.iterate(), _SAMPLE if self.is_sample else None))

    def parts(self) -> Parts:
        return find_items(self.content)

    def differs(self) -> bool:
        if self.is_sample and self.builtin.__len__(self.owner) != self.length:
            return True
        return not same(self.read(), self.content)

    def restore(self) -> Iterator[Change]:
        if not self.differs():
            return
        if self.is_sample:
            yield Change("", f"{self.length:,} items, too many to be copied")
            return
        self.write()
        yield Change()

    def write(self) -> None:
        self.builtin.clear(self.owner)
        self.builtin.update(self.owner, [item for item in self.content if not _is_dead(item)])


class KeptList(_KeptContainer):
    __slots__ = ()
    builtin = list

    def read(self) -> list[Any]:
        if not self.is_sample:
            return list.copy(self.owner)
        step = max(self.length // _SAMPLE, 1)
        return list.__getitem__(self.owner, slice(None, None, step))

    def write(self) -> None:
        list.__setitem__(self.owner, slice(None), self.content)


class KeptSet(_KeptContainer):
    __slots__ = ()
    builtin = set

    def differs(self) -> bool:
        if self.is_sample or set.__len__(self.owner) != len(self.content):
            return super().differs()
        # the order of a set that had items removed and added again is another one
        now = self.read()
        return not (same(now, self.content) or set(map(id, now)) == set(map(id, self.content)))


class KeptDeque(_KeptContainer):
    __slots__ = ()
    builtin = deque

    def write(self) -> None:
        deque.clear(self.owner)
        deque.extend(self.owner, self.content)


class KeptDict(_KeptContainer):
    """`content` are the keys, `values` what was at them."""

    __slots__ = ("factory", "values")
    builtin: Any = dict
    weight = 2

    def __init__(self, owner: Any, budget: Budget) -> None:
        super().__init__(owner, budget)
        self.values = self._read_values()
        self.factory = _factory(owner)

    def _read_values(self) -> list[Any]:
        return list(islice(self.builtin.values(self.owner), _SAMPLE if self.is_sample else None))

    def parts(self) -> Parts:
        yield from find_items(self.content)
        yield from find_items(self.values)
        yield from find_items([self.factory])

    def differs(self) -> bool:
        return (
            super().differs() or not same(self._read_values(), self.values) or _factory(self.owner) is not self.factory
        )

    def write(self) -> None:
        if same(self.read(), self.content):  # the keys stay, so that nobody finds it empty meanwhile
            now = self._read_values()
            changed = [(key, then) for key, then, held in zip(self.content, self.values, now, strict=True)
                       if then is not held]  # fmt: skip
        else:
            self.builtin.clear(self.owner)
            pairs = zip(self.content, self.values, strict=True)
            changed = [(key, value) for key, value in pairs if not (_is_dead(key) or _is_dead(value))]
        for key, value in changed:
            self.builtin.__setitem__(self.owner, key, value)
        if self.factory is not MISSING:
            vars(defaultdict)["default_factory"].__set__(self.owner, self.factory)


class KeptOrderedDict(KeptDict):
    """The order of one is its own, not that of the dict it is."""

    __slots__ = ()
    builtin = OrderedDict


def _is_dead(item: Any) -> bool:
    """A weak reference whose object died meanwhile: nobody would take it out any more."""
    return issubclass(type(item), weakref.ref) and weakref.ref.__call__(item) is None


def _factory(value: Any) -> Any:
    return vars(defaultdict)["default_factory"].__get__(value) if issubclass(type(value), defaultdict) else MISSING
