"""What is measured of an output: a function of one's own, or one of a few words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ...errors import UsageError
from ...text import encodable
from ..usercode.importing import resolve
from ..usercode.running import reported
from ..values import nested

Metric = Callable[[Any], Any]
"""Given the output of a run it gives a number, or numbers by name."""

WORDS = "mean, norm, logit:IDX, logit_diff:A,B, kl, or package.module:function"


class Measure:
    """A metric, and what `kl` compares with.

    Args:
        metric: A function of the output, or words: see `WORDS`.

    Raises:
        UsageError: The words cannot be understood.
        TargetError: Importing the function ran code that raised.
    """

    def __init__(self, metric: Metric | str) -> None:
        self.reference: Tensor | None = None  # logits of the run to compare with
        self._name = metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)
        self._metric = self._find(metric) if isinstance(metric, str) else metric

    def refer(self, output: Any) -> None:
        """From now on `kl` is from this output."""
        if self._name == "kl":
            self.reference = find_logits(output).detach().clone()

    def values(self, output: Any) -> dict[str, float]:
        """Every number by name. What the function raises is raised here; `UsageError` where it gives no number."""
        found = self._metric(output)
        if isinstance(found, Mapping):
            if not found:
                raise UsageError("the metric gave no number", hint="it gives a number, or a dict of numbers by name")
            return {encodable(str(name), 80): _number(value) for name, value in found.items()}
        return {encodable(self._name, 80): _number(found)}

    def _find(self, words: str) -> Metric:
        name, _, rest = words.partition(":")
        if words == "kl":
            return lambda output: _kl(self.reference, find_logits(output))
        if words in ("mean", "norm"):
            return _mean if words == "mean" else _norm
        if name in ("logit", "logit_diff"):
            return _logit_metric(words, rest, 1 if name == "logit" else 2)
        if not rest:
            raise UsageError(encodable(f"there is no metric {words!r}", 200), hint=WORDS)
        function: Metric = resolve(words)
        if not callable(function):
            raise UsageError(encodable(f"{words} is no function", 200), hint=WORDS)
        return lambda output: _call(function, words, output)


def _call(function: Metric, words: str, output: Any) -> Any:
    with reported(f"your metric {words} raised:"):
        return function(output)


def find_logits(output: Any) -> Tensor:
    """Its `logits`, else its first floating tensor. Raises `UsageError` where there is none."""
    named = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    if isinstance(named, Tensor):
        return named
    tensors = nested.tensors_in(output, nested.without_state)
    found = next((tensor for tensor in tensors if tensor.is_floating_point()), None)
    if found is None:
        raise UsageError("the output holds no floating tensor", hint="a metric of your own: package.module:function")
    return found


def _mean(output: Any) -> Tensor:
    return find_logits(output).double().mean()


def _norm(output: Any) -> Tensor:
    found: Tensor = torch.linalg.vector_norm(find_logits(output).double())
    return found


def _logit_metric(words: str, rest: str, count: int) -> Metric:
    """Of batch×classes, or of the last token of batch×tokens×vocabulary; the mean over the batch."""
    try:
        chosen = [int(part) for part in rest.split(",")]
    except ValueError:
        chosen = []
    if len(chosen) != count:
        form = "logit:IDX" if count == 1 else "logit_diff:A,B"
        raise UsageError(encodable(f"the metric {words!r} cannot be read", 200), hint=f"{form}, with whole numbers")

    def measure(output: Any) -> Tensor:
        logits = find_logits(output)
        last = logits[:, -1] if logits.dim() == 3 else logits
        if any(not -last.shape[-1] <= index < last.shape[-1] for index in chosen):
            raise UsageError(
                f"{words}: the output has {last.shape[-1]} logits, counted from 0", hint=f"up to {last.shape[-1] - 1}"
            )
        first = last[..., chosen[0]].double()
        return (first - last[..., chosen[1]].double() if count == 2 else first).mean()

    return measure


def _kl(reference: Tensor | None, logits: Tensor) -> Tensor:
    """Of the softmax over the last dimension, from the reference to this one; the mean over all others."""
    assert reference is not None
    then, now = (torch.log_softmax(each.double(), -1) for each in (reference, logits))
    return (then.exp() * (then - now)).sum(-1).mean()


def _number(value: Any) -> float:
    try:
        return float(value.detach() if isinstance(value, Tensor) else value)
    except (TypeError, ValueError, RuntimeError):
        kind = describe_tensor(value) if isinstance(value, Tensor) else type(value).__name__
        raise UsageError(
            encodable(f"the metric gave a {kind}", 200), hint="it gives a number, or a dict of numbers by name"
        ) from None


def describe_tensor(tensor: Tensor) -> str:
    """Why it is no number."""
    if tensor.is_meta:
        return "tensor of the meta device, which has no values"
    if tensor.numel() == 1:
        return f"{str(tensor.dtype).removeprefix('torch.')} tensor"
    return f"{'×'.join(map(str, tensor.shape))} tensor"
