"""A model on fake tensors for a while: they have shapes, dtypes and devices, and no memory."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
)

from ...errors import UsageError
from ...raised import message_of
from ...text import encodable
from ..modules.tree import ModuleTree

_OF_FAKES = (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
)
_LOGGER = logging.getLogger("torch._subclasses.fake_tensor")
_WORDS = ("fake", "supported for tensor subclasses", "meta tensor", "data is not allocated", "doesn't have storage")


class OnFakes:
    """A context in which the parameters and buffers of a model are fake ones. Nothing is copied and no value is read;
    afterwards each module holds what it held.

    Args:
        tree: The model.
        device: Where tensors without memory are taken to be, those of the meta device.
    """

    def __init__(self, tree: ModuleTree, device: torch.device) -> None:
        self._tree = tree
        self._device = device
        self._mode = FakeTensorMode(allow_non_fake_inputs=True)
        self._fakes: dict[int, Tensor] = {}
        self._quiet = False  # torch's logger was before
        self._swapped: list[tuple[dict[str, Any], str, Tensor]] = []

    def __enter__(self) -> OnFakes:
        self._quiet, _LOGGER.disabled = _LOGGER.disabled, True  # it writes down what is raised, and is told, as well
        try:
            for table, name, tensor in list_places(self._tree):
                self._swapped.append((table, name, tensor))
                table[name] = self.fake(tensor)
        except BaseException:
            self._put_back()
            raise
        self._mode.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._mode.__exit__(*error)
        self._put_back()

    def _put_back(self) -> None:
        _LOGGER.disabled = self._quiet
        while self._swapped:
            table, name, tensor = self._swapped.pop()
            table[name] = tensor

    def fake(self, tensor: Tensor) -> Tensor:
        """The one that stands for this tensor: the same one each time."""
        if id(tensor) not in self._fakes:
            made = self.make(tensor, tuple(tensor.shape)) if tensor.is_meta else self._mode.from_tensor(tensor)
            made.grad = None
            self._fakes[id(tensor)] = made
        return self._fakes[id(tensor)]

    def make(self, tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
        """One like `tensor` of another shape; for `Batch.resize`."""
        device = self._device if tensor.is_meta else tensor.device
        with self._mode:
            made = torch.empty(shape, dtype=tensor.dtype, device=device)
        return made.requires_grad_(tensor.requires_grad)


def list_places(tree: ModuleTree) -> Iterator[tuple[dict[str, Any], str, Tensor]]:
    """Every parameter and buffer, with the table that it is in and its name there.

    Raises:
        UsageError: A module keeps them where nothing can take their place.
    """
    for node in tree.objects():
        for which in ("_parameters", "_buffers"):
            table = vars(node.module).get(which, {})
            if not isinstance(table, dict) or isinstance(node.module, torch.jit.ScriptModule):
                kind = type(node.module).__name__
                what = encodable(f"a module of the class {kind} keeps its parameters where none can be fake", 300)
                raise UsageError(what, hint="--measure runs it on real tensors")
            yield from ((table, name, tensor) for name, tensor in table.items() if isinstance(tensor, Tensor))


def is_about_fakes(error: BaseException) -> bool:
    """Whether it was raised because tensors are fake: it may run on real ones."""
    if isinstance(error, _OF_FAKES):
        return True
    text = message_of(error).lower()
    return isinstance(error, (RuntimeError, TypeError)) and any(words in text for words in _WORDS)


def explain(error: BaseException) -> str:
    """What the model does that needs values, in words; "" where that is not known."""
    if isinstance(error, DataDependentOutputException):
        return "the model looks at values of a tensor (.item(), if tensor:, int(tensor))"
    if isinstance(error, DynamicOutputShapeException):
        return "the shape of a tensor depends on values (nonzero, a mask as index)"
    if isinstance(error, UnsupportedOperatorException):
        return f"{error.func} does not tell the shape of its output"
    return f"tensors without memory will not do: {message_of(error)}" if is_about_fakes(error) else ""
