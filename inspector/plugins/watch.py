"""What callbacks of trainers have in common: when they open the app, and on what."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, Literal, get_args

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from ..api.breakpoint import stop
from ..api.post_mortem import open_raised
from ..engine.frames.raised import find_raised
from ..errors import UsageError

Occasion = Literal["bad", "exception"]
When = int | Occasion | Iterable[int | Occasion]


class TrainingWatch:
    """Watches one model while it is trained. It has one hook on it, from `attach` to `detach`, which alters nothing.

    Args:
        when: `"bad"`: once, at the first loss or gradient that is not finite; `"exception"`: where the model raises; a
            number n: at every n-th step. Or several of these.

    Raises:
        UsageError: It is none of these.
    """

    def __init__(self, when: When) -> None:
        occasions = [when] if isinstance(when, (int, str)) else list(when)
        self._every = [each for each in occasions if type(each) is int and each > 0]
        self._named = [each for each in occasions if each in get_args(Occasion)]
        if not occasions or len(self._every) + len(self._named) != len(occasions):
            raise UsageError(f"when={when!r} is no occasion", hint="'bad', 'exception', a number of steps, or several")
        self._handle: RemovableHandle | None = None
        self._called_with: tuple[tuple[Any, ...], dict[str, Any]] = (), {}
        self._loss: Tensor | None = None

    def attach(self, model: nn.Module) -> None:
        """Remember from now on what it is called with."""
        self.detach()
        self._handle = model.register_forward_hook(self._see, with_kwargs=True, always_call=True)

    def detach(self) -> None:
        """Leave the model as it was, and keep nothing of it."""
        if self._handle is not None:
            self._handle.remove()
        self._handle, self._called_with, self._loss = None, ((), {}), None

    def begin_step(self, model: nn.Module, number: int) -> None:
        """Step `number`, from 0, is about to begin."""
        if any(number % every == 0 for every in self._every):
            self._open(model, f"step {number}")

    def look(self, model: nn.Module, loss: Any = None) -> None:
        """Gradients are there, and `loss`, where the trainer has it: are they bad?"""
        if "bad" not in self._named:
            return
        seen = [("the loss", loss), ("the loss", self._loss)]
        seen += [(f"the gradient of {name}", parameter.grad) for name, parameter in model.named_parameters()]
        bad = next((what for what, value in seen if isinstance(value, Tensor) and not _is_finite(value)), "")
        if bad:
            self._named.remove("bad")
            self._open(model, f"not finite: {bad}")

    def raise_seen(self, error: BaseException, model: nn.Module | None = None) -> None:
        """The trainer says that this was raised; in a method of `model`, as `training_step` is, that is the model's."""
        raised = find_raised(error)
        if "exception" in self._named and (raised.in_model or (model is not None and raised.ran_in(model))):
            self._named.remove("exception")
            open_raised(raised)

    def _open(self, model: nn.Module, why: str) -> None:
        stop(model, *self._called_with, why)

    def _detach_from(self, model: nn.Module) -> None:
        """From within the hook, after an error: nothing may end the training in an orderly way. torch goes through the
        hooks meanwhile, and only the last one can be taken off under its hands; another one stays and does nothing."""
        handle = self._handle
        if handle is None or next(reversed(model._forward_hooks), None) == handle.id:
            self.detach()

    def _see(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: object) -> None:
        self._called_with = args, kwargs
        error = sys.exc_info()[1] if output is None else None
        if error is not None:
            self.raise_seen(error)
            self._detach_from(model)
            return
        loss = output.get("loss") if isinstance(output, dict) else None
        self._loss = loss.detach() if isinstance(loss, Tensor) else None


def _is_finite(tensor: Tensor) -> bool:
    values = tensor.detach()
    return bool((values.coalesce().values() if values.is_sparse else values).isfinite().all())
