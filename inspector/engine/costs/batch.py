"""A sample input with another number of examples in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import UsageError
from ..inputs.sample import Sample, describe
from ..values import nested


class Batch:
    """Where the examples of a sample are counted: along the first dimension of its first tensor, or of the second where
    the model says that batches come second; in a list of tensors, such as images of several sizes, by its items.

    Raises:
        UsageError: The sample holds no tensor with such a dimension.
    """

    def __init__(self, sample: Sample, model: nn.Module) -> None:
        self._sample = sample
        self._dimension = 1 if getattr(model, "batch_first", True) is False else 0
        values = (*sample.args, *sample.kwargs.values())
        self._listed = bool(values) and _is_listed(values[0])
        self.size = len(values[0]) if self._listed else self._find_size(values)

    def _find_size(self, values: tuple[Any, ...]) -> int:
        for tensor in nested.tensors_in(values):
            if tensor.dim() > self._dimension:
                return int(tensor.shape[self._dimension])
        raise UsageError(
            f"the input ({self._sample.text}) has no dimension of examples that could be made larger",
            hint="give a tensor with one: -i 1x3x224x224",
        )

    def resize(self, size: int, make: Callable[[Tensor, tuple[int, ...]], Tensor]) -> Sample:
        """The sample with `size` examples.

        Args:
            size: How many.
            make: Is given a tensor and the shape that it shall have, and gives one.
        """

        def scale(tensor: Tensor) -> Tensor:
            shape = list(tensor.shape)
            if not self._listed and len(shape) > self._dimension and shape[self._dimension] == self.size:
                shape[self._dimension] = size
            return make(tensor, tuple(shape))

        args, kwargs = self._sample.args, self._sample.kwargs
        if self._listed:
            args = tuple(self._repeat(value, size) for value in args)
            kwargs = {name: self._repeat(value, size) for name, value in kwargs.items()}
        args, kwargs, target = nested.replace((args, kwargs, self._sample.target), scale)
        return replace(self._sample, args=args, kwargs=kwargs, target=target, text=describe(args, kwargs), redraw=None)

    def _repeat(self, value: Any, size: int) -> Any:
        if not (_is_listed(value) and len(value) == self.size):
            return value
        return [value[number % self.size].view_as(value[number % self.size]) for number in range(size)]


def _is_listed(value: Any) -> bool:
    return type(value) is list and bool(value) and all(isinstance(item, Tensor) for item in value)


def repeat_rows(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A tensor of this shape with the values of `tensor`, again and again; for `Batch.resize`."""
    made = tensor.detach()
    for dimension, (size, wanted) in enumerate(zip(tensor.shape, shape, strict=True)):
        if size and size != wanted:
            made = made.index_select(dimension, torch.arange(wanted, device=tensor.device) % size)
    made = made.clone() if made.data_ptr() == tensor.data_ptr() else made
    return made.requires_grad_(tensor.requires_grad)
