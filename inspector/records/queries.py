"""Questions that change nothing, each beside its answer. What a panel shows is asked for and answered here."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import field

from .base import Count, Path, Place, Record, Row
from .call_columns import CallColumns
from .frames import GetLocals, GetStack, Locals, Stack
from .hooks import HookOutcome, HookRow, HookSpec, KeyRow, Series
from .messages import Event, Look, Query, Request
from .passes import CallDetail, Problem
from .values import Histogram, MappingValue, NoneValue, OtherValue, TensorValue, Value


class GetTrace(Query, frozen=True):
    """Calls `first` to `first + count` of the last pass in completion order. Reply: `Calls`."""

    first: Place
    count: Place


Missing = Literal["", "slow", "changed", "busy"]
"""Why histograms and values are not there: fetching them takes as long as the last pass did, which was not quick; a
pass now would not be like the last one; or something else was asked for."""


class Calls(Event, frozen=True):
    generation: Count
    number: Count  # of the pass they belong to; 0 before the first
    calls: tuple[CallDetail, ...]
    total: Count  # calls of this module (or of the pass); `calls` may hold fewer
    note: str = ""  # why there is nothing, in words
    path: Path | None = None  # of the module asked about, None for the whole pass
    missing: Missing = ""


class ToldValue(Row, frozen=True):
    """A value without what it holds, and the numbers of that, which was told before it."""

    value: Value
    items: tuple[Count, ...] = ()


class ToldCall(Row, frozen=True):
    """A `CallDetail` without its row, each value by its number; -1 is none."""

    module: Count  # its place among those that were told of
    inputs: tuple[Count, ...]
    kwargs: int
    output: int
    previous: int
    baseline: int
    difference: Histogram | None
    gradients: tuple[Count, ...]


class ToldCalls(Record, frozen=True, tag=True):
    """What `Calls` is on the wire: each value stands there once, whichever calls it went through."""

    generation: Count
    number: Count
    values: tuple[ToldValue, ...]
    modules: tuple[tuple[Path, str], ...]  # path and class
    rows: CallColumns
    calls: tuple[ToldCall, ...]
    total: Count
    note: str
    path: Path | None
    missing: Missing


SourcePart = Literal["auto", "class", "forward", "init", "site", "hook", "helper", "frame"]
"""`auto` is the class where the forward that runs stands in it, else that forward; the reply says which it is. `hook`
is asked for with `GetHookSource` and `frame` with `GetFrameSource`; `helper`, a function that a forward called, comes
with `CallLines`."""


class GetSource(Look, frozen=True):
    """Reply: `Source`."""

    path: Path
    part: SourcePart
    call: Count = 0  # whose site is asked for, of the module's calls in the step that is looked at


class GetHookSource(Query, frozen=True):
    """The function behind a hook. Reply: `Source`."""

    path: Path | None
    kind: str
    id: int
    of: str = ""


class GetFrameSource(Look, frozen=True):
    """The function that a frame of the stack is in, its line in focus. Reply: `Source`."""

    number: Count
    path: Path  # of the module that is looked at; only handed through


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
    runs_in: Path | None = None  # of a call site, the module in whose call it is; None where it is that of `path`


class GetAttributes(Look, frozen=True):
    """Reply: `Attributes`."""

    path: Path


class Attributes(Event, frozen=True):
    path: Path
    class_name: str  # with its module: "torch.nn.modules.conv.Conv2d"
    signature: str  # of the forward that runs
    docstring: str
    hyperparameters: MappingValue  # constructor arguments found on the instance, and constants
    flags: MappingValue  # training, requires_grad of its parameters, badges in words
    others: MappingValue  # the rest of the instance's attributes


class GetParameters(Look, frozen=True):
    """Parameters and buffers of a module and, after them, of those below it. Reply: `Parameters`."""

    path: Path
    limit: Place = 200


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
    total: Count


class GetHooks(Look, frozen=True):
    """Reply: `Hooks`."""

    path: Path


class GetAllHooks(Query, frozen=True):
    """The hooks of every module, of parameters and of the process. Reply: `AllHooks`."""

    first: Place = 0
    count: Place = 500


class Hooks(Event, frozen=True):
    path: Path
    rows: tuple[HookRow, ...]
    observed: bool
    note: str = ""


class AllHooks(Event, frozen=True):
    """Hooks `first` and following of the whole model: of the process first, then module by module."""

    rows: tuple[HookRow, ...]
    total: Count


class GetOutcomes(Query, frozen=True):
    """What became of every hook that was added, in the last pass, in the order in which they were added. Reply:
    `Outcomes`."""

    first: Place = 0
    count: Place = 500


class Outcomes(Event, frozen=True):
    """Hooks `first` and following."""

    rows: tuple[HookOutcome, ...]
    total: Count


class CheckHook(Query, frozen=True):
    """What `AddHook`, or `EditParameters`, would do, without doing it. Reply: `HookCheck`."""

    where: str
    hook: str | HookSpec
    edits: bool = False  # parameters are meant to be edited by it


class HookCheck(Event, frozen=True):
    """What a hook would be put on. `problem` is set exactly when it cannot be added."""

    modules: Count = 0
    names: tuple[str, ...] = ()  # of the first few
    problem: Problem | None = None


class GetHistory(Query, frozen=True):
    """What the batches did to one module's values. Reply: `History`."""

    path: Path


class History(Event, frozen=True):
    """Of the batches that ran last. Each series has `batches` values."""

    path: Path
    batches: Count
    series: tuple[Series, ...]
    note: str = ""  # why there is nothing


class GetGradients(Query, frozen=True):
    """The gradients that the last backward pass left on parameters, `first` to `first + count`. Reply: `Gradients`."""

    first: Place
    count: Place


class Gradients(Event, frozen=True):
    """By the full names of the parameters; none after a pass without a backward pass."""

    values: dict[str, TensorValue]
    total: Count


class TryStateDict(Query, frozen=True):
    """Compare a state dict with the model's, through the hooks of both, and write nothing. An empty file name asks
    for the model's own. Reply: `StateDictReport`."""

    file: str = ""


class LoadOffer(Record, frozen=True):
    """How a file can be loaded. Where nothing stays and nothing is unused, all of it fits."""

    renames: tuple[str, ...] = ()  # "module.=>", one after the other
    words: str = ""  # what they do: "without module."
    loads: int = 0  # keys that are filled
    staying: int = 0  # keys of the model that stay as they are
    unused: int = 0  # keys of the file that nothing takes
    stay: tuple[str, ...] = ()  # the first of them
    left: tuple[str, ...] = ()  # likewise of the unused
    doubts: tuple[str, ...] = ()  # "fc.weight may be head.weight or cls.weight"


class StateDictReport(Event, frozen=True):
    """How the keys of a file go with a model's, after the state dict hooks of both; nothing was written."""

    file: str  # "" for the model's own state dict
    rows: tuple[KeyRow, ...]
    total: Count
    counts: dict[str, int] = field(default_factory=dict)  # state -> keys in it
    notes: tuple[str, ...] = ()
    offer: LoadOffer | None = None  # None where nothing can be loaded


class GetLocations(Look, frozen=True):
    """Reply: `Locations`, where each module's class is defined (for the JSON report)."""


class Location(Row, frozen=True):
    module: int
    file: str
    line: int


class Locations(Event, frozen=True):
    rows: tuple[Location, ...]


AnyQuery: TypeAlias = (
    GetTrace | GetSource | GetHookSource | GetAttributes | GetParameters | GetHooks | GetAllHooks | GetOutcomes
    | CheckHook | GetHistory | GetGradients | TryStateDict | GetLocations | GetStack | GetLocals
    | GetFrameSource
)  # fmt: skip
"""`Queries.answer` in `engine/views` has an arm for each; one without is an error of the type checker."""

AnyAnswer: TypeAlias = (
    Calls | Source | Attributes | Parameters | Hooks | AllHooks | Outcomes | HookCheck | History | Gradients
    | StateDictReport | Locations | Stack | Locals
)  # fmt: skip

ANSWERS: dict[type[Request], tuple[type[Event], ...]] = {
    GetTrace: (Calls,),
    GetSource: (Source,),
    GetHookSource: (Source,),
    GetFrameSource: (Source,),
    GetAttributes: (Attributes,),
    GetParameters: (Parameters,),
    GetHooks: (Hooks,),
    GetAllHooks: (AllHooks,),
    GetOutcomes: (Outcomes,),
    CheckHook: (HookCheck,),
    GetHistory: (History,),
    GetGradients: (Gradients,),
    TryStateDict: (StateDictReport,),
    GetLocations: (Locations,),
    GetStack: (Stack,),
    GetLocals: (Locals,),
}
"""Which record answers which query."""
