"""Values that hold values: every tensor in them visited, copied or replaced, first to last, each shared object once.

What is a container is said in `parts`. Values may be deep or contain themselves: nothing here recurses. The functions
that callers bring are never inside a `try` of ours; a container that cannot be made anew is told, not passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ...raised import say
from ...text import encodable
from .objects import is_a, name_of_type
from .parts import (
    BUILTINS,
    FROZEN,
    Part,
    RebuildError,
    contents_of,
    fill,
    is_constant,
    is_tensor,
    make_empty,
    make_frozen,
    parts_of,
)

MAX_OBJECTS = 10_000
"""Objects of other people's classes that are entered in one value: behind one of them may be a whole program."""

Enter = Callable[[Any, int], bool]
"""Told an object and how deep it lies, it says whether that is looked at."""


def enter_all(node: Any, depth: int) -> bool:
    """For `walk`: nothing is left out."""
    return True


def walk(value: Any, enter: Enter = enter_all) -> Iterator[tuple[Any, list[Part]]]:
    """`value` and everything inside it with the parts of each, each object once, a container before what it holds.

    Args:
        value: Anything.
        enter: Told an object and how deep it lies; what it says no to is left out, with what it holds.
    """
    seen: dict[int, Any] = {}  # keeps what it names, so that no `id` is given to somebody else
    objects = 0
    pending = [(value, 0)]
    while pending:
        node, depth = pending.pop()
        if id(node) in seen or not enter(node, depth):
            continue
        seen[id(node)] = node
        parts = parts_of(node)
        objects += is_object(node, parts)
        if objects > MAX_OBJECTS and is_object(node, parts):
            continue
        yield node, parts
        pending += [(part.value, depth + 1) for part in reversed(parts)]


def is_object(node: Any, parts: list[Part]) -> bool:
    return bool(parts) and not is_a(node, (*BUILTINS, *FROZEN))


def without_state(node: Any, depth: int) -> bool:
    """For `enter`: all but objects that others may hold as well and look at again, such as a key-value cache."""
    return contents_of(node) is not None or not is_object(node, parts_of(node))


def tensors_in(value: Any, enter: Enter = enter_all) -> Iterator[Tensor]:
    """Every tensor in `value`, each once, first to last; see `walk`."""
    if is_tensor(value):
        yield value
        return
    for node, _ in walk(value, enter):
        if is_tensor(node):
            yield node


def holders_of_tensors(value: Any) -> set[int]:
    """The `id` of everything in `value` that is a tensor or holds one, however deep."""
    plan = Plan(value)
    return plan.holding({id(tensor) for tensor in plan.tensors()})


def replace(value: Any, function: Callable[[Tensor], Any], enter: Enter = enter_all) -> Any:
    """`value` with `function(tensor)` in the place of every tensor, which is called first to last, once for each.

    Containers around a new tensor are made anew; everything else is passed on as it is, `value` itself where nothing is
    new. What `function` raises is raised here.

    Args:
        value: Anything.
        function: Gives what takes a tensor's place.
        enter: See `walk`.

    Raises:
        RebuildError: A container around a new tensor refuses to be made anew.
    """
    if is_tensor(value):
        return function(value)
    plan = Plan(value, enter)
    for tensor in plan.tensors():
        new = function(tensor)
        if new is not tensor:
            plan.new[id(tensor)] = new
    return plan.rebuild(plan.holding(set(plan.new)) - set(plan.new))


class Copied(NamedTuple):
    """A copy, and what in it is still the caller's own, in words."""

    value: Any
    refused: tuple[str, ...]


def copy(value: Any, copy_tensor: Callable[[Tensor], Any]) -> Copied:
    """`value` with every container, object and tensor in it copied, so that changes of the copy leave it as it is.

    What refuses to be copied is in the copy as it is, and told.

    Args:
        value: Anything.
        copy_tensor: Gives what takes a tensor's place.
    """
    if is_tensor(value):
        return Copied(copy_tensor(value), ())
    plan = Plan(value)
    for tensor in plan.tensors():
        plan.new[id(tensor)] = copy_tensor(tensor)
    refused: list[tuple[Any, str]] = []
    if sum(is_object(node, plan.parts[key]) for key, node in plan.nodes.items()) == MAX_OBJECTS:
        refused.append((value, f"what is behind {MAX_OBJECTS:,} objects"))
    made = plan.rebuild(set(plan.nodes) - set(plan.new), refused)
    return Copied(made, tuple(dict.fromkeys(why for _, why in refused)))


def own_copy(tensor: Tensor) -> Tensor:
    """`tensor` in memory of its own, off the graph. Dimensions that repeat one element are not multiplied out."""
    detached = tensor.detach()
    if detached.layout == torch.strided and not detached.is_nested and 0 in detached.stride():
        once = tuple(slice(0, 1) if step == 0 else slice(None) for step in detached.stride())
        copied = detached[once].clone().expand(detached.shape)
    else:
        copied = detached.clone()
    return copied.requires_grad_(tensor.requires_grad)


class Plan:
    """What a value is made of, and what takes the place of what: `new` by `id`."""

    def __init__(self, value: Any, enter: Enter = enter_all) -> None:
        self.value = value
        self.nodes: dict[int, Any] = {}
        self.parts: dict[int, list[Part]] = {}
        self.new: dict[int, Any] = {}
        for node, parts in walk(value, enter):
            self.nodes[id(node)] = node
            self.parts[id(node)] = parts

    def tensors(self) -> list[Tensor]:
        return [node for node in self.nodes.values() if is_tensor(node)]

    def holding(self, found: set[int]) -> set[int]:
        """These, and whatever holds one of them, however deep."""
        holders: dict[int, list[int]] = {}
        for key, parts in self.parts.items():
            for part in parts:
                holders.setdefault(id(part.value), []).append(key)
        reached, pending = set(found), list(found)
        while pending:
            above = [key for key in holders.get(pending.pop(), ()) if key not in reached]
            reached.update(above)
            pending += above
        return reached

    def rebuild(self, stale: set[int], refused: list[tuple[Any, str]] | None = None) -> Any:
        """The value with these containers made anew around what is new; what refuses goes into `refused`,
        with the reason.

        Raises:
            RebuildError: One refuses, and there is no such list.
        """
        order = [key for key, node in self.nodes.items() if key in stale and not is_constant(node)]
        order.sort(key=lambda key: is_a(self.nodes[key], set))  # last: what is in a set is hashed when it is complete
        frozen = [key for key in order if is_a(self.nodes[key], FROZEN)]
        for key in order:
            if not is_a(self.nodes[key], FROZEN):
                self._step(key, lambda key: make_empty(self.nodes[key]), refused)
        for key in self._inner_first(frozen):
            self._step(key, lambda key: make_frozen(self.nodes[key], self._now(key)), refused)
        for key in order:
            if key in self.new:
                self._step(key, lambda key: fill(self.new[key], self.nodes[key], self._now(key)), refused)
        return self.new.get(id(self.value), self.value)

    def _now(self, key: int) -> list[Part]:
        return [part._replace(value=self.new.get(id(part.value), part.value)) for part in self.parts[key]]

    def _step(self, key: int, make: Callable[[int], Any], refused: list[tuple[Any, str]] | None) -> None:
        try:
            self.new[key] = make(key)
        except Exception as error:  # a class of somebody else may raise anything when it is copied
            words = encodable(f"a {name_of_type(self.nodes[key])} cannot be made anew: {say(error)}", 300)
            if refused is None:
                raise RebuildError(words) from error
            refused.append((self.nodes[key], words))
            self.new.pop(key, None)

    def _inner_first(self, frozen: list[int]) -> Iterator[int]:
        """Each behind those that are among its items."""
        left = set(frozen)
        for key in frozen:
            pending = [key]
            while pending:
                items = [id(part.value) for part in self.parts[pending[-1]] if not part.attribute]
                missing = [item for item in items if item in left] if pending[-1] in left else []
                if missing:
                    pending += missing
                    continue
                done = pending.pop()
                if done in left:
                    left.discard(done)
                    yield done


def walk_graph(firsts: Iterable[Any], most: int) -> Iterator[Any]:
    """The nodes of an autograd graph that are reached from these, each once, and no more than so many."""
    pending = list(firsts)
    seen: set[Any] = set()
    while pending and len(seen) < most:
        node = pending.pop()
        if node is not None and node not in seen:
            seen.add(node)
            yield node
            pending += [each for each, _ in node.next_functions]
