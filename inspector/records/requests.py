"""What the app asks of the engine."""

from __future__ import annotations

from typing import Literal, Union

from .base import Path, Record
from .model import Target


class Request(Record, frozen=True):
    """Gets exactly one reply: the record named in its docstring, or a `Problem`."""


class Open(Request, frozen=True, tag=True):
    """Load a target. Reply: `Opened`, `Choices` when the target names a file with several, or a `Problem`."""

    target: Target


class ListTargets(Request, frozen=True, tag=True):
    """Reply: `Choices` with every name that needs no file."""


class Run(Request, frozen=True, tag=True):
    """One forward pass. Reply: `PassEnded`; `Progress` and `CallRows` events come before it."""

    generation: int
    seed: int | None = None  # None keeps the current seed
    fresh_input: bool = False  # draw the sample input anew from the seed
    backward: bool = False  # a backward pass from the loss after it
    batches: int = 1  # that many in a row, each with an input of its own; parameters are put back after the last
    loss: str = ""  # "mean", "sum", "cross_entropy" or pkg.mod:loss; what was used last, or "mean", unless given
    optimizer: str = ""  # "SGD(lr=0.01)": a step after each batch; "none" for none, "" for what was used last
    loader: str = ""  # pkg.mod:make_loader, whose items are the batches; "none" for none, "" for what was used last
    materialize: bool = False  # from now on passes may give lazy modules their shapes, which are taken back after each


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


SourcePart = Literal["auto", "class", "forward", "init", "site", "hook"]
"""`auto` is the class where the forward that runs stands in it, else that forward; the reply says which it is. `hook`
is asked for with `GetHookSource`."""


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


class GetAllHooks(Request, frozen=True, tag=True):
    """The hooks of every module, of parameters and of the process. Reply: `AllHooks`."""

    generation: int
    first: int = 0
    count: int = 500


class SetHook(Request, frozen=True, tag=True):
    """Enable or disable one hook in place. Reply: `Changes`."""

    generation: int
    path: Path | None
    kind: str
    id: int
    on: bool
    of: str = ""


class GetHookSource(Request, frozen=True, tag=True):
    """The function behind a hook. Reply: `Source`."""

    generation: int
    path: Path | None
    kind: str
    id: int
    of: str = ""


class ListKinds(Request, frozen=True, tag=True):
    """Reply: `Kinds`, what can be added."""


class CheckHook(Request, frozen=True, tag=True):
    """What `AddHook` would do, without doing it. Reply: `HookCheck`."""

    generation: int
    where: str
    hook: str
    code: str = ""


class AddHook(Request, frozen=True, tag=True):
    """Put a hook on every module that `where` names. Reply: `Changes`, or `Failed` with nothing done."""

    generation: int
    where: str  # "conv1", "layer4.*", "class:Conv2d", several with commas; "" is the root
    hook: str  # "scale(2, on='input')"
    code: str = ""  # of a Python hook


class ReplaceHook(Request, frozen=True, tag=True):
    """Put another hook in the place of one of ours, on all modules it was added to. Reply: `Changes`."""

    generation: int
    path: Path
    kind: str
    id: int
    hook: str
    code: str = ""


class RemoveHook(Request, frozen=True, tag=True):
    """Remove one hook of ours. Reply: `Changes`."""

    generation: int
    path: Path
    kind: str
    id: int


class DisableAll(Request, frozen=True, tag=True):
    """Disable every hook of ours. Reply: `Changes`."""

    generation: int


class EditParameters(Request, frozen=True, tag=True):
    """Change parameters now. Reply: `Changes`."""

    generation: int
    where: str
    edit: str  # "scale(2)", "prune(0.5)", "noise(0.1, seed=1, where='weight')"


class Undo(Request, frozen=True, tag=True):
    """Take the last change back; with `redo`, make the one taken back last again. Reply: `Changes`."""

    generation: int
    redo: bool = False


class TakeBaseline(Request, frozen=True, tag=True):
    """Compare with the model as it is now, from now on. Reply: `Changes`."""

    generation: int


class GetHistory(Request, frozen=True, tag=True):
    """What the batches did to one module's values. Reply: `History`."""

    generation: int
    path: Path


class Save(Request, frozen=True, tag=True):
    """Write a new file; what, its ending says: .toml the hooks as a recipe, .py a script that does the same,
    .safetensors the recorded tensors. Reply: `Saved`."""

    generation: int
    file: str


class LoadRecipe(Request, frozen=True, tag=True):
    """Add the hooks and edits of a recipe. Reply: `Changes`."""

    generation: int
    file: str


class TryStateDict(Request, frozen=True, tag=True):
    """Compare a state dict with the model's, through the hooks of both, and write nothing. An empty file name asks
    for the model's own. Reply: `StateDictReport`."""

    generation: int
    file: str = ""


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
    SetHook, GetAttributes, GetLocations, Shutdown, GetAllHooks, GetHookSource, ListKinds, CheckHook, AddHook,
    ReplaceHook, RemoveHook, DisableAll, EditParameters, Undo, TakeBaseline, GetHistory, Save, LoadRecipe, TryStateDict,
]  # fmt: skip
