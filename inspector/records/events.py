"""What the engine tells unasked, and how it answers what is no query."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct, field

from .base import Count, Milliseconds
from .call_columns import CallColumns
from .costs import Costs
from .estimates import MemoryEstimate
from .first_bad import FirstBadValue
from .frames import Stack
from .hooks import Change, KindInfo, Recipe
from .lines import CallLines
from .messages import Event
from .model import Choice, InputField, ModelInfo, ModuleRow
from .passes import PassSummary, Problem
from .queries import AnyAnswer
from .requests import AnyRequest
from .stops import Completed, Evaluated, Paused, Resumed, Stops
from .sweeps import SweepBegan, SweepEnded, SweepRows


class Hello(Event, frozen=True):
    """The engine's greeting, before anything else."""

    protocol: int
    pid: int
    python: str


class Stage(Event, frozen=True):
    """What the engine is doing before a model is there, in words."""

    text: str


class Opened(Event, frozen=True):
    """A model is there; `ModuleRows` follow. With `form` the sample input is unknown and must be asked for; `problem`
    says why a guess failed. While it is `guessing`, another `Opened` of the same generation follows."""

    generation: Count
    info: ModelInfo
    form: tuple[InputField, ...] = ()
    problem: Problem | None = None
    guessing: bool = False
    paused: Paused | None = None  # the program that it is in
    stack: Stack = Stack()  # where it was when something was raised; it begins without a pass then


class Choices(Event, frozen=True):
    title: str
    items: tuple[Choice, ...]


class ModuleRows(Event, frozen=True):
    """A chunk of the module list, in order."""

    generation: Count
    rows: tuple[ModuleRow, ...]
    total: Count


class HookMarks(Event, frozen=True):
    """Which modules are observed now, and how many other hooks each has."""

    generation: Count
    observed: bytes  # one byte per row: 1 observed, 0 not, 2 cannot be
    foreign: dict[int, Count] = field(default_factory=dict)  # row index -> hooks that are not ours
    refused: dict[int, str] = field(default_factory=dict)  # row index -> why it cannot be hooked
    added: dict[int, Count] = field(default_factory=dict)  # row index -> hooks that were added, disabled ones included
    edited: tuple[int, ...] = ()  # rows whose own parameters are not what was loaded


class OwnFiles(Event, frozen=True):
    """The person's own files that are imported, all of them, whenever there are others than before."""

    generation: Count
    files: tuple[str, ...]


class Progress(Event, frozen=True):
    """A newer one replaces an older one that was not sent yet."""

    generation: Count
    calls: Count
    expected: Count  # calls of the last pass, or the number of modules before the first
    module: Count  # row index of the module entered last
    ms: Milliseconds
    batch: Count = 1  # the running one of `batches`, the first is 1
    batches: Count = 1
    unit: Literal["batch", "token"] = "batch"  # what they are


class Work(Event, frozen=True):
    """How far something is that takes its time and is no pass. A newer one replaces an older one that was not sent
    yet."""

    what: str  # "finding an input"
    done: Count = 0  # of passes, those that are over
    total: Count = 0  # 0 where nobody knows
    unit: Literal["", "tries", "modules", "passes", "bytes"] = ""


class CallRows(Event, frozen=True):
    """A chunk of one step of the finished pass, in completion order."""

    generation: Count
    number: Count  # of the pass
    rows: CallColumns
    total: Count
    step: Count = 0  # that they are of


class PassEnded(Event, frozen=True):
    """Reply to `Run`, also when the pass failed: what was captured until then is there. One that comes by itself before
    the reply is not `settled`: it is not known yet what the pass changed."""

    generation: Count
    summary: PassSummary
    settled: bool = True


class Kinds(Event, frozen=True):
    """The kinds of hooks that can be added, in the order of their groups."""

    kinds: tuple[KindInfo, ...]


class Changes(Event, frozen=True):
    """What a person changed since the model was opened, in order; those undone can be made again."""

    generation: Count
    changes: tuple[Change, ...] = ()
    altering: Count = 0  # hooks of ours that are on and change something
    disabled: Count = 0  # hooks that are off, anybody's
    edited: Count = 0  # parameters that are not what was loaded
    baseline: str = ""  # what is compared with, in words
    added: Recipe = Recipe()  # what is in force and was not typed with the target


class Saved(Event, frozen=True):
    file: str
    what: str  # "3 hooks and 1 edit"


class Note(Event, frozen=True):
    """A line for the Log panel from the engine itself."""

    level: Literal["info", "warning", "error"]
    text: str


class Failed(Event, frozen=True):
    """The reply to a request that could not be carried out."""

    problem: Problem


class Done(Event, frozen=True):
    """Nothing to report."""


AnyEvent: TypeAlias = (
    AnyAnswer | Hello | Stage | Opened | Choices | ModuleRows | HookMarks | OwnFiles | Progress | Work | CallRows
    | PassEnded
    | Kinds | Changes | Saved | Note | Failed | Done | SweepBegan | SweepRows
    | SweepEnded | Costs | MemoryEstimate | FirstBadValue | CallLines
    | Stops | Paused | Resumed | Evaluated | Completed
)  # fmt: skip
"""What crosses the channel; the type checker lets nothing else be emitted."""


class Asked(Struct, frozen=True, array_like=True):
    """A request on the wire. `id` is never 0."""

    id: int
    body: AnyRequest


class Told(Struct, frozen=True, array_like=True):
    """An event on the wire. `id` is the request it answers, 0 for none."""

    id: int
    body: AnyEvent
