"""What a hook acts on in the values of its module, as the calls of the last pass tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...records import MappingValue, SequenceValue, TensorValue, Value
from ..hooks.hook import Hook
from ..recording.call import Call
from ..values.value_path import Step

ARGS, KWARGS = Step(0), Step(1)
"""Of what a module is called with, both together."""


class Reach(NamedTuple):
    """`outside` leads to a tensor, or to what holds some; `inside` into the one tensor.

    `alone`: the value that a module gives, or all that it takes, is one floating tensor. `named`: what the steps lead
    to is one tensor. `whole`: that may be one of whole numbers. `once`: its module is called once.
    """

    outside: tuple[Step, ...]
    inside: tuple[Step, ...]
    alone: bool
    named: bool
    whole: bool
    once: bool


def find_reach(hook: Hook, calls: Sequence[Call]) -> Reach:
    """Of a hook on an output, an input or a gradient; a guess where no call of its module was seen."""
    steps = _steps_of(hook)
    seen = [call for call in calls if call.observe_filter is None and call.status == "ok"]
    ends = [_follow(_value_of(hook, call), steps) for call in seen]
    known = [count for count, end in ends if end is not None]
    count = known[0] if known else _guess(steps)
    alone = 0 < len(seen) == len(calls) and all(_is_alone(hook, call) for call in seen)
    named = bool(steps and ends) and all(isinstance(end, TensorValue) for _, end in ends)
    whole = named and not all(_is_floating(end) for _, end in ends)
    once = len(calls) == len(seen) == 1 and seen[0].step == 0
    return Reach(steps[:count], steps[count:], alone, named, whole, once)


def _steps_of(hook: Hook) -> tuple[Step, ...]:
    """From all that a module takes, or from what it gives."""
    if hook.on != "input" or not hook.steps:
        return hook.steps
    return (KWARGS if isinstance(hook.steps[0].key, str) else ARGS, *hook.steps)


def _value_of(hook: Hook, call: Call) -> Value | None:
    if hook.on != "input":
        return call.output
    args = SequenceValue("tuple", call.inputs, len(call.inputs), is_tuple=True)
    return SequenceValue("tuple", (args, call.kwargs), 2, is_tuple=True)


def _is_alone(hook: Hook, call: Call) -> bool:
    if hook.on != "input":
        return _is_floating(call.output)
    return len(call.inputs) == 1 and not call.kwargs.length and _is_floating(call.inputs[0])


def _follow(value: Value | None, steps: Sequence[Step]) -> tuple[int, Value | None]:
    """How many steps lead to a tensor or to the end, and what is there; None where that was not seen."""
    for number, step in enumerate(steps):
        if value is None or isinstance(value, TensorValue):
            return number, value
        value = next(_parts_at(value, step), None)
    return len(steps), value


def _parts_at(value: Value, step: Step) -> Iterator[Value]:
    """The part to which this step leads, if it was seen."""
    if isinstance(value, SequenceValue):
        key = value.names.index(str(step.key)) if step.key in value.names else step.key
        if isinstance(key, int) and -value.length <= key < value.length:
            yield from value.items[key % value.length :][:1]
    elif isinstance(value, MappingValue):
        if isinstance(step.key, str):
            yield from (item for key, item in zip(value.keys, value.items, strict=True) if key == step.key)
        elif isinstance(step.key, int):
            yield from value.items[step.key :][:1]


def _guess(steps: Sequence[Step]) -> int:
    """Keys, names and whole numbers lead to a tensor, slices into it."""
    return next((number for number, step in enumerate(steps) if isinstance(step.key, tuple)), len(steps))


def _is_floating(value: Value | None) -> bool:
    return isinstance(value, TensorValue) and value.dtype.startswith(("float", "bfloat", "complex"))
