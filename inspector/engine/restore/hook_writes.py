"""What hooks wrote to parameters and buffers, taken back bit for bit, and nothing else with it.

A tensor is looked at before and after each time that a hook writes. What differs from how the last hook left it was
written by somebody else, such as an optimizer: then it is nobody's to take back, and stays as it is.

Blocks nest and overlap, and hooks of several may write to one tensor. What one writes, the others are told of: it is
nobody else's. When a block ends, its tensors are what they were before it, and when the last one ends, what they were
before all of them.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ...raised import say
from ...text import encodable
from ..modules.tree import ModuleTree
from ..values.unwrap import is_freed
from .bits import real_elements, same_bits, same_place

DICTS = ("_parameters", "_buffers")

_Place = tuple[int, str, dict[str, Any]]
"""The id of a module, which of its dicts, and that dict."""


_OPEN: WeakValueDictionary[int, HookWrites] = WeakValueDictionary()
"""Those of the blocks that are open, by when they began."""

_BEGINNINGS = itertools.count()


class HookWrites:
    """Of the modules of a tree, from when a hook writes there first until `take_back`."""

    def __init__(self, tree: ModuleTree) -> None:
        self._tree = tree
        self._began = next(_BEGINNINGS)
        _OPEN[self._began] = self
        self._tensors: dict[int, _KeptTensor] = {}  # by id, which stays taken: they are kept
        self._dicts: dict[tuple[int, str], _KeptDict] = {}

    @contextlib.contextmanager
    def writing(self, module: nn.Module, below: bool) -> Iterator[None]:
        """Around what writes to this module's parameters or, where it may do anything, also to those below it.

        Raises:
            RuntimeError: One of them cannot be copied, so that it could not be put back. Nothing was written.
        """
        modules = self._find(module, below)
        places = [(id(each), which, _held(each, which)) for _, each in modules for which in DICTS]
        with self._telling_others(places):
            for name, each in modules:
                self._see(name, each)
            try:
                yield
            finally:
                for name, each in modules:
                    self._learn(name, each)

    def take_back(self) -> list[str]:
        """Put back what hooks wrote. Returns what is left as it is, and why, in words."""
        _OPEN.pop(self._began, None)
        left: list[str] = []
        with self._telling_others([(*key, kept.held) for key, kept in self._dicts.items()]):
            self._hand_on()
            for kept in self._dicts.values():
                left += kept.restore(self._tensors)
            for tensor in self._tensors.values():
                left += tensor.restore()
        torch.clear_autocast_cache()  # it may hold what a hook wrote
        return left

    @contextlib.contextmanager
    def _telling_others(self, places: list[_Place]) -> Iterator[None]:
        """What happens at these places in here, a block does, and nobody who is unknown to the others."""
        others = self._others()
        for other in others:
            for place in places:
                other._hear(place, "see")
        try:
            yield
        finally:
            for other in others:
                for place in places:
                    other._hear(place, "learn")

    def _hear(self, place: _Place, event: str) -> None:
        """Another block is about to write there ("see"), or has done so ("learn")."""
        module, which, held = place
        if (module, which) in self._dicts:
            getattr(self._dicts[module, which], event)()
        for _, tensor in _tensors_of(held):
            if id(tensor) in self._tensors:
                getattr(self._tensors[id(tensor)], event)()

    def _hand_on(self) -> None:
        """Blocks that began later and are still open took for the beginning what hooks of this one had written."""
        for later in self._others(later=True):
            for key in self._dicts.keys() & later._dicts.keys():
                self._dicts[key].hand_on(later._dicts[key])
            for place in self._tensors.keys() & later._tensors.keys():
                self._tensors[place].hand_on(later._tensors[place])

    def _others(self, later: bool = False) -> list[HookWrites]:
        """The other blocks that are open, in the order they began; with `later` those that began after this one."""
        least = self._began if later else -1
        return [other for began, other in sorted(_OPEN.items()) if began > least and other is not self]

    def _find(self, module: nn.Module, below: bool) -> list[tuple[str, nn.Module]]:
        tree = self._tree
        index = tree.index_of_object[id(module)]
        found = tree.subtree(index) if below else [index]
        return [(".".join(tree.paths[each]), tree.nodes[each].module) for each in found]

    def _see(self, name: str, module: nn.Module) -> None:
        for which in DICTS:
            held = _held(module, which)
            if (id(module), which) not in self._dicts:
                self._dicts[id(module), which] = self._meet_dict((id(module), which), name, held)
            self._dicts[id(module), which].see()
            for key, tensor in _tensors_of(held):
                if id(tensor) not in self._tensors:
                    self._tensors[id(tensor)] = self._meet_tensor(_join(name, key), tensor)
                self._tensors[id(tensor)].see()

    def _meet_dict(self, key: tuple[int, str], name: str, held: dict[str, Any]) -> _KeptDict:
        """A block that began later may have written there already: what it met was there before this one, too."""
        kept = _KeptDict(name, held)
        for other in reversed(self._others(later=True)):
            if key in other._dicts:
                other._dicts[key].hand_on(kept)
        return kept

    def _meet_tensor(self, name: str, tensor: Tensor) -> _KeptTensor:
        """As above."""
        kept = _KeptTensor(name, tensor)
        for other in reversed(self._others(later=True)):
            if id(tensor) in other._tensors:
                other._tensors[id(tensor)].hand_on(kept)
        return kept

    def _learn(self, name: str, module: nn.Module) -> None:
        for which in DICTS:
            held = _held(module, which)
            self._forget_stand_ins(self._dicts[id(module), which])
            for key, tensor in _tensors_of(held):
                if id(tensor) in self._tensors:
                    self._tensors[id(tensor)].learn()
                else:  # the hook put it there
                    self._tensors[id(tensor)] = _KeptTensor(_join(name, key), tensor, ours=True)

    def _forget_stand_ins(self, kept: _KeptDict) -> None:
        """Each call of a hook may put others there: only the last ones are kept."""
        for key, gone in kept.learn():
            stand_in = self._tensors.get(id(gone))
            if stand_in is not None and stand_in.ours:
                kept.foreign |= {key} if stand_in.foreign else set()
                del self._tensors[id(gone)]


class _KeptTensor:
    """One tensor: its elements before the first hook wrote to it, and as the last one left them. `foreign` says that
    somebody else wrote to it too, `ours` that a hook made it."""

    def __init__(self, name: str, tensor: Tensor, ours: bool = False) -> None:
        self.name = name
        self.tensor = tensor
        self.ours = ours
        self.foreign = False
        self.before = self.left = _Elements(tensor)

    def see(self) -> None:
        """A hook is about to write."""
        if self.left.are_in(self.tensor):
            return
        if self.ours or self.left is not self.before:
            self.foreign = True
            self.left = _Elements(self.tensor)
        else:
            self.before = self.left = _Elements(self.tensor)

    def learn(self) -> None:
        """A hook may have written."""
        if not self.left.are_in(self.tensor):
            self.left = _Elements(self.tensor)

    def hand_on(self, other: _KeptTensor) -> None:
        """What was there before the first hook was there before those of another block, too."""
        if not self.ours and self.left is not self.before and self.is_as_left():
            other.before = self.before

    def is_as_left(self) -> bool:
        return not self.foreign and self.left.are_in(self.tensor)

    def restore(self) -> Iterator[str]:
        if self.ours or self.left is self.before:
            return
        if not self.is_as_left():
            yield _say_foreign(self.name)
            return
        try:
            self.before.put_into(self.tensor)
        except Exception as error:  # a tensor may refuse any operation; the others are still put back
            yield f"{self.name} cannot be put back: {say(error)}"


class _Elements:
    """What a tensor holds, and where."""

    def __init__(self, tensor: Tensor) -> None:
        self._place = tensor.detach()
        self._copy = real_elements(self._place).clone()

    def are_in(self, tensor: Tensor) -> bool:
        return same_place(tensor, self._place) and same_bits(real_elements(tensor.detach()), self._copy)

    def put_into(self, tensor: Tensor) -> None:
        """The version counter moves on: a graph that was made meanwhile cannot take these for what it saved."""
        if not same_place(tensor, self._place):
            tensor.data = self._place
        with torch.inference_mode(tensor.is_inference()), torch.no_grad():
            real_elements(tensor).copy_(self._copy)


class _KeptDict:
    """Which tensor a module had under which name before the first hook wrote, and which ones the last hook left."""

    def __init__(self, path: str, held: dict[str, Any]) -> None:
        self.path = path
        self.held = held
        self.before = self.left = dict(held)
        self.foreign: set[str] = set()

    def see(self) -> None:
        """A hook is about to write."""
        moved = {key for key in {**self.left, **self.held} if self.left.get(key) is not self.held.get(key)}
        if not moved:
            return
        ours = {key for key in moved if self.left.get(key) is not self.before.get(key)}
        self.foreign |= ours
        self.before = {key: self.before.get(key) if key in ours else tensor for key, tensor in self.held.items()}
        self.left = dict(self.held)

    def learn(self) -> list[tuple[str, Any]]:
        """A hook may have put others there: what it put them in the place of."""
        gone = [(key, tensor) for key, tensor in self.left.items() if self.held.get(key) is not tensor]
        if gone or len(self.left) != len(self.held):
            self.left = dict(self.held)
        return gone

    def hand_on(self, other: _KeptDict) -> None:
        """See `_KeptTensor.hand_on`."""
        if not self.foreign:
            other.before = dict(self.before)

    def restore(self, tensors: dict[int, _KeptTensor]) -> Iterator[str]:
        if set(self.before) != set(self.left):  # as pruning and weight norm do, with hooks and attributes that need it
            names = sorted(set(self.before) ^ set(self.left))
            yield f"a hook added or removed {', '.join(names)} of {self.path or '(root)'}: they are left as they are"
            return
        for key in [key for key in self.before if self.left[key] is not self.before[key]]:
            made = self.held.get(key)
            kept = tensors.get(id(made))
            if key in self.foreign or made is not self.left[key] or (kept is not None and not kept.is_as_left()):
                yield _say_foreign(_join(self.path, key))
            else:
                self.held[key] = self.before[key]
                _hand_gradient(made, self.before[key])


def _hand_gradient(made: Any, original: Any) -> None:
    """What reached a parameter that stood in for the module's own is the gradient of that one."""
    gradient = getattr(made, "grad", None)
    if isinstance(original, nn.Parameter) and gradient is not None and gradient.shape == original.shape:
        original.grad = gradient if original.grad is None else original.grad + gradient


def _say_foreign(name: str) -> str:
    return f"{name} was also written by something else than a hook: it is left as it is"


def _held(module: nn.Module, which: str) -> dict[str, Any]:
    held = vars(module).get(which)
    return held if isinstance(held, dict) else {}


def _tensors_of(held: dict[str, Any]) -> list[tuple[str, Tensor]]:
    tensors = [(key, value) for key, value in held.items() if isinstance(value, Tensor)]
    return [(key, t) for key, t in tensors if not (is_lazy(t) or t.is_meta or is_freed(t))]


def _join(path: str, name: object) -> str:
    return encodable(f"{path}.{name}" if path else str(name), 200)
