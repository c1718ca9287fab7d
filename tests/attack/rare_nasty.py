"""More models that change something a guard may overlook, of rarer kinds of state. With them `NASTY` has them all."""

from __future__ import annotations

import array
import contextvars
import enum
import logging
import mmap
import threading
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.nn.utils import weight_norm

from .nasty import NASTY as NASTY
from .nasty import Trick, nasty

# objects that a module holds


@nasty
class GrowsByReading(Trick):
    def prepare(self) -> None:
        self.seen: dict[str, list[int]] = defaultdict(list)

    def trick(self, x: Any) -> None:
        self.seen["read"]
        self.seen[str(len(self.seen))].append(1)


@nasty
class RawMemory(Trick):
    def prepare(self) -> None:
        self.numbers, self.bytes = array.array("d", [1.0, 2.0]), bytearray(8)
        self.view = memoryview(self.bytes)
        self.mapped = mmap.mmap(-1, 16)

    def trick(self, x: Any) -> None:
        self.numbers.append(3.0)
        self.view[0] += 1
        self.mapped[3:5] = b"ab"


class Mode(enum.Enum):
    OFF, ON = 0, 1

    def __init__(self, number: int) -> None:
        self.uses = [number]


@nasty
class EnumState(Trick):
    def prepare(self) -> None:
        self.mode = Mode.OFF

    def trick(self, x: Any) -> None:
        self.mode = Mode.ON
        Mode.ON.uses.append(1)


@nasty
class HalfConsumed(Trick):
    def prepare(self) -> None:
        self.numbers = self.count()
        next(self.numbers)

    def count(self) -> Iterator[int]:
        for number in range(9):
            self.last = number
            yield number

    def trick(self, x: Any) -> None:
        next(self.numbers)


@nasty
class ForThisThread(Trick):
    def prepare(self) -> None:
        self.local = threading.local()
        self.local.count = [0]

    def trick(self, x: Any) -> None:
        self.local.count.append(1)
        self.local.new = 1


VARIABLE: contextvars.ContextVar[int] = contextvars.ContextVar("passes", default=0)
VARIABLE.set(1)


@nasty
class ContextVariable(Trick):
    def trick(self, x: Any) -> None:
        VARIABLE.set(VARIABLE.get() + 1)


@nasty
class ClassOfObject(Trick):
    def prepare(self) -> None:
        self.held = _First()

    def trick(self, x: Any) -> None:
        self.held.__class__ = _Second


class _First:
    pass


class _Second(_First):
    pass


# tensors of rarer kinds


@nasty
class SparseBuffer(Trick):
    def prepare(self) -> None:
        self.register_buffer("sparse", torch.eye(3).to_sparse())
        self.register_buffer("grown", torch.eye(3).to_sparse())
        self.register_buffer("rows", torch.eye(3).to_sparse_csr())

    def trick(self, x: Any) -> None:
        self.sparse._values().mul_(2)
        self.grown.add_(torch.ones(3, 3).to_sparse())
        self.rows.values().mul_(2)


@nasty
class OldWeightNorm(Trick):
    def prepare(self) -> None:
        weight_norm(self.out)

    def trick(self, x: Any) -> None:
        with torch.no_grad():
            self.out.weight_g.mul_(2)
        self.out(x)


@nasty
class StridedView(Trick):
    def prepare(self) -> None:
        self.base = torch.zeros(4, 4)
        self.diagonal, self.wide = self.base.diagonal(), torch.zeros(1).expand(5)

    def trick(self, x: Any) -> None:
        self.diagonal.add_(1)
        self.base.resize_(2, 2)


@nasty
class FreesStorage(Trick):
    def prepare(self) -> None:
        self.scratch = torch.zeros(4)

    def trick(self, x: Any) -> None:
        self.scratch.set_(torch.ones(2).untyped_storage(), 0, (2,))


# modules


@nasty
class ReplacesDicts(Trick):
    def trick(self, x: Any) -> None:
        self.__dict__["_buffers"] = dict(self._buffers, late=torch.zeros(1))
        self.lin.__dict__["_parameters"] = dict(self.lin._parameters)


@nasty
class InsertsLayer(Trick):
    def prepare(self) -> None:
        self.stack = nn.Sequential(nn.ReLU(), nn.Tanh())

    def trick(self, x: Any) -> None:
        self.stack.insert(0, nn.Linear(4, 4))
        del self.stack[1]
        self.stack.append(nn.Identity())


@nasty
class RenamesPart(Trick):
    def trick(self, x: Any) -> None:
        self._modules["renamed"] = self._modules.pop("lin")
        self.lin = self._modules["renamed"]
        self.out._parameters.move_to_end("weight") if hasattr(self.out._parameters, "move_to_end") else None


# the process


@nasty
class SetsBackends(Trick):
    def trick(self, x: Any) -> None:
        torch.backends.cudnn.benchmark = True
        torch.backends.mkldnn.set_flags(False)
        torch.set_num_threads(2)
        torch.set_float32_matmul_precision("medium")
        torch.backends.cuda.enable_math_sdp(False)
        torch.distributions.Distribution.set_default_validate_args(False)


@nasty
class AddsHandlers(Trick):
    def trick(self, x: Any) -> None:
        logging.getLogger().addHandler(logging.NullHandler())
        logger = logging.getLogger("tests.attack.nasty")
        logger.setLevel(1)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False


@nasty
class LeavesGuards(Trick):
    """Guards of torch's that nobody leaves: when they are freed they bring back the middle of the pass."""

    def trick(self, x: Any) -> None:
        self.guard = torch.inference_mode()
        self.guard.__enter__()
        self.running = _run_without_grad()
        next(self.running)


def _run_without_grad() -> Iterator[None]:
    with torch.no_grad():
        yield


@nasty
class ReadsTensorState(Trick):
    """Attributes and hooks of a tensor, and a tensor that it wrote itself into."""

    def prepare(self) -> None:
        self.note = torch.zeros(2)
        self.note.history = []  # type: ignore[attr-defined]

    def trick(self, x: Any) -> None:
        self.note.history.append(x)  # type: ignore[attr-defined]
        self.note.own = self.note  # type: ignore[attr-defined]
