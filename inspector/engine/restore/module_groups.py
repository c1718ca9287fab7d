"""The modules of a tree as they were seen last, in groups of which one comparison says that nothing in them changed.

A model of 100,000 modules has three million attributes, of which a pass sets a few. They are compared by identity, a
group at a time and not in a loop of Python; whatever is not plain is asked alone.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, starmap
from operator import is_, itemgetter, methodcaller
from typing import Any

from torch import nn

from ..modules.tree import ModuleTree, Node
from ..values.unwrap import PLAIN
from .kinds import kinds_of
from .kinds.atoms import is_atom
from .kinds.held_tensors import HeldTensor, read_attributes
from .kinds.kind import Budget, Kept, Refused
from .kinds.layout import layout_of
from .kinds.modules import HELD, NOT_SAVED, KeptModule, read_dict
from .place import Place

_SIZE = 256
"""Modules of a group: where one of them changed, each of them is asked."""

_BUDGET = Budget()
"""Neither a module nor a tensor takes of it."""

_DICT: Any = vars(nn.Module)["__dict__"]
_items = methodcaller("items")


class ModulePlaces:
    """Where the modules of a tree lie."""

    def __init__(self, tree: ModuleTree) -> None:
        self._tree = tree

    def place_of(self, owner: Any) -> Place:
        return Place(None, ".".join(self._tree.paths[self._tree.index_of_object[id(owner)]]))


class ModuleGroup:
    """Some modules as they are when this is made, and those of their tensors that are nothing besides their elements.
    `leads_to` is what else lies in the modules, and where.

    Args:
        nodes: The modules, each once.
        tree: What they are of.
    """

    def __init__(self, nodes: Sequence[Node], tree: ModuleTree) -> None:
        self.tensors: list[HeldTensor] = []
        self.leads_to: list[tuple[Place, str, Any]] = []
        self._modules: list[KeptModule] = []
        self._plain: list[KeptModule] = []
        self._odd: list[KeptModule] = []
        self._refused: list[Refused] = []
        self._contents = _Contents()
        places = ModulePlaces(tree)
        for node in nodes:
            self._meet(node.module, places, tree)
        kinds = [*(kept.cls for kept in self._modules), *(held.cls for held in self.tensors)]
        self.types = list({id(kind): kind for kind in kinds}.values())  # a metaclass may have a hash of its own

    @property
    def members(self) -> Iterator[Kept]:
        """What is kept of them, to be put back."""
        return chain(self._modules, self._refused, self.tensors)

    def is_same(self) -> bool:
        """Whether nothing changed since. What is in the tensors is not asked."""
        modules, tensors = [kept.owner for kept in self._plain], [held.owner for held in self.tensors]
        try:
            return not self._refused and (
                _are(map(type, modules), (kept.cls for kept in self._plain))
                and self._contents.are_same(map(_DICT.__get__, modules))
                and _are(map(type, tensors), (held.cls for held in self.tensors))
                and not any(map(read_attributes, tensors))
                and all(kept.is_same() for kept in self._odd)
            )
        except RuntimeError:  # another thread writes to a dict at this moment
            return False

    def _meet(self, module: nn.Module, places: ModulePlaces, tree: ModuleTree) -> None:
        try:
            kept = KeptModule(module, _BUDGET)
        except Exception as error:  # somebody gave it a dict of their own make
            self._refused.append(Refused(module, error))
            self._refused[-1].found = places
            return
        kept.found = places
        self._modules.append(kept)
        (self._plain if self._contents.take(kept) else self._odd).append(kept)
        self._look_into(kept, tree)

    def _look_into(self, kept: KeptModule, tree: ModuleTree) -> None:
        for piece, value in kept.parts():
            if is_atom(value) or id(value) in tree.index_of_object or not kinds_of(type(value)):
                continue
            held = HeldTensor(value, _BUDGET) if type(value) in PLAIN else None
            if held is None or held.attributes or held.filled:
                self.leads_to.append((kept.place, piece, value))
            else:
                held.found = kept
                self.tensors.append(held)


class _Contents:
    """The dicts of plain modules, and what was in them."""

    def __init__(self) -> None:
        self._own: list[dict[str, Any]] = []
        self._filled: dict[type, tuple[list[Any], list[Any]]] = {dict: ([], []), OrderedDict: ([], [])}
        self._hooks: list[Any] = []  # the dicts with hooks, and how many are in each
        self._counts = array("i")
        self._entries: list[tuple[Any, ...]] = []  # ids and hooks in turn, of each module
        self._empty: dict[tuple[str, ...], list[dict[str, Any]]] = {}  # by what was empty in it: attributes, as of then

    def take(self, kept: KeptModule) -> bool:
        """Whether this module is plain; its dicts are compared here then."""
        if layout_of(kept.cls).dict_slot is not _DICT or kept.filled or kept.not_saved:
            return False
        own = read_dict(kept.owner)
        held = {key: own[key] for key in HELD if own.get(key) is not None}
        if type(own.get(NOT_SAVED)) is not set or not all(map(_is_plain, held.values())):
            return False
        self._own.append(own)
        self._add(own, kept.attributes)
        counts, entries = kept.hooks
        for key, count in counts:
            self._hooks.append(held.pop(key))
            self._counts.append(count)
        self._entries.append(entries)
        for key, then in kept.held.items():
            self._add(held.pop(key), then)
        self._empty.setdefault((NOT_SAVED, *held), []).append(kept.attributes)
        return True

    def _add(self, now: Any, then: dict[Any, Any]) -> None:
        self._filled[type(now)][0].append(now)
        self._filled[type(now)][1].append(then)

    def are_same(self, own: Iterable[Any]) -> bool:
        """Given the attributes of the modules, as they have them now."""
        return (
            _are(own, self._own)
            and all(map(self._are_same_of, self._filled))
            and not any(starmap(_has_any, self._empty.items()))
            and self._has_same_hooks()
        )

    def _are_same_of(self, kind: Any) -> bool:
        now, then = self._filled[kind]
        return (
            list(map(len, now)) == list(map(len, then))
            and _are(chain.from_iterable(map(kind.values, now)), chain.from_iterable(map(dict.values, then)))
            and _are(chain.from_iterable(now), chain.from_iterable(then))
        )

    def _has_same_hooks(self) -> bool:
        now = chain.from_iterable(chain.from_iterable(map(_items, self._hooks)))
        return array("i", map(len, self._hooks)) == self._counts and _are(now, chain.from_iterable(self._entries))


class ModuleGroups:
    """The groups of a tree, kept from pass to pass. `others` are what in the tree is no module of torch's make.

    Args:
        tree: The model.
    """

    def __init__(self, tree: ModuleTree) -> None:
        nodes = list(tree.objects())
        plain = [node for node in nodes if kinds_of(type(node.module)) == (KeptModule,)]
        self.others = [node for node in nodes if kinds_of(type(node.module)) != (KeptModule,)]
        self._tree = tree
        self._parts = [plain[first : first + _SIZE] for first in range(0, len(plain), _SIZE)]
        self._known: list[ModuleGroup | None] = []

    def look(self) -> list[ModuleGroup]:
        """The modules as they are now. A group in which nothing changed is the very one that it was."""
        if not self._known:
            self._known = [None] * len(self._parts)
        now = []
        for place, nodes in enumerate(self._parts):
            group, self._known[place] = self._known[place], None
            if group is None or not group.is_same():
                del group  # before there is another one: all together are large
                group = ModuleGroup(nodes, self._tree)
            self._known[place] = group
            now.append(group)
        return now

    def forget(self) -> None:
        """What is known was changed to what others made of it."""
        self._known = []


def _is_plain(held: object) -> bool:
    return type(held) is dict or type(held) is OrderedDict


def _has_any(names: tuple[str, ...], attributes: list[dict[str, Any]]) -> bool:
    """Whether anything is in one of the dicts and sets of these names."""
    return any(chain.from_iterable(map(itemgetter(*names), attributes)))  # of one name, what is in it


def _are(now: Iterable[Any], then: Iterable[Any]) -> bool:
    return all(map(is_, now, then))
