"""One forward pass: its calls, and how it went."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from .base import Count, Milliseconds, Path, Record, Row
from .hooks import HookCounts, HookOutcome
from .values import Brief, Histogram, MappingValue, TensorValue, Value

CallStatus = Literal["ok", "raised", "unfinished"]

Holds = Literal["", "NaN", "Inf", "zeros"]
"""What stands out in the tensors of a value: NaN, Inf and no NaN, nothing but zeros. What was not measured has none."""


class Delta(Row, frozen=True):
    """How far an output is from what the same call gave in the baseline, over all its floating elements.

    Not finite where either holds NaN or Inf.
    """

    rel_l2: float  # |now - then| / |then|; infinite where only `then` is zero
    cosine: float  # of the angle between them; 1 for the same direction
    max_abs: float  # the largest |now - then| of an element
    sampled: bool = False  # of a part of the elements: the tensors are too large to keep


_NOT_FINITE: tuple[Holds, ...] = ("NaN", "Inf")


class CallRow(Row, frozen=True):
    """One call of one module. `start` and `end` number entries and exits of modules in time; rows come in order of
    `end`, which is the order in which forward hooks fire."""

    module: Count
    call: Count  # 0 for the first call of this module in the pass
    start: int
    end: int
    depth: Count
    ms: Milliseconds  # without the time spent observing
    status: CallStatus
    brief: Brief  # of the output
    holds: Holds = ""  # what stands out in the output
    file: str = ""  # call site: the line that called the module
    line: int = 0
    altered: bool = False  # a hook of ours replaced the input or output
    delta: Delta | None = None  # None without a baseline, and where the two cannot be compared
    gradient: float | None = None  # root mean square of the gradient that reached the output, after a backward pass
    recomputed: bool = False  # in the backward pass, by activation checkpointing
    input_holds: Holds = ""  # what stands out in what it was called with
    step: Count = 0  # of the pass: 0 for the first call of the model itself, a batch or a token
    in_step: Count = 0  # 0 for the first call of this module in that step
    gradient_norm: float | None = None  # Euclidean norm of the gradient that reached the output
    weight_ratio: float | None = None  # |gradient| / |weight| of the module's own weights, the largest of several
    caller: int = -1  # `start` of the call that it was made in, on its own thread; -1 where it was made in none
    thread: Count = 0  # on which it was made, of those that called modules in the pass, in the order in which they did

    @property
    def nan(self) -> bool:
        """The output holds NaN or Inf."""
        return self.holds in _NOT_FINITE

    @property
    def input_nan(self) -> bool:
        """What it was called with does."""
        return self.input_holds in _NOT_FINITE


class CallDetail(Record, frozen=True):
    """What went in and came out of one call, as it was at that moment."""

    row: CallRow
    path: Path
    class_name: str
    inputs: tuple[Value, ...]
    kwargs: MappingValue
    output: Value | None  # None when the call did not return
    previous: Value | None = None  # the output of the same call in the pass before
    baseline: Value | None = None  # the output of the same call in the baseline; histograms of both are over one range
    difference: Histogram | None = None  # of `output` less `baseline`, element by element
    gradients: tuple[TensorValue, ...] = ()  # that reached the output's tensors in the backward pass


class TraceLine(Row, frozen=True):
    """A line of a traceback: what runs there, or the `place` that it is at."""

    text: str
    place: bool = False


class Problem(Record, frozen=True):
    """Something a person has to know: what was wrong, where, and what to try."""

    what: str
    where: str = ""
    hint: str = ""  # the command or key to try
    kind: str = ""  # the exception's class name, where there was one
    path: Path | None = None  # the module it happened in
    traceback: tuple[TraceLine, ...] = ()
    exit_code: Annotated[int, Meta(ge=1, le=255)] = 1  # 2 for a usage error
    why: str = ""  # what was wanted and what was there instead, where that is known
    line: int = 0  # of the code that the person typed, from 1; 0 where it is in none
    inputs: tuple[str, ...] = ()  # the sample input of `hint`, which was tried and runs


class Ranked(Row, frozen=True):
    """One class of a classifier's output, by its softmax probability for the first item of the batch."""

    index: int
    now: float
    then: float  # in the baseline
    label: str = ""


StopOn = Literal["before", "after", "exception", "gradient", "line"]
"""Before a module is called, after it returned, when something is raised in it or below it, when a gradient reaches its
output, or before a line runs."""


class PutIn(Record, frozen=True):
    """What a person put in the place of values, or wrote into them, where a pass stood still: at this call of a module,
    or at a line that runs in it."""

    on: StopOn
    path: Path
    call: Count  # of the module in its step
    step: Count
    names: tuple[str, ...]  # of the values there, such as `input` and `output`, or of variables
    file: str = ""  # of a line
    line: Count = 0

    def is_in(self, path: Path, call: CallRow) -> bool:
        """Whether it was in this call, of the module with this path."""
        return (self.path, self.call, self.step) == (path, call.in_step, call.step)


class PassSummary(Record, frozen=True):
    """How one pass went. `problem` is set exactly when it did not end well."""

    number: Count
    ms: Milliseconds
    calls: Count
    hooks: Count = 0  # observe hooks that were on
    seed: int = 0
    cancelled: bool = False
    output: Value | None = None
    problem: Problem | None = None
    restored: tuple[str, ...] = ()  # what the pass changed and was put back, in words
    not_restored: tuple[str, ...] = ()
    altering: int = 0  # hooks of ours that altered something
    delta: Delta | None = None  # of the model's own output
    ranking: tuple[Ranked, ...] = ()  # the largest of a classifier's outputs, with a baseline
    faults: tuple[Problem, ...] = ()  # the first hooks of ours that failed and were passed over
    idle: tuple[HookOutcome, ...] = ()  # the first that never fired or changed nothing
    hook_counts: HookCounts = HookCounts()
    observing_ms: Milliseconds = 0.0  # of `ms`, the time in hooks of ours, on the thread that ran the pass
    bare_ms: Milliseconds | None = None  # of the last pass without hooks of ours and else like this; None without one
    budget: float = 0.0  # that those hooks were held to, see `Budget`; 0 for none
    left_out: Count = 0  # tensors without statistics, since those would have taken more than the budget
    batches: Count = 1  # passes that this one is the last of
    steps: Count = 1  # calls of the model itself: batches, or tokens of `generate`
    first_step: Count = 0  # the first of which calls are kept
    prefill: bool = False  # step 0 took in a whole sequence, and the others go on from there
    backward: bool = False
    loss: float | None = None
    direct: tuple[int, ...] = ()  # modules whose forward ran past __call__, where no hook sees it
    put_in: tuple[PutIn, ...] = ()  # by a person, while it stood still
    unobserved: int | None = None  # calls where no module has a hook of ours, if that is another number: a fused path

    @property
    def against_bare(self) -> float | None:
        """What it took more than the last bare pass, as a share of that; less than 0 where it was quicker."""
        return self.ms / self.bare_ms - 1 if self.bare_ms else None

    @property
    def overhead(self) -> float | None:
        """The time in hooks of ours as a share of what the pass took without them; None where nothing is known."""
        rest = self.ms - self.observing_ms
        return self.observing_ms / rest if self.observing_ms > 0 and rest > 0 else None
