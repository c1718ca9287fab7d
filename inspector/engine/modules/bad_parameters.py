"""Parameters that hold NaN or Inf: whatever a pass gives through them is worthless."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from ...records import BadParameter
from ...text import encodable
from ..values.unwrap import is_freed
from .tree import ModuleTree, own_tensors

ELEMENTS = 1 << 30
"""Read of a model in all; reading more would take longer than it is worth before a first pass."""

_Place = tuple[int, str, Tensor]  # node, name, parameter


def find_bad_parameters(tree: ModuleTree) -> tuple[BadParameter, ...]:
    """Those of the first `ELEMENTS` elements, in the order of the tree. Each device is waited for once."""
    places = list(_floating(tree))
    by_device: dict[torch.device, list[_Place]] = {}
    for place in places:
        by_device.setdefault(place[2].device, []).append(place)
    suspects = {id(place[2]) for group in by_device.values() for place in _find_suspects(group)}
    counted = (_count(tree, place) for place in places if id(place[2]) in suspects)
    return tuple(bad for bad in counted if bad.nan or bad.inf)  # a sum may also overflow


def _floating(tree: ModuleTree) -> Iterator[_Place]:
    """Each parameter once, as long as there is room. Others than plain tensors may mean anything by a sum."""
    seen: set[int] = set()
    room = ELEMENTS
    for node in tree.objects():
        for name, tensor in own_tensors(node.module, "_parameters"):
            if id(tensor) not in seen and _is_plain(tensor) and tensor.numel() <= room:
                seen.add(id(tensor))
                room -= tensor.numel()
                yield node.index, name, tensor


def _is_plain(tensor: Tensor) -> bool:
    if is_lazy(tensor) or type(tensor) not in (Tensor, torch.nn.Parameter):
        return False
    strided = tensor.layout is torch.strided and not tensor.is_nested and not tensor.is_quantized
    return (
        strided
        and not tensor.is_meta
        and not is_freed(tensor)
        and tensor.is_floating_point()
        and tensor.element_size() > 1
    )


def _find_suspects(places: Sequence[_Place]) -> list[_Place]:
    """Those whose sum is not finite. All are on one device."""
    with torch.no_grad():
        sums = torch.stack([tensor.sum(dtype=torch.float32) for _, _, tensor in places])
    return [place for place, finite in zip(places, sums.isfinite().tolist(), strict=True) if not finite]


def _count(tree: ModuleTree, place: _Place) -> BadParameter:
    node, name, tensor = place
    nan, inf = int(tensor.isnan().sum()), int(tensor.isinf().sum())
    return BadParameter(tree.paths[node], encodable(name, 200), nan, inf)
