"""Hooks that a script puts on as anybody would: `act` on the one tensor that a module takes or gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ...records import TensorValue, Value
from ..hooks.hook import Hook
from ..modules.tree import Node
from ..recording.call import Call
from .applied import Addition

CallsOf = Callable[[int], Sequence[Call]]
"""The calls of a node that were seen last."""


def are_plain(additions: Sequence[Addition], calls_of: CallsOf) -> bool:
    """Whether all that are on are such hooks, as far as the last pass tells."""
    active = ((each.hook, member.node) for each in additions for member in each.members if member.active)
    return all(_is_plain(hook, node, calls_of) for hook, node in active)


def _is_plain(hook: Hook, node: Node, calls_of: CallsOf) -> bool:
    if hook.on not in ("output", "input"):
        return False
    if hook.kind.acts == "python":
        return not hook.options()
    calls = calls_of(node.index)
    may_be = hook.kind.acts == "tensor" and set(hook.options()) <= {"when", "where"} and _is_index(hook)
    return may_be and bool(calls) and all(_takes_tensors(hook, call) for call in calls)


def _is_index(hook: Hook) -> bool:
    """The part that it acts on, if any, is written as Python indexes a tensor."""
    return not hook.where or (hook.on == "output" and re.fullmatch(r"(\[[-\d:., ]+\])+", hook.where) is not None)


def _takes_tensors(hook: Hook, call: Call) -> bool:
    if call.observe_filter is not None or call.status != "ok":
        return False
    if hook.on == "output":
        return _is_floating(call.output)
    return not call.kwargs.length and bool(call.inputs) and all(map(_is_floating, call.inputs))


def _is_floating(value: Value | None) -> bool:
    return isinstance(value, TensorValue) and value.dtype.startswith(("float", "bfloat", "complex"))
