"""What the engine tells, and answers."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct, field

from .base import Path, Record, Row
from .hooks import Change, HookRow, KeyRow, KindInfo, Series
from .model import Choice, InputField, ModelInfo, ModuleRow
from .passes import CallDetail, CallRow, PassSummary, Problem
from .requests import AnyRequest, SourcePart
from .values import MappingValue, NoneValue, OtherValue, TensorValue


class Event(Record, frozen=True, tag=True):
    """Sent unasked, or as the reply to a request."""


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

    generation: int
    info: ModelInfo
    form: tuple[InputField, ...] = ()
    problem: Problem | None = None
    guessing: bool = False


class Choices(Event, frozen=True):
    title: str
    items: tuple[Choice, ...]


class ModuleRows(Event, frozen=True):
    """A chunk of the module list, in order."""

    generation: int
    rows: tuple[ModuleRow, ...]
    total: int


class HookMarks(Event, frozen=True):
    """Which modules are observed now, and how many other hooks each has."""

    generation: int
    observed: bytes  # one byte per row: 1 observed, 0 not, 2 cannot be
    foreign: dict[int, int] = field(default_factory=dict)  # row index -> hooks that are not ours
    refused: dict[int, str] = field(default_factory=dict)  # row index -> why it cannot be hooked
    added: dict[int, int] = field(default_factory=dict)  # row index -> hooks that were added, disabled ones included
    edited: tuple[int, ...] = ()  # rows whose own parameters are not what was loaded


class Progress(Event, frozen=True):
    """A newer one replaces an older one that was not sent yet."""

    generation: int
    calls: int
    expected: int  # calls of the last pass, or the number of modules before the first
    module: int  # row index of the module entered last
    ms: float
    batch: int = 1  # of `batches`
    batches: int = 1


class CallRows(Event, frozen=True):
    """A chunk of the finished pass, in completion order."""

    generation: int
    number: int  # of the pass
    rows: tuple[CallRow, ...]
    total: int


class PassEnded(Event, frozen=True):
    """Reply to `Run`, also when the pass failed: what was captured until then is there."""

    generation: int
    summary: PassSummary


class Calls(Event, frozen=True):
    generation: int
    number: int  # of the pass they belong to; 0 before the first
    calls: tuple[CallDetail, ...]
    total: int  # calls of this module (or of the pass); `calls` may hold fewer
    note: str = ""  # why there is nothing, in words
    path: Path | None = None  # of the module asked about, None for the whole pass


class Source(Event, frozen=True):
    """Source text verified to be what runs, or labelled in `notes`. Empty text: the last note is the honest line."""

    path: Path
    part: SourcePart  # never "auto"
    title: str  # "BasicBlock.forward"
    text: str = ""
    language: str = "python"
    file: str = ""
    first_line: int = 1  # number of the first line of `text` in `file`
    focus: int = 0  # line number to scroll to; 0 for the top
    notes: tuple[str, ...] = ()


class ParameterRow(Record, frozen=True):
    name: str  # relative to the module asked about: "weight", "0.conv1.weight"
    kind: Literal["parameter", "buffer", "tensor"]  # "tensor": of weights without a model, which do not say
    value: TensorValue | OtherValue | NoneValue
    trainable: bool = False
    persistent: bool = True
    tied: tuple[str, ...] = ()  # the other full names of the same tensor
    gradient: TensorValue | None = None
    edited: bool = False  # not what was loaded


class Parameters(Event, frozen=True):
    path: Path
    rows: tuple[ParameterRow, ...]
    total: int


class Hooks(Event, frozen=True):
    path: Path
    rows: tuple[HookRow, ...]
    observed: bool
    note: str = ""


class AllHooks(Event, frozen=True):
    """Hooks `first` and following of the whole model: of the process first, then module by module."""

    rows: tuple[HookRow, ...]
    total: int


class Kinds(Event, frozen=True):
    """The kinds of hooks that can be added, in the order of their groups."""

    kinds: tuple[KindInfo, ...]


class HookCheck(Event, frozen=True):
    """What a hook would be put on. `problem` is set exactly when it cannot be added."""

    modules: int = 0
    names: tuple[str, ...] = ()  # of the first few
    problem: Problem | None = None


class Changes(Event, frozen=True):
    """What a person changed since the model was opened, in order; those undone can be made again."""

    generation: int
    changes: tuple[Change, ...] = ()
    altering: int = 0  # hooks of ours that are on and change something
    disabled: int = 0  # hooks that are off, anybody's
    edited: int = 0  # parameters that are not what was loaded
    baseline: str = ""  # what is compared with, in words


class History(Event, frozen=True):
    """Of the batches that ran last. Each series has `batches` values."""

    path: Path
    batches: int
    series: tuple[Series, ...]
    note: str = ""  # why there is nothing


class Saved(Event, frozen=True):
    file: str
    what: str  # "3 hooks and 1 edit"


class StateDictReport(Event, frozen=True):
    """How the keys of a file go with a model's, after the state dict hooks of both; nothing was written."""

    file: str  # "" for the model's own state dict
    rows: tuple[KeyRow, ...]
    total: int
    counts: dict[str, int] = field(default_factory=dict)  # state -> keys in it
    notes: tuple[str, ...] = ()


class Attributes(Event, frozen=True):
    path: Path
    class_name: str  # with its module: "torch.nn.modules.conv.Conv2d"
    signature: str  # of the forward that runs
    docstring: str
    hyperparameters: MappingValue  # constructor arguments found on the instance, and constants
    flags: MappingValue  # training, requires_grad of its parameters, badges in words
    others: MappingValue  # the rest of the instance's attributes


class Location(Row, frozen=True):
    module: int
    file: str
    line: int


class Locations(Event, frozen=True):
    rows: tuple[Location, ...]


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
    Hello | Stage | Opened | Choices | ModuleRows | HookMarks | Progress | CallRows | PassEnded | Calls | Source
    | Parameters | Hooks | Attributes | Locations | Note | Failed | Done | AllHooks | Kinds | HookCheck | Changes
    | History | Saved | StateDictReport
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
