"""Before and after: the outputs of one pass kept, and how far those of another are from them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...records import Delta, Ranked, Value
from ..recording.call import Call, Place
from ..values.histogram import histogram
from ..values.nested import tensors_in
from ..values.statistics import finish, reduce_on_host
from ..values.watch import Watch
from .side_by_side import Kept, pair

BUDGET = 1 << 30
"""Bytes of outputs kept of one pass; calls past it are not compared."""
LARGEST = 1 << 20
"""Elements kept of one tensor; of a larger one every so many."""
RANKED = 5


class Baseline:
    """A recorder's witness that keeps what it sees."""

    def __init__(self) -> None:
        self.kept: dict[Place, list[Tensor]] = {}
        self.values: dict[Place, Value | None] = {}
        self._left = BUDGET

    def see(self, call: Call, output: object) -> None:
        parts = [sample(tensor) for tensor in floating(output)]
        size = sum(part.numel() * part.element_size() for part in parts)
        if parts and size <= self._left:
            self._left -= size
            self.kept[call.place] = [part.clone() for part in parts]

    def settle(self) -> None:
        return None

    def pair(self, place: Place, output: object) -> dict[int, Tensor]:
        """What was kept of each tensor of this output in the call at `place`, by the `id` of what it is now."""
        return {id(now): then for now, then in zip(floating(output, False), self.kept.get(place, ()), strict=False)}

    def take_values(self, calls: Iterable[Call]) -> None:
        """The summaries of the same pass, once they are complete."""
        self.values = {call.place: call.output for call in calls}


class Comparison:
    """A recorder's witness that compares what it sees with a baseline.

    Args:
        baseline: What to compare with.
        watch: The node whose difference is also made into a histogram, and whose baseline is shown beside it.
        classes: What a classifier's outputs are called, where that is known.
    """

    def __init__(self, baseline: Baseline, watch: Watch | None, classes: Sequence[str] = ()) -> None:
        self.baseline = baseline
        self._classes = classes
        self._watch = watch
        self._waiting: list[tuple[Call, list[Tensor], bool]] = []
        self.ranking: tuple[Ranked, ...] = ()

    def see(self, call: Call, output: object) -> None:
        call.baseline_output = self.baseline.values.get(call.place)
        then = self.baseline.kept.get(call.place)
        whole = floating(output)
        now = [sample(tensor) for tensor in whole]
        if then is None or [part.shape for part in then] != [part.shape for part in now]:
            return
        sampled = any(a.numel() < b.numel() for a, b in zip(now, whole, strict=True))
        if all(map(_is_same, now, then)):
            call.delta = Delta(0.0, 1.0, 0.0, sampled)
        else:
            self._waiting.append((call, [_row(*pair) for pair in zip(now, then, strict=True)], sampled))
        if self._watch is not None and call.index == self._watch.index:
            call.difference = _difference(now, then)
            kept = [Kept(tensor.shape, *both) for tensor, *both in zip(whole, now, then, strict=True)]
            call.output, call.baseline_output = pair(call.output, call.baseline_output, kept, self._watch)
        if call.index == 0 and not call.depth:
            self.ranking = ranking(now[0], then[0], whole[0].shape, self._classes)

    def settle(self) -> None:
        """Move every row to the host, once per device, and complete the calls."""
        waiting, self._waiting = self._waiting, []
        rows = [row for _, found, _ in waiting for row in found]
        hosted: dict[int, list[float]] = {}
        for device in {row.device for row in rows}:
            own = [row for row in rows if row.device == device]
            hosted.update(zip(map(id, own), torch.stack(own).tolist(), strict=True))
        for call, found, sampled in waiting:
            call.delta = _delta([hosted[id(row)] for row in found], sampled)


def floating(output: object, detached: bool = True) -> list[Tensor]:
    """The floating and complex tensors in a value, in the order of the value."""
    return [tensor.detach() if detached else tensor for tensor in tensors_in(output) if is_comparable(tensor)]


def is_comparable(tensor: Tensor) -> bool:
    """Whether it has elements that can be."""
    strided = tensor.layout is torch.strided and not tensor.is_nested and not tensor.is_meta
    return strided and (tensor.is_floating_point() or tensor.is_complex()) and tensor.numel() > 0


def sample(tensor: Tensor) -> Tensor:
    """The elements as one dimension of real numbers, at most `LARGEST` of them."""
    real = torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
    step = -(-real.numel() // LARGEST)
    if step > 1 and not real.is_contiguous():  # no copy of the whole where a part is wanted
        leading = -(-real.shape[0] // step) or 1
        real = real[:leading]
        step = -(-real.numel() // LARGEST)
    flat = real.reshape(-1)[::step]
    return flat if flat.element_size() >= 4 else flat.float()


def _is_same(now: Tensor, then: Tensor) -> bool:
    """Whether it is known to have changed nowhere, as the most are that no hook leads to, and is finite. Where a device
    would have to be waited for, that is not asked."""
    return now.device.type == "cpu" and torch.equal(now, then) and bool(now.isfinite().all())


def _row(now: Tensor, then: Tensor) -> Tensor:
    """Squares of the difference, of both, their product, and the largest difference."""
    wide = torch.float32 if now.device.type == "mps" else torch.float64  # mps has no float64
    moved = now - then
    squares = [torch.linalg.vector_norm(each, dtype=wide).square() for each in (moved, now, then)]
    return torch.stack([*squares, torch.dot(now, then).to(wide), moved.abs().max().to(wide)])


def _delta(rows: list[list[float]], sampled: bool) -> Delta:
    moved, now, then, product = (math.fsum(row[n] for row in rows) for n in range(4))
    largest = max((row[4] for row in rows), key=lambda value: math.inf if math.isnan(value) else value)
    if moved == 0:
        return Delta(0.0, 1.0, 0.0, sampled)
    relative = math.sqrt(moved / then) if then else math.inf
    length = math.sqrt(now) * math.sqrt(then)
    cosine = max(-1.0, min(1.0, product / length)) if length else 0.0
    return Delta(relative, cosine if not math.isnan(product) else math.nan, largest, sampled)


def _difference(now: list[Tensor], then: list[Tensor]) -> Any:
    moved = torch.cat([a - b for a, b in zip(now, then, strict=True)]).cpu()
    return histogram(moved, finish([reduce_on_host(moved)], 1, "values"))


def ranking(now: Tensor, then: Tensor, shape: torch.Size, classes: Sequence[str] = ()) -> tuple[Ranked, ...]:
    """The largest of a classifier's outputs (batch×classes) for the first item, before and after; nothing for other
    outputs. `classes` are their names, where they are as many."""
    if len(shape) != 2 or not 2 <= shape[1] <= now.numel() or now.numel() != math.prod(shape):
        return ()
    p, q = (torch.softmax(each[: shape[1]].double().cpu(), 0) for each in (now, then))
    count = min(RANKED, shape[1])
    order = dict.fromkeys([*torch.topk(p, count).indices.tolist(), *torch.topk(q, count).indices.tolist()])
    names = classes if len(classes) == shape[1] else [""] * shape[1]
    return tuple(Ranked(index, p[index].item(), q[index].item(), names[index]) for index in order)
