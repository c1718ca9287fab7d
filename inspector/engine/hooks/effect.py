"""Whether a hook changed what it was given: compared bit for bit, so that NaN equals itself and -0 is not 0."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..values import nested

BUDGET = 1 << 28
"""Bytes copied of a value to find out whether a person's function writes to it; of a larger one it is not known."""

_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


class Before(NamedTuple):
    """A value as it was, to compare with what became of it: copies of its tensors, and its plain constants."""

    tensors: tuple[Tensor, ...]
    constants: tuple[Any, ...]
    whole: bool  # every tensor was copied


_NOT_KNOWN = Before((), (), False)


@dataclass
class Effect:
    """What was compared so far. On a device the result stays there, and only `settle` waits for it.

    `differs` is True from the first bit that was changed; nothing is compared after it.
    """

    differs: bool = False
    same: bool = False  # something was compared and is as it was
    unknown: bool = False  # something could not be compared
    waiting: dict[torch.device, Tensor] = field(default_factory=dict)  # whether anything differs, by device

    @property
    def changed(self) -> bool | None:
        """Whether anything was changed, of what is settled; None where that cannot be said."""
        return True if self.differs else False if self.same and not self.unknown else None

    def compare(self, before: Tensor, after: Tensor) -> None:
        """Look for a bit of `before` that is another in `after`."""
        if self.differs:
            return
        if after is before:
            self.same = True
            return
        try:
            self._compare(before.detach(), after.detach())
        except Exception:  # a tensor of any class may refuse any operation
            self.unknown = True

    def keep(self, value: Any, in_place: bool = True) -> Before | None:
        """What `compare_value` needs of a value, of which copies are made where it may be written to `in_place`; None
        where nothing is compared any more."""
        if self.differs:
            return None
        tensors = list(nested.tensors_in(value))
        if not in_place:
            return Before(tuple(tensors), _constants(value), True)
        try:
            if sum(tensor.numel() * tensor.element_size() for tensor in tensors) > BUDGET:
                return _NOT_KNOWN
            with torch.no_grad():
                return Before(tuple(nested.own_copy(tensor).detach() for tensor in tensors), _constants(value), True)
        except Exception:  # a tensor of any class may refuse any operation, and one without a shape has no copy
            return _NOT_KNOWN

    def compare_value(self, before: Before | None, after: Any) -> None:
        """Look for anything in `before` that is another in `after`."""
        if before is None or self.differs:
            return
        if not before.whole:
            self.unknown = True
            return
        tensors = list(nested.tensors_in(after))
        self.differs = len(tensors) != len(before.tensors) or before.constants != _constants(after)
        for old, new in zip(before.tensors, tensors, strict=False):
            self.compare(old, new)

    def settle(self) -> None:
        """Wait for what devices found."""
        waiting, self.waiting = self.waiting, {}
        self.differs = self.differs or any(bool(found.item()) for found in waiting.values())

    def _compare(self, before: Tensor, after: Tensor) -> None:
        if (before.shape, before.dtype, before.device) != (after.shape, after.dtype, after.device):
            self.differs = True
        elif before.numel() == 0:
            self.same = True
        elif before.is_meta:
            self.unknown = True
        elif _answers_at_once(before):
            self.differs = not torch.equal(*_bits(before, after))
            self.same = self.same or not self.differs
        else:
            found = torch.ne(*_bits(before, after)).any()
            known = self.waiting.get(before.device)
            self.waiting = {**self.waiting, before.device: found if known is None else known | found}
            self.same = True


def _answers_at_once(tensor: Tensor) -> bool:
    """Whether nobody has to wait for what was computed of it."""
    return tensor.device.type == "cpu"


def _bits(*tensors: Tensor) -> list[Tensor]:
    """The elements as whole numbers of their size; of plain memory as few and large ones as it holds."""
    real = [_as_real(tensor) for tensor in tensors]
    if not real[0].is_floating_point():
        return real
    if all(map(_is_made_of_words, real)):
        return [tensor.view(-1).view(torch.int64) for tensor in real]
    return [tensor.view(_BITS[tensor.element_size()]) for tensor in real]


def _as_real(tensor: Tensor) -> Tensor:
    tensor = tensor.resolve_conj().resolve_neg()
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def _is_made_of_words(tensor: Tensor) -> bool:
    """Whether it can be read eight bytes at a time."""
    size = tensor.element_size()
    whole = tensor.numel() * size % 8 == 0 and int(tensor.storage_offset()) * size % 8 == 0
    return whole and tensor.is_contiguous()


def _constants(value: Any) -> tuple[Any, ...]:
    """The numbers and texts in a value, with their types; a NaN as text, since it is not equal to itself."""
    plain = [node for node, _ in nested.walk(value) if type(node) in (bool, int, float, str)]
    return tuple((type(node), "nan" if isinstance(node, float) and math.isnan(node) else node) for node in plain)
