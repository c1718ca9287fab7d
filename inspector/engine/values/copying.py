"""Deep copies of anything somebody calls a model with: what is shared in the value is shared in the copy.

Builtin containers and plain objects are made anew without running any code of theirs. What says itself how it is
copied, or is made by C code, goes through `copy.deepcopy`, which is other people's code: it may raise, and it may lie.
What cannot be copied is in the copy as it is, and told.
"""

from __future__ import annotations

import copy
import functools
import sys
import types
from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ...raised import say
from ...text import encodable
from ..source.running import in_mro, variables
from .nested import MAX_OBJECTS, Plan, is_object, walk
from .objects import is_a, name_of_type
from .parts import BUILTINS, FROZEN, is_constant, is_tensor, says_how
from .storages import copy_one, copy_tensors, count_bytes

BUDGET = 4 << 30
"""Bytes of tensors and arrays copied at most; the largest are then left as they are."""


class Refusal(NamedTuple):
    """What is in a copy as it is, and why."""

    value: Any
    why: str


class DeepCopy(NamedTuple):
    """A copy, and what in it is still the caller's own."""

    value: Any
    refusals: tuple[Refusal, ...]


def deep_copy(value: Any, own: Mapping[int, Any], budget: int = BUDGET) -> DeepCopy:
    """Copy `value` and all that is in it.

    Args:
        value: Anything.
        own: By their `id`, what is not copied and not looked into: a model's own modules and tensors.
        budget: Bytes of tensors and arrays copied at most.
    """
    copier = _Copier(value, own, budget)
    return DeepCopy(copier.copy(), tuple(copier.refusals))


class _Copier:
    def __init__(self, value: Any, own: Mapping[int, Any], budget: int) -> None:
        self.refusals: list[Refusal] = []
        self._plan = Plan(value)
        self._own = {key: held for key, held in self._plan.nodes.items() if key in own}
        self._memo: dict[int, Any] = dict(own)
        self._plan.new.update(self._own)
        self._budget = budget

    def copy(self) -> Any:
        plan = self._plan
        self._copy_tensors()
        self._refuse_more_objects()
        for key, node in plan.nodes.items():
            if key not in plan.new and _copies_itself(node):
                self._copy_by_itself(key, node)
        refused: list[tuple[Any, str]] = []
        made = plan.rebuild(set(plan.nodes) - set(plan.new), refused)
        self.refusals += [Refusal(node, why) for node, why in refused]
        self._copy_attributes_of_tensors()
        return made

    def _copy_tensors(self) -> None:
        plan = self._plan
        tensors = [tensor for tensor in plan.tensors() if id(tensor) not in plan.new]
        within = [each for each in sorted(tensors, key=count_bytes) if self._fits(each, count_bytes(each))]
        fit = set(map(id, within))
        copies = copy_tensors(tensor for tensor in tensors if id(tensor) in fit)
        for tensor in within:
            if copies[id(tensor)] is tensor:
                self._refuse(tensor, f"a {name_of_type(tensor)} cannot be copied")
        plan.new.update(copies)
        self._memo.update(plan.new)

    def _fits(self, node: Any, nbytes: int) -> bool:
        if nbytes <= self._budget:
            self._budget -= nbytes
            return True
        self._refuse(node, f"{nbytes / (1 << 30):.1f} GiB are too much to copy")
        return False

    def _refuse(self, node: Any, why: str) -> None:
        self._plan.new[id(node)] = node
        self._memo[id(node)] = node
        self.refusals.append(Refusal(node, encodable(why, 300)))

    def _refuse_more_objects(self) -> None:
        plan = self._plan
        if sum(is_object(node, plan.parts[key]) for key, node in plan.nodes.items()) == MAX_OBJECTS:
            self.refusals.append(Refusal(plan.value, f"what is behind {MAX_OBJECTS:,} objects"))

    def _copy_by_itself(self, key: int, node: Any) -> None:
        if key in self._memo:  # another one had it
            self._plan.new[key] = self._memo[key]
            return
        if not self._fits(node, _count_bytes_of(node)):
            return
        memo = self._memo.copy()
        try:
            with _CopyTensors():
                made = copy.deepcopy(node, memo)
        except Exception as error:  # the class of somebody else may raise anything when it is copied
            self._refuse(node, f"a {name_of_type(node)} cannot be copied: {say(error)}")
            return
        why = self._find_lie(node, made)
        if why:
            self._refuse(node, f"a {name_of_type(node)} cannot be copied: {why}")
            return
        self._memo = memo
        self._plan.new.update((key, memo[key]) for key in self._plan.nodes if key in memo)
        self._plan.new[key] = made

    def _find_lie(self, node: Any, made: Any) -> str:
        """Why what was made is no copy, "" where it is one."""
        if type(made) is not type(node):
            return f"its copy is a {name_of_type(made)}"
        if made is node:
            return "its copy is itself" if self._plan.parts[id(node)] else ""
        inside = {id(each) for each, parts in walk(node) if parts or is_tensor(each)}
        for each, _ in walk(made):
            key = id(each)
            if key in inside and key not in self._own and self._memo.get(key) is not each and not is_a(each, FROZEN):
                return f"its copy has the same {name_of_type(each)}"
        return ""

    def _copy_attributes_of_tensors(self) -> None:
        """What somebody stored on a tensor: its class copies that itself, or loses it."""
        for key, tensor in self._plan.nodes.items():
            made = self._plan.new.get(key)
            if made is None or made is tensor or not is_tensor(tensor):
                continue
            stored, own = variables(tensor), variables(made)
            for name in [name for name in stored if name not in own]:
                own[name] = deep_copy(stored[name], {**self._memo, **self._plan.new}).value


class _CopyTensors(TorchFunctionMode):
    """Tensors that only the code of an object's own leads to: torch's way to copy refuses those with a graph."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is not Tensor.__deepcopy__:
            return func(*args, **(kwargs or {}))
        tensor, memo = args
        if id(tensor) not in memo:
            memo[id(tensor)] = copy_one(tensor)
        return memo[id(tensor)]


def _copies_itself(node: Any) -> bool:
    """Whether `copy.deepcopy` is asked for it."""
    cls = type(node)
    if is_a(node, (nn.Module, functools.partial, types.MethodType)):
        return True
    if is_a(node, (*BUILTINS, *FROZEN, Tensor)) or is_constant(node):
        return is_a(node, BUILTINS) and in_mro(cls, "__deepcopy__")[1] is not None
    return says_how(cls) or not _is_plain_object(cls)


def _is_plain_object(cls: type) -> bool:
    try:
        object.__new__(cls)
    except TypeError:  # C code made its base: not for us to make
        return False
    return True


def _count_bytes_of(node: Any) -> int:
    numpy = sys.modules.get("numpy")
    if numpy is not None and is_a(node, numpy.ndarray):
        return int(vars(numpy.ndarray)["nbytes"].__get__(node))
    return bytearray.__len__(node) if is_a(node, bytearray) else 0
