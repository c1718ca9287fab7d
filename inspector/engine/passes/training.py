"""What makes a forward pass a training step: a loss, an optimizer, and where batches come from."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import UsageError
from ...raised import message_of
from ...text import encodable
from ..hooks.spec import parse_call
from ..inputs.sample import Sample, sample_from_values, setting_for, spread
from ..inputs.signature import list_required
from ..usercode.importing import resolve
from ..usercode.running import reported
from ..values import nested

Loss = Callable[[Any, Sample], Tensor]

LOSSES = ("mean", "sum", "cross_entropy")
NONE = "none"
FUNCTIONS = "torch.nn.functional:"
"""Its losses compare an output with a target."""


@dataclass(frozen=True)
class PassSettings:
    """As it was typed: see `records.Run`."""

    batches: int = 1
    generate: int = 0
    backward: bool = False
    loss: str = "mean"
    optimizer: str = NONE
    loader: str = NONE


def loss_of(text: str) -> Loss:
    """Raises `UsageError`."""
    if text in ("", "mean", "sum"):
        return lambda output, sample: _reduce(output, text or "mean")
    if text == "cross_entropy":
        return _cross_entropy
    if ":" not in text:
        raise UsageError(
            encodable(f"there is no loss {text!r}", 200), hint=f"{', '.join(LOSSES)}, or package.module:function"
        )
    function = resolve(text)
    if not callable(function):
        raise UsageError(
            encodable(f"the loss {text} is no function", 200), hint="it takes the output, or output and batch"
        )
    if text.startswith(FUNCTIONS):
        return lambda output, sample: _as_loss(function(output, *_target(sample, text)), text)
    takes_batch = _takes_two(function)
    return lambda output, sample: _as_loss(function(output, _batch(sample)) if takes_batch else function(output), text)


def _target(sample: Sample, text: str) -> tuple[Any]:
    if sample.target is None:
        raise UsageError(
            encodable(f"the loss {text} compares with a target, and the input has none", 300),
            hint="a loader whose items are (input, target), or cross_entropy",
        )
    return (sample.target,)


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # functions of C may not tell
        return False
    return sum(each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD) for each in parameters) > 1


def _as_loss(value: object, text: str) -> Tensor:
    """What a function of somebody's gave. Raises `UsageError` where no backward pass can start from it."""
    if isinstance(value, Tensor) and value.numel() == 1 and value.requires_grad:
        return value
    gave = type(value).__name__
    if isinstance(value, Tensor):
        gave = "a tensor without a gradient" if value.numel() == 1 else f"a tensor of {value.numel():,} numbers"
    raise UsageError(
        encodable(f"the loss {text} gave {gave}, and a backward pass starts from a tensor of one number", 300),
        hint="end it with .mean() or .sum() of what the model gave",
    )


def _batch(sample: Sample) -> tuple[Any, ...]:
    """As the loader gave it."""
    return sample.args if sample.target is None else (*sample.args, sample.target)


def _reduce(output: Any, how: str) -> Tensor:
    """Of every floating element of the output; of a ModelOutput with a loss, that one."""
    own = getattr(output, "loss", None)
    if isinstance(own, Tensor):
        return own
    tensors = nested.tensors_in(output, nested.without_state)  # what a cache holds is no result
    found = [tensor for tensor in tensors if tensor.is_floating_point() and tensor.requires_grad]
    if not found:
        raise RuntimeError("the output has no gradient: nothing in the model requires one")
    total = torch.stack([part.sum() for part in found]).sum()
    return total if how == "sum" else total / sum(part.numel() for part in found)


def _cross_entropy(output: Any, sample: Sample) -> Tensor:
    """Of the first tensor (batch×classes) with the batch's target, or without one with what the model ranks first."""
    logits = next((tensor for tensor in nested.tensors_in(output) if tensor.is_floating_point()), None)
    if logits is None or logits.dim() < 2:
        raise RuntimeError("cross_entropy needs an output of batch×classes")
    target = sample.target
    if not isinstance(target, Tensor):
        target = logits.detach().argmax(1)
    return nn.functional.cross_entropy(logits, target.to(logits.device))


def optimizer_of(text: str, model: nn.Module) -> torch.optim.Optimizer | None:
    """`SGD(lr=0.01)`: any optimizer of torch.optim by name. Raises `UsageError`."""
    if text in ("", NONE):
        return None
    name, args, kwargs = parse_call(text)
    known: dict[str, Any] = {
        n.lower(): c for n, c in vars(torch.optim).items() if inspect.isclass(c) and n != "Optimizer"
    }
    made = known.get(name.lower())
    if made is None:
        raise UsageError(encodable(f"there is no optimizer {name!r}", 200), hint="SGD(lr=0.01), Adam(lr=0.001), none")
    try:
        optimizer: torch.optim.Optimizer = made([p for p in model.parameters() if p.requires_grad], *args, **kwargs)
    except (TypeError, ValueError) as error:
        raise UsageError(
            encodable(f"{name} cannot be made so: {message_of(error)}", 300), hint="SGD(lr=0.01), Adam(lr=0.001), none"
        ) from None
    return optimizer


def batches_of(settings: PassSettings, sample: Sample, seed: int, model: nn.Module) -> Iterator[Sample]:
    """As many samples as are wanted: of the loader, else drawn anew from seed, seed + 1, ….

    An item of a loader with more than `model` requires, as in (images, labels), has its target last.

    Raises:
        UsageError: The loader cannot be found, or gives fewer.
        TargetError: It raised.
    """
    if settings.loader in ("", NONE):
        yield sample
        for number in range(1, settings.batches):
            yield sample.fresh(seed + number)
        return
    count = 0
    for item in itertools.islice(_items_of(settings.loader), settings.batches):
        count += 1
        yield _to_sample(item, model)
    if count < settings.batches:
        raise UsageError(
            encodable(f"{settings.loader} gave {count} batches of {settings.batches}", 300),
            hint=f"ask for {count} batches" if count else "a loader with items in it",
        )


def _items_of(loader: str) -> Iterator[Any]:
    found = resolve(loader)
    with reported(f"your loader {loader} raised:"):
        yield from found() if callable(found) and not hasattr(found, "__iter__") else found


def _to_sample(item: Any, model: nn.Module) -> Sample:
    """One item of a loader, on the model's device."""
    device = setting_for(model).device
    args, kwargs = nested.replace(spread(tuple(item) if isinstance(item, list) else item), lambda t: t.to(device))
    if not kwargs and len(args) > max(len(list_required(model)), 1):
        return replace(sample_from_values(tuple(args[:-1]), {}), target=args[-1])
    return sample_from_values(tuple(args), dict(kwargs))
