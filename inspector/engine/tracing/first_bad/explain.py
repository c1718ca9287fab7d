"""Why an operation gave something bad, in a sentence: from its name, what it was given and what it gave."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from ....records import Statistics, TensorValue, Value
from ....text import encodable
from .backward import BadNode
from .badness import Bad
from .causes import BadOp, Origin

_LARGE = 0.4
"""The power of the largest number of a type from which on products of a few leave its range."""
_FINE = "what is looked for"
_SMALL = 100.0
"""Numbers of which hardly any power leaves the range of a type."""
_SOFTMAXES = ("softmax", "logsumexp")


def explain(op: BadOp) -> str:
    """What is known of it."""
    name = op.name.rpartition(".")[2].strip("_").removeprefix("foreach_")
    given = [value for value in op.inputs if isinstance(value, TensorValue)]
    own = next((words for is_one, look in _REASONS if is_one(name) and (words := look(given))), "")
    reason = own or _numbers(op, name, given) or _overflow(op, given) or _what_it_gave(op, given)
    return encodable(". ".join(filter(None, (reason, _masks(op)))), 500)


def explain_origin(origin: Origin) -> str:
    """The same of what no operation gave."""
    held = _count(origin.value)
    if origin.is_parameter and held == _FINE:
        return encodable(f"{origin.name} is fine before the pass, and no operation of Python's wrote to it", 500)
    if origin.is_parameter:
        return encodable(f"{origin.name} holds {held} before the pass: look at the checkpoint, or the last step", 500)
    if origin.name:
        return f"the input holds {held}"
    if origin.taken_by is None:
        return f"no operation that Python called made it, as in TorchScript and extensions: it holds {held}"
    return (
        f"what goes in here holds {held}, and no operation that Python called gave it that: numpy or another library "
        "wrote to it, or it is a constant of the model"
    )


def explain_node(node: BadNode, gradient: str, is_usual: bool) -> str:
    """The same of the backward pass, where the `gradient` of this parameter, "" for none, is bad in the end. Where
    that is not NaN or infinity, which `is_usual`, somebody's condition is true of it."""
    if not is_usual:
        return encodable(f"the gradient of {node.of.name or 'this call'} is the first of which this is true", 500)
    reached = f"; the gradient of {gradient} is bad in the end" if gradient else ""
    return encodable(_why_of_node(node) + reached, 500)


def _why_of_node(node: BadNode) -> str:
    if node.output is None and node.is_sum:
        return "gradients that are fine each, or were before a hook, are not any more where they are added up"
    if node.output is None:
        return "this gradient was fine when it was made, and a hook on it changed that"
    made = f"the gradient of {node.of.name}" if node.of.name else "a gradient"
    reason = next((words for name, words in _SLOPES.items() if node.name.startswith(name)), "")
    return f"{made} is not finite where it was given what is{reason and f': {reason}'}"


def _unseen(given: Sequence[TensorValue]) -> str:
    return "no operation that Python called gave that: TorchScript, an extension or numpy did"


def _count(value: Value | None) -> str:
    found = value.statistics if isinstance(value, TensorValue) else None
    if found is None:
        return "what is bad"
    parts = [f"{count:,} {what}" for count, what in ((found.nan, "NaN"), (found.inf, "infinite")) if count]
    return " and ".join(parts) or _FINE


def _what_it_gave(op: BadOp, given: Sequence[TensorValue]) -> str:
    if op.bad is Bad.MEANT:
        return "its output is the first of which this is true"
    infinite = sum(each.statistics.inf for each in given if each.statistics is not None)
    source = f"what holds {infinite:,} infinite" if infinite else "what is finite"
    return f"it gave {_count(op.output)} from {source}"


def _statistics(given: Sequence[TensorValue], number: int) -> Statistics | None:
    return given[number].statistics if len(given) > number else None


def _logarithm(given: Sequence[TensorValue]) -> str:
    found = _statistics(given, 0)
    if found is None or found.min is None or found.min > 0:
        return ""
    what = _zeros(found) if found.min == 0 else f"numbers down to {found.min:.4g}"
    return f"a logarithm of {what}"


def _zeros(found: Statistics) -> str:
    return "zero" if found.zeros == 1 else f"{found.zeros:,} zeros"


def _root(given: Sequence[TensorValue]) -> str:
    found = _statistics(given, 0)
    return f"a root of numbers down to {found.min:.4g}" if found is not None and (found.min or 0) < 0 else ""


def _inverse_root(given: Sequence[TensorValue]) -> str:
    found = _statistics(given, 0)
    return _root(given) or (f"a division by the root of {_zeros(found)}" if found is not None and found.zeros else "")


def _arc(given: Sequence[TensorValue]) -> str:
    found = _statistics(given, 0)
    if found is None or found.min is None or found.max is None or (found.min >= -1 and found.max <= 1):
        return ""
    return f"it was given numbers from {found.min:.4g} to {found.max:.4g}, and takes what is between -1 and 1"


def _power(given: Sequence[TensorValue]) -> str:
    """Of small numbers: else it may as well be too large."""
    found = _statistics(given, 0)
    is_small = found is not None and found.zeros and max(abs(found.min or 0), abs(found.max or 0)) < _SMALL
    return f"a power below 0 of {_zeros(found)}" if is_small and found is not None else ""


def _targets(given: Sequence[TensorValue]) -> str:
    """What is left out has one number, -100 unless somebody says another."""
    found = _statistics(given, 1)
    ignored = found is not None and found.min == found.max and found.min is not None and found.min < 0
    return f"every target is {found.min:.0f}, which is ignored: it is a mean of nothing" if ignored and found else ""


def _division(given: Sequence[TensorValue]) -> str:
    found = _statistics(given, len(given) - 1)
    return f"a division by {_zeros(found)}" if found is not None and found.zeros else ""


def _numbers(op: BadOp, name: str, given: Sequence[TensorValue]) -> str:
    """Plain ones, that Python gave, or that are reckoned with inside."""
    if not math.isfinite(op.largest_number):
        return f"the number {op.largest_number} goes into it"
    if name in ("std", "var") and op.bad is Bad.NAN:  # Bessel's correction divides by one less than there are
        return "a deviation of one number, which needs correction=0"
    base = _statistics(given, 0)
    if "pow" in name and op.bad is Bad.NAN and base is not None and (base.min or 0) < 0:
        return f"a power that is no whole number, of numbers down to {base.min:.4g}"
    divides = "div" in name and not name.startswith("r")  # `0 / x` is `x.__rdiv__(0)`
    return "a division by 0" if divides and op.zero_number else ""


def _mean(given: Sequence[TensorValue]) -> str:
    return "it was given no elements at all" if given and 0 in given[0].shape else ""


def _normalization(given: Sequence[TensorValue]) -> str:
    """The running variance is the third that it takes."""
    found = _statistics(given, 2)
    return f"a root of a variance down to {found.min:.4g}" if found is not None and (found.min or 0) < 0 else ""


def _exponential(given: Sequence[TensorValue]) -> str:
    found = _statistics(given, 0)
    if found is None or found.max is None or not given:
        return ""
    limit = torch.log(torch.tensor(_limit_of(given[0]), dtype=torch.float64)).item()
    return f"an exponential of {found.max:.4g}: {given[0].dtype} ends at {limit:.4g}" if found.max > limit else ""


def _softmax(given: Sequence[TensorValue]) -> str:
    infinite = [found for value in given if (found := value.statistics) is not None and found.inf]
    if infinite:
        return "a row of it is masked completely: all of its scores are -inf"
    return ""


def _attention(given: Sequence[TensorValue]) -> str:
    """Masks are of truth values, or hold -inf."""
    masks = [
        value for value in given if value.dtype == "bool" or (value.statistics is not None and value.statistics.inf)
    ]
    return "a row of its mask lets nothing through: it is masked completely" if masks else ""


def _overflow(op: BadOp, given: Sequence[TensorValue]) -> str:
    output = op.output
    if not isinstance(output, TensorValue) or output.statistics is None or not output.statistics.inf or op.causes:
        return ""
    largest = max((abs(bound) for value in given if (found := value.statistics) is not None
                   for bound in (found.min, found.max) if bound is not None), default=0.0)  # fmt: skip
    limit, largest = _limit_of(output), max(largest, op.largest_number)
    if largest < limit**_LARGE:
        return ""
    return f"the result leaves the range of {output.dtype}, which ends at {limit:.4g}; it was given up to {largest:.4g}"


def _limit_of(value: TensorValue) -> float:
    dtype = getattr(torch, value.dtype, None)
    return torch.finfo(dtype).max if isinstance(dtype, torch.dtype) and dtype.is_floating_point else float("inf")


def _masks(op: BadOp) -> str:
    """What was filled in on purpose, or may have been."""
    if op.is_like_mask:
        return "All else is 0, as in a mask: if it is one, masked_fill(mask, -torch.inf) says so, and is not reported"
    for cause in op.causes:
        if isinstance(cause, BadOp) and (cause.fills or cause.is_like_mask) and cause.place is not None:
            made = "are filled in" if cause.fills else "come from the logarithm"
            return f"The infinities {made} at {cause.place.file}:{cause.place.line}"
    return ""


_ROOT_SLOPE = "a root is infinitely steep at 0"
_SLOPES = {
    "Sqrt": _ROOT_SLOPE,
    "Rsqrt": _ROOT_SLOPE,
    "Pow": "a power below 1 is infinitely steep at 0",
    "Std": "a deviation is a root, which is infinitely steep at 0, where all numbers are the same",
    "Log": "a logarithm is infinitely steep at 0",
    "Div": "it divides by what the forward divided by, once more",
    "Reciprocal": "it divides by what the forward divided by, once more",
    "Acos": "it is infinitely steep at -1 and 1",
    "Asin": "it is infinitely steep at -1 and 1",
    "Mul": "it multiplies with what the forward multiplied with, which is not finite or too large",
    "BackwardHookFunction": "a backward hook of the module changed it",
    "ToCopy": "it leaves the range of the type that the forward cast from, as with too large a scale of the loss",
    "Exp": "it multiplies with the exponential, which is infinite or too large",
}
"""What a node of the backward pass does that can make something infinite, by how the name of its class begins."""
_REASONS: tuple[tuple[Callable[[str], bool], Callable[[Sequence[TensorValue]], str]], ...] = (
    (lambda name: name.startswith("log") and "softmax" not in name and "sumexp" not in name, _logarithm),
    (lambda name: name == "sqrt", _root),
    (lambda name: name == "rsqrt", _inverse_root),
    (lambda name: name in ("pow", "float_power"), _power),
    (lambda name: name in ("asin", "arcsin", "acos", "arccos", "atanh", "arctanh", "erfinv"), _arc),
    (lambda name: name == "weight_norm", lambda given: "a division by the length of weights that are all 0"),
    (lambda name: name == "forward", _unseen),
    (lambda name: name in ("cross_entropy", "nll_loss"), _targets),
    (lambda name: "div" in name or name == "reciprocal", _division),
    (lambda name: name in ("exp", "expm1", "exp2", "sinh", "cosh"), _exponential),
    (lambda name: name == "batch_norm", _normalization),
    (lambda name: name in ("mean", "std", "var"), _mean),
    (lambda name: "attention" in name, _attention),
    (lambda name: any(each in name for each in _SOFTMAXES), _softmax),
)
