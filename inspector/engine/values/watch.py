"""The module that a person looks at: its tensors are copied, so that any part of them can be shown after its pass."""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace
from torch import Tensor

from ...records import CallDetail, MappingValue, SequenceValue, TensorValue, Value, Window
from .preview import preview

BUDGET = 1 << 28
"""Bytes copied of one module; of a tensor past it, the first few elements alone are shown."""

_Any = TypeVar("_Any", bound=Value)


class Watch:
    """The node whose values are described in full, and the copies, on the host, by the value that describes each."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.nbytes = 0
        self._copies: dict[int, tuple[TensorValue, Tensor]] = {}

    def keep(self, value: TensorValue, tensor: Tensor) -> None:
        """Copy the tensor that `value` describes, where there is room."""
        nbytes = tensor.numel() * tensor.element_size()
        if value.preview is not None and self.nbytes + nbytes <= BUDGET:
            self.nbytes += nbytes
            self._copies[id(value)] = value, tensor.detach().to("cpu", copy=True)

    def rename(self, value: TensorValue, other: TensorValue) -> TensorValue:
        """`other`, which describes the same tensor from now on."""
        found = self._copies.pop(id(value), None)
        if found is not None:
            self._copies[id(other)] = other, found[1]
        return other

    def move(self, detail: CallDetail, window: Window) -> CallDetail:
        """The call with the elements that are in the window."""
        return replace(
            detail,
            inputs=tuple(self._show(value, window) for value in detail.inputs),
            kwargs=self._show(detail.kwargs, window),
            output=None if detail.output is None else self._show(detail.output, window),
            baseline=None if detail.baseline is None else self._show(detail.baseline, window),
        )

    def _show(self, value: _Any, window: Window) -> _Any:
        if isinstance(value, SequenceValue | MappingValue):
            return replace(value, items=tuple(self._show(item, window) for item in value.items))
        found = self._copies.get(id(value))
        seen = preview(found[1], window) if found is not None else None
        return value if seen is None else replace(value, preview=replace(seen, movable=True))
