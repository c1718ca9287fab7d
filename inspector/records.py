"""The shared vocabulary: every request, event and plain value that crosses the channel.

Records are frozen, small and bounded. Text in them has passed `text.encodable`; it is still hostile and is made
`visible` where it is shown. This module knows neither torch nor Textual nor the rest of the package.

A module is named by its path, the tuple of keys that leads to it from the root (`()` is the root itself), because a
key may contain a dot. Rows of large listings name it by its index in the module list of the same generation.
"""

from __future__ import annotations

from typing import Literal, Union

from msgspec import Struct, field

PROTOCOL = 1
"""Version of this vocabulary; two processes with different versions refuse each other."""

Path = tuple[str, ...]


class Record(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of everything that crosses the channel by name."""


class Row(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Base of what crosses the channel by the thousand: encoded by position."""


# ---------------------------------------------------------------- values


class Statistics(Record, frozen=True):
    """Of the finite elements of one tensor. With no finite element the four floats are None."""

    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None  # population standard deviation (divides by the count)
    nan: int = 0
    inf: int = 0
    zeros: int = 0
    of: str = "values"  # or "magnitudes" (complex), "stored values" (sparse), "dequantized values"


class Histogram(Record, frozen=True):
    """Counts of the finite elements in equal bins from `low` to `high`."""

    low: float
    high: float
    counts: tuple[int, ...]


class Preview(Record, frozen=True):
    """The first few values: the leading corner of the last two dimensions, at index 0 of the others."""

    at: str  # which corner, written as an index: "[0, 0, :6, :8]"
    rows: tuple[tuple[float | int | bool | str, ...], ...]


class TensorValue(Record, frozen=True, tag="tensor", tag_field="kind"):
    """One tensor, described when it was seen. `statistics` is None exactly when `why` says why, or when only shapes
    were asked for (`why` is then empty)."""

    shape: tuple[int, ...]  # -1 for a ragged dimension
    dtype: str  # "float32"
    device: str  # "cpu", "cuda:0"
    requires_grad: bool = False
    type: str = "Tensor"  # the class: "Parameter", a subclass
    layout: str = "strided"
    nbytes: int = 0
    statistics: Statistics | None = None
    why: str = ""
    histogram: Histogram | None = None
    preview: Preview | None = None


class SequenceValue(Record, frozen=True, tag="sequence", tag_field="kind"):
    """A tuple, list, namedtuple or other sequence; `items` may be cut, `length` is the true one."""

    type: str
    items: tuple[Value, ...]
    length: int
    names: tuple[str, ...] = ()  # a namedtuple's field names
    is_tuple: bool = False


class MappingValue(Record, frozen=True, tag="mapping", tag_field="kind"):
    """A dict, ModelOutput, dataclass or object with named parts; `keys` and `items` go together and may be cut."""

    type: str
    keys: tuple[str, ...]
    items: tuple[Value, ...]
    length: int


class ScalarValue(Record, frozen=True, tag="scalar", tag_field="kind"):
    """A Python bool, int, float or str; complex and ints past 64 bits are given as text."""

    type: str
    value: bool | int | float | str


class NoneValue(Record, frozen=True, tag="none", tag_field="kind"):
    """None, as a value that was really there."""


class OtherValue(Record, frozen=True, tag="other", tag_field="kind"):
    """Anything else, and whatever was cut: `text` is a bounded description, never a repr that was not asked for."""

    type: str
    text: str


Value = Union[TensorValue, SequenceValue, MappingValue, ScalarValue, NoneValue, OtherValue]  # noqa: UP007 (runtime)


# ---------------------------------------------------------------- the model


class ModuleRow(Row, frozen=True):
    """One entry of the module list, in the order of `named_modules()`, aliases and repeated objects included."""

    index: int
    parent: int  # -1 for the root
    key: str  # unique among its siblings, so that a path is too
    class_name: str
    parameters: int  # elements below this module, each parameter once
    own_parameters: int  # elements of its direct parameters
    nbytes: int  # bytes of parameters and buffers below this module, each once
    alias_of: int = -1  # the row that shows the same object first; -1 for none. An alias has no children rows
    badges: tuple[str, ...] = ()  # "tied", "scripted", "lazy", "meta", "no hooks: REASON", ...


class Target(Record, frozen=True):
    """What to open, as typed."""

    target: str
    arguments: tuple[tuple[str, str], ...] = ()  # constructor KEY=VALUE, in order
    inputs: tuple[str, ...] = ()  # -i specs, in order
    weights: str = ""  # a file, or "" for random weights
    device: str = "auto"
    dtype: str = ""
    training: bool = False
    seed: int = 0
    grad: bool = False
    run: bool = True  # a first pass as soon as the model is there
    observe: bool = True  # False: start without hooks


class ModelInfo(Record, frozen=True):
    target: str
    kind: str  # "torchvision", "python file", "importable", "your model"
    class_name: str
    modules: int  # as len(list(model.named_modules())), the root included
    rows: int  # entries of the module list, aliases included
    parameters: int
    trainable: int
    buffers: int  # number of buffer tensors
    nbytes: int
    training: bool
    device: str
    torch: str
    input: str = ""  # the sample input in words: "1×3×224×224 float32"
    input_origin: str = ""  # "given", "known for this target", "guessed"; "" when there is none
    shapes_only: bool = False  # too many modules for statistics on every one
    notes: tuple[str, ...] = ()


class Choice(Record, frozen=True):
    """One thing that can be opened: a row of a picker."""

    name: str  # what to type as TARGET
    kind: str  # "torchvision", "module", "factory", "recent"
    detail: str = ""  # signature, first docstring line, family


class InputField(Record, frozen=True):
    """One parameter of `forward` for the form that asks for the sample input."""

    name: str
    kind: str  # "positional", "keyword", "*args", "**kwargs"
    required: bool
    annotation: str = ""
    default: str = ""
    proposal: str = ""  # a spec to start from


# ---------------------------------------------------------------- a pass

CallStatus = Literal["ok", "raised", "unfinished"]


class CallRow(Row, frozen=True):
    """One call of one module. `start` and `end` number entries and exits of modules in time; rows come in order of
    `end`, which is the order in which forward hooks fire."""

    module: int
    call: int  # 0 for the first call of this module in the pass
    start: int
    end: int
    depth: int
    ms: float  # without the time spent observing
    status: CallStatus
    brief: str  # the output's shape in a few characters: "1×64×56×56", "3 × 1×64×56×56", "dict 2"
    nan: bool = False  # the output holds NaN or Inf
    file: str = ""  # call site: the line that called the module
    line: int = 0
    altered: bool = False  # a hook of ours replaced the input or output


class CallDetail(Record, frozen=True):
    """What went in and came out of one call, as it was at that moment."""

    row: CallRow
    path: Path
    class_name: str
    inputs: tuple[Value, ...]
    kwargs: MappingValue
    output: Value | None  # None when the call did not return
    previous: Value | None = None  # the output of the same call in the pass before


class Problem(Record, frozen=True):
    """Something a person has to know: what was wrong, where, and what to try."""

    what: str
    where: str = ""
    hint: str = ""  # the command or key to try
    kind: str = ""  # the exception's class name, where there was one
    path: Path | None = None  # the module it happened in
    traceback: tuple[str, ...] = ()
    exit_code: int = 1  # 2 for a usage error


class PassSummary(Record, frozen=True):
    """How one pass went. `problem` is set exactly when it did not end well."""

    number: int
    ms: float
    calls: int
    bare_ms: float | None = None  # a pass without our hooks, where one was measured
    hooks: int = 0  # observe hooks that were on
    seed: int = 0
    cancelled: bool = False
    output: Value | None = None
    problem: Problem | None = None
    restored: tuple[str, ...] = ()  # what the pass changed and was put back, in words
    not_restored: tuple[str, ...] = ()


# ---------------------------------------------------------------- requests: app to engine


class Request(Record, frozen=True):
    """Gets exactly one reply: the record named in its docstring, or a `Problem`."""


class Open(Request, frozen=True, tag=True):
    """Load a target. Reply: `Opened`, `Choices` when the target names a file with several, or a `Problem`."""

    target: Target


class ListTargets(Request, frozen=True, tag=True):
    """Reply: `Choices` with every name that needs no file."""


class Run(Request, frozen=True, tag=True):
    """One forward pass. Reply: `PassSummary`; `Progress` and `CallRows` events come before it."""

    generation: int
    seed: int | None = None  # None keeps the current seed
    fresh_input: bool = False  # draw the sample input anew from the seed


class Cancel(Request, frozen=True, tag=True):
    """Stop the running pass at the next module. Reply: `Done` at once; the pass's own reply says how it ended."""


class SetInput(Request, frozen=True, tag=True):
    """Use these specs (as after -i) from now on. Reply: `Opened`."""

    generation: int
    specs: tuple[str, ...]


class Observe(Request, frozen=True, tag=True):
    """Turn the observe hook on or off on these modules. Reply: `HookMarks`."""

    generation: int
    paths: tuple[Path, ...]
    subtree: bool
    on: bool


SourcePart = Literal["auto", "class", "forward", "init", "site"]
"""`auto` is the class where the forward that runs stands in it, else that forward; the reply says which it is."""


class GetSource(Request, frozen=True, tag=True):
    """Reply: `Source`."""

    generation: int
    path: Path
    part: SourcePart


class GetCalls(Request, frozen=True, tag=True):
    """The calls of one module in the last pass. Reply: `Calls`. With `values`, histograms and previews as well,
    fetched by a pass in the background where the last pass took under a second (or `force`)."""

    generation: int
    path: Path
    values: bool = False
    force: bool = False


class GetTrace(Request, frozen=True, tag=True):
    """Calls `first` to `first + count` of the last pass in completion order. Reply: `Calls`."""

    generation: int
    first: int
    count: int


class GetParameters(Request, frozen=True, tag=True):
    """Parameters and buffers of a module and, after them, of those below it. Reply: `Parameters`."""

    generation: int
    path: Path
    limit: int = 200


class GetHooks(Request, frozen=True, tag=True):
    """Reply: `Hooks`."""

    generation: int
    path: Path


class SetHook(Request, frozen=True, tag=True):
    """Enable or disable one hook in place. Reply: `Hooks` of the same module."""

    generation: int
    path: Path
    kind: str
    id: int
    on: bool


class GetAttributes(Request, frozen=True, tag=True):
    """Reply: `Attributes`."""

    generation: int
    path: Path


class GetLocations(Request, frozen=True, tag=True):
    """Reply: `Locations`, where each module's class is defined (for the JSON report)."""

    generation: int


class Shutdown(Request, frozen=True, tag=True):
    """Remove every hook, restore the model and leave. Reply: `Done`."""


AnyRequest = Union[  # noqa: UP007 (msgspec reads it at run time)
    Open, ListTargets, Run, Cancel, SetInput, Observe, GetSource, GetCalls, GetTrace, GetParameters, GetHooks,
    SetHook, GetAttributes, GetLocations, Shutdown,
]  # fmt: skip


# ---------------------------------------------------------------- events and replies: engine to app


class Event(Record, frozen=True):
    """Sent unasked, or as the reply to a request."""


class Hello(Event, frozen=True, tag=True):
    """The engine's greeting, before anything else."""

    protocol: int
    pid: int
    python: str


class Stage(Event, frozen=True, tag=True):
    """What the engine is doing before a model is there, in words."""

    text: str


class Opened(Event, frozen=True, tag=True):
    """A model is there; `ModuleRows` follow. With `form` the sample input is unknown and must be asked for; `problem`
    says why a guess failed."""

    generation: int
    info: ModelInfo
    form: tuple[InputField, ...] = ()
    problem: Problem | None = None


class Choices(Event, frozen=True, tag=True):
    title: str
    items: tuple[Choice, ...]


class ModuleRows(Event, frozen=True, tag=True):
    """A chunk of the module list, in order."""

    generation: int
    rows: tuple[ModuleRow, ...]
    total: int


class HookMarks(Event, frozen=True, tag=True):
    """Which modules are observed now, and how many other hooks each has."""

    generation: int
    observed: bytes  # one byte per row: 1 observed, 0 not, 2 cannot be
    foreign: dict[int, int] = field(default_factory=dict)  # row index -> hooks that are not ours
    refused: dict[int, str] = field(default_factory=dict)  # row index -> why it cannot be hooked


class Progress(Event, frozen=True, tag=True):
    """A newer one replaces an older one that was not sent yet."""

    generation: int
    calls: int
    expected: int  # calls of the last pass, or the number of modules before the first
    module: int  # row index of the module entered last
    ms: float


class CallRows(Event, frozen=True, tag=True):
    """A chunk of the finished pass, in completion order."""

    generation: int
    number: int  # of the pass
    rows: tuple[CallRow, ...]
    total: int


class PassEnded(Event, frozen=True, tag=True):
    """Reply to `Run`, also when the pass failed: what was captured until then is there."""

    generation: int
    summary: PassSummary


class Calls(Event, frozen=True, tag=True):
    generation: int
    number: int  # of the pass they belong to; 0 before the first
    calls: tuple[CallDetail, ...]
    total: int  # calls of this module (or of the pass); `calls` may hold fewer
    note: str = ""  # why there is nothing, in words
    path: Path | None = None  # of the module asked about, None for the whole pass


class Source(Event, frozen=True, tag=True):
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
    kind: Literal["parameter", "buffer"]
    value: TensorValue | OtherValue | NoneValue
    trainable: bool = False
    persistent: bool = True
    tied: tuple[str, ...] = ()  # the other full names of the same tensor
    gradient: TensorValue | None = None


class Parameters(Event, frozen=True, tag=True):
    path: Path
    rows: tuple[ParameterRow, ...]
    total: int


class HookRow(Record, frozen=True):
    id: int
    kind: str  # "forward_pre", "forward", "full_backward", ...
    ours: bool
    name: str  # what the hook is: "observe", or the function's qualified name
    owner: str = ""  # who registered it, as far as can be told: the function's module
    file: str = ""
    line: int = 0
    flags: tuple[str, ...] = ()  # "with_kwargs", "always_call"
    enabled: bool = True
    locked: str = ""  # why it cannot be toggled
    fired: int = 0  # times in the last pass, for ours


class Hooks(Event, frozen=True, tag=True):
    path: Path
    rows: tuple[HookRow, ...]
    observed: bool
    note: str = ""


class Attributes(Event, frozen=True, tag=True):
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


class Locations(Event, frozen=True, tag=True):
    rows: tuple[Location, ...]


class Note(Event, frozen=True, tag=True):
    """A line for the Log panel from the engine itself."""

    level: Literal["info", "warning", "error"]
    text: str


class Failed(Event, frozen=True, tag=True):
    """The reply to a request that could not be carried out."""

    problem: Problem


class Done(Event, frozen=True, tag=True):
    """Nothing to report."""


AnyEvent = Union[  # noqa: UP007 (msgspec reads it at run time)
    Hello, Stage, Opened, Choices, ModuleRows, HookMarks, Progress, CallRows, PassEnded, Calls, Source, Parameters,
    Hooks, Attributes, Locations, Note, Failed, Done,
]  # fmt: skip


class Asked(Struct, frozen=True, array_like=True):
    """A request on the wire. `id` is never 0."""

    id: int
    body: AnyRequest


class Told(Struct, frozen=True, array_like=True):
    """An event on the wire. `id` is the request it answers, 0 for none."""

    id: int
    body: AnyEvent
