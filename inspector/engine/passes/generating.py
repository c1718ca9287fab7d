"""`generate` of a model in place of its forward: one step for each token, the first for all that was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from ...errors import UsageError
from ...records import TensorValue, Value
from ...text import encodable
from ..hooks.steps import StepCounter
from ..inputs import Sample
from ..recording.call import Call
from .training import PassSettings

_SEQUENCES = ("input_ids", "inputs_embeds")


def can_generate(model: nn.Module) -> bool:
    """Whether its class has such a method."""
    return callable(getattr(type(model), "generate", None))


def check_generate(model: nn.Module, settings: PassSettings) -> None:
    """Raises `UsageError` where the model cannot do what is asked for."""
    if settings.generate and not can_generate(model):
        raise UsageError(
            encodable(f"{type(model).__name__} has no method generate()", 200),
            hint="leave out --generate: it is for models that make tokens, such as hf:LlamaConfig",
        )
    if settings.generate and settings.backward:
        raise UsageError("generate() leaves no graph for a backward pass", hint="--generate or --backward, not both")


def generate(model: Any, sample: Sample, tokens: int, steps: StepCounter) -> Any:
    """The ids of at most so many tokens, each the likeliest."""
    handle = steps.register(model)
    try:
        return model.generate(*sample.args, max_new_tokens=tokens, do_sample=False, **sample.kwargs)
    finally:
        if handle is not None:
            handle.remove()


def has_prefill(calls: Sequence[Call]) -> bool:
    """Whether the first step took in a longer sequence than every one after it."""
    roots = [call for call in calls if call.index == 0 and not call.in_step]
    lengths = [length for call in roots if (length := _find_length(call)) is not None]
    whole = len(lengths) == len(roots) > 1 and roots[0].step == 0
    return whole and lengths[0] > max(lengths[1:])


def _find_length(call: Call) -> int | None:
    """Of the sequence that goes in: the second dimension of batch×sequence."""
    named = dict(zip(call.kwargs.keys, call.kwargs.items, strict=False))
    given: list[Value | None] = [*(named.get(name) for name in _SEQUENCES), *call.inputs[:1]]
    shapes = [value.shape for value in given if isinstance(value, TensorValue) and len(value.shape) > 1]
    return shapes[0][1] if shapes else None
