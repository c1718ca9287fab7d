"""What a step of a model under inspection would hold in memory, for several sizes of a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from msgspec.structs import replace
from torch import nn

from ....errors import UsageError
from ....records import AnyEvent, EstimateMemory, MemoryEstimate, MemoryPeak, MemoryRow, Problem, Work
from ....text import encodable
from ...costs.batch import Batch, repeat_rows
from ...costs.running import RunningModule
from ...costs.step import run_step, step_together
from ...costs.storages import Peak, StorageTracker
from ...inputs import Sample
from ...machine.memory import free_bytes
from ...modules.holdings import list_own, size_of
from ...passes.diagnosis import diagnose
from ...passes.guarded import Outcome, forget, run_guarded
from ...passes.training import loss_of, optimizer_of
from ...recording.recorder import Cancelled
from ..subject import Subject
from .task import Task

_LEAST = 0.01
"""Of what the fullest device holds: one that holds less has no more than counters on it."""
_TRIES = 4
"""Steps run to find the largest batch that fits."""
MOST = 1_000_000
"""Examples of a batch that are thought of."""

_MOST_SIZES = 100
RECURRENT = "what kernels of recurrent layers keep for the backward pass is not counted: fake tensors do not tell"
WITHOUT_MEMORY = "tensors on the meta device are taken to be on {device}"


class Estimates(Task):
    """A step that is run on tensors without memory, or measured."""

    def run(self, request: EstimateMemory) -> MemoryEstimate:
        """One step for each size. What the model raises in one is told in its row.

        Raises:
            InspectorError: There is nothing to run, or loss or optimizer cannot be understood.
        """
        self._check_runnable()
        _check_sizes(request.batches)
        subject, log = self._subject, self._subject.change_log
        with self._doing("estimating memory"), log.as_in(log.baseline), subject.observers.away():
            return _Estimate(subject, request, self._emit, self._check).run()

    def _check_runnable(self) -> None:
        subject = self._subject
        subject.check_callable()
        if not subject.info.runnable or subject.info.lazy:
            why = "its lazy modules have no shapes" if subject.info.lazy else "it has no forward"
            what = f"the memory of {subject.info.class_name} cannot be estimated: {why}"
            raise UsageError(what, hint="open a model that can be called as it is")
        self._find_sample()

    def _check(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled


def _check_sizes(sizes: Sequence[int]) -> None:
    if not sizes or len(sizes) > _MOST_SIZES or not all(1 <= size <= MOST for size in sizes):
        raise UsageError(f"sizes of a batch are whole numbers from 1 to {MOST:,}", hint="1,8,32")


class _Estimate:
    """One request, carried out."""

    def __init__(
        self, subject: Subject, request: EstimateMemory, emit: Callable[[AnyEvent], None], check: Callable[[], None]
    ) -> None:
        self._subject = subject
        self._request = request
        self._emit = emit
        self._check = check
        self._loss = loss_of(request.loss) if request.backward else None
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")  # of what has no memory yet
        self._held = self._count_held()
        self._free: dict[torch.device, int] = {}
        self._notes: dict[str, None] = {}

    def _count_held(self) -> dict[torch.device, int]:
        """Bytes of the model that are in memory already, by device."""
        tree, held = self._subject.tree, dict[torch.device, int]()
        for tensor in (*list_own(tree, "_parameters"), *list_own(tree, "_buffers")):
            held[tensor.device] = held.get(tensor.device, 0) + size_of(tensor)[1]
        return held

    def run(self) -> MemoryEstimate:
        request, sizes = self._request, list(dict.fromkeys(self._request.batches))
        if not request.measured:
            _import_fakes()
        if torch.device("meta") in self._held:
            self._notes[WITHOUT_MEMORY.format(device=self._device)] = None
        if not request.measured and any(isinstance(node.module, nn.RNNBase) for node in self._subject.tree.objects()):
            self._notes[RECURRENT] = None
        rows: list[MemoryRow] = []
        try:
            for number, size in enumerate(sizes):
                self._emit(Work("estimating memory", number, len(sizes)))
                rows.append(self._row(size))
            largest = None if request.measured else self._find_largest(rows)
        except Cancelled:
            return self._reply(rows, complete=False)
        return self._reply(rows, largest=largest)

    def _reply(self, rows: Sequence[MemoryRow], largest: int | None = None, complete: bool = True) -> MemoryEstimate:
        request = self._request
        words = ["forward", *(["backward"] if request.backward else [])]
        words += [encodable(request.optimizer, 200)] if request.optimizer not in ("", "none") else []
        free = {str(device): size for device, size in self._free.items()}
        notes = tuple(encodable(note, 400) for note in self._notes)
        return MemoryEstimate(
            self._subject.generation,
            tuple(rows),
            " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words),
            request.measured,
            complete,
            free,
            largest,
            notes,
        )

    def _row(self, size: int) -> MemoryRow:
        """Raises `Cancelled`, and `UsageError` where what was asked for cannot be done with any size."""
        tracker = StorageTracker(RunningModule(self._subject.tree).find, self._check)
        text: list[str] = []
        measured = _CudaMeter() if self._request.measured else None
        outcome = self._run_guarded(size, tracker, text)
        tracker.forget()
        if isinstance(outcome.error, (Cancelled, UsageError)):
            raise outcome.error
        for words in outcome.not_restored:
            self._notes[f"it changed, and stays changed: {words}"] = None
        input = encodable(text[0], 300) if text else ""
        if outcome.error is not None:
            return MemoryRow(size, input, problem=self._explain(outcome.error))
        return MemoryRow(size, input, self._peaks(tracker, measured))

    def _run_guarded(self, size: int, tracker: StorageTracker, text: list[str]) -> Outcome[None]:
        subject, request = self._subject, self._request

        def run() -> None:
            assert subject.sample is not None
            batch = Batch(subject.sample.copy(), subject.tree.root)
            if request.measured:
                self._step(batch.resize(size, repeat_rows), tracker, text)
                return
            from ...costs.fakes import OnFakes

            with OnFakes(subject.tree, self._device) as fakes:
                self._step(batch.resize(size, fakes.make), tracker, text)

        grad = subject.target.grad or request.backward
        return run_guarded(subject.tree, subject.backup, run, forget, seed=subject.seed, grad=grad)

    def _step(self, sample: Sample, tracker: StorageTracker, text: list[str]) -> None:
        text.append(sample.text)
        run_step(self._subject.tree, sample, tracker, self._loss, self._make_optimizer)

    def _make_optimizer(self, model: nn.Module) -> torch.optim.Optimizer | None:
        optimizer = optimizer_of(self._request.optimizer, model)
        if optimizer is not None and not self._request.measured:
            step_together(optimizer)
        return optimizer

    def _explain(self, error: BaseException) -> Problem:
        subject = self._subject
        problem = diagnose(error, None, subject.tree, [])
        if self._request.measured:
            return problem
        from ...costs.fakes import explain

        why = explain(error)
        if not why:
            return replace(problem, hint="--measure says whether it runs on real tensors")
        what = encodable(f"not to be estimated without running it: {why}", 1_000)
        return replace(problem, what=what, hint="--measure runs it on real tensors", traceback=())

    def _peaks(self, tracker: StorageTracker, measured: _CudaMeter | None) -> tuple[MemoryPeak, ...]:
        found = sorted(tracker.peaks.items(), key=lambda item: -item[1].total)
        kept = [(device, peak) for device, peak in found if peak.total >= _LEAST * found[0][1].total]
        return tuple(self._peak(device, peak, measured) for device, peak in kept)

    def _peak(self, device: torch.device, peak: Peak, measured: _CudaMeter | None) -> MemoryPeak:
        allocated = measured.read(device, self._held.get(device, 0)) if measured is not None else None
        path = self._subject.tree.paths[peak.module] if peak.module is not None else None
        sizes: dict[str, int] = {name: size for name, size in peak.sizes.items() if size}
        return MemoryPeak(str(device), peak.total, sizes, peak.phase, path, self._fits(device, peak.total), allocated)

    def _fits(self, device: torch.device, total: int) -> bool | None:
        """Whether there is room for what is not there yet."""
        if device not in self._free:
            if device.type == "cuda" and torch.cuda.is_available():
                torch.cuda.init()  # type: ignore[no-untyped-call]
            free = free_bytes(device)
            if free is None:
                return None
            self._free[device] = free
        return total - self._held.get(device, 0) <= self._free[device]

    def _find_largest(self, rows: Sequence[MemoryRow]) -> int | None:
        """The largest batch whose step fits, by the line through two sizes, and tried; 0 where none does. None where
        nothing tells of what is free, or where there is no such line."""
        good = {row.batch: row for row in rows if row.peaks}
        if len(good) == 1:
            self._try(2 * next(iter(good)), good)
        most = MOST
        for _ in range(_TRIES if len(good) > 1 else 0):
            guess = self._guess(good)
            if guess is None or guess > MOST:
                return None
            size = min(guess, most)
            if size < 1:
                return 0
            row = self._try(size, good)
            if not row.peaks:
                return None
            if all(peak.fits for peak in row.peaks):
                return size
            most = size - 1
        return None

    def _try(self, size: int, good: dict[int, MemoryRow]) -> MemoryRow:
        if size not in good:
            self._emit(Work("finding the largest batch that fits"))
            row = self._row(size)
            if not row.peaks:
                return row
            good[size] = row
        return good[size]

    def _guess(self, good: dict[int, MemoryRow]) -> int | None:
        """Where the line through the two largest sizes meets what there is, on the device where that is first."""
        first, second = sorted(good)[-2:]
        before = {peak.device: peak.total for peak in good[first].peaks}
        found: list[int] = []
        for peak in good[second].peaks:
            if peak.fits is None:
                return None
            device = torch.device(peak.device)
            slope = (peak.total - before.get(peak.device, 0)) / (second - first)
            room = self._free[device] + self._held.get(device, 0) - peak.total
            if slope > 0:
                found.append(second + int(room // slope))
        return min(found, default=None)


class _CudaMeter:
    """What torch's allocator says of a step, over what it held before."""

    def __init__(self) -> None:
        self._before: dict[int, int] = {}
        if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            for index in range(torch.cuda.device_count()):
                torch.cuda.reset_peak_memory_stats(index)
                self._before[index] = torch.cuda.memory_allocated(index)

    def read(self, device: torch.device, held: int) -> int | None:
        """Bytes at the peak, with the model's own, which are `held`; None of what is no GPU."""
        if device.type != "cuda" or device.index not in self._before:
            return None
        return torch.cuda.max_memory_allocated(device) - self._before[device.index] + held


def _import_fakes() -> None:
    """What running on fake tensors imports, before the process is compared with what it was."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode(), torch.enable_grad():
        weight = torch.ones(2, 2, requires_grad=True)
        torch.mm(weight, weight).sum().backward()  # type: ignore[no-untyped-call]
