"""What the app asks of the engine: to open, run and change. What it only looks at is in `queries`."""

from __future__ import annotations

from typing import TypeAlias

from .base import Count, Path
from .costs import MeasureCosts
from .estimates import EstimateMemory
from .first_bad import FindFirstBad
from .hooks import HookSpec
from .lines import GetLines
from .messages import ModelRequest, Request
from .model import Budget, Target
from .queries import AnyQuery
from .stops import CompleteLine, Evaluate, GoOnWith, SetStops
from .sweeps import RunSweep
from .values import CORNER, Window


class Open(Request, frozen=True):
    """Load a target. Reply: `Opened`, `Choices` when the target names a file with several, or `Failed`."""

    target: Target
    keys: tuple[tuple[str, str], ...] = ()  # of the app, for hints


class ListTargets(Request, frozen=True):
    """Reply: `Choices` with every name that needs no file."""


class Run(ModelRequest, frozen=True):
    """One forward pass. Reply: `PassEnded`; `Progress` and `CallRows` events come before it."""

    seed: int | None = None  # None keeps the current seed
    fresh_input: bool = False  # draw the sample input anew from the seed
    backward: bool = False  # a backward pass from the loss after it
    batches: int = 1  # that many in a row, each with an input of its own; parameters are put back after the last
    loss: str = ""  # "mean", "sum", "cross_entropy" or pkg.mod:loss; what was used last, or "mean", unless given
    optimizer: str = ""  # "SGD(lr=0.01)": a step after each batch; "none" for none, "" for what was used last
    loader: str = ""  # pkg.mod:make_loader, whose items are the batches; "none" for none, "" for what was used last
    generate: int = 0  # so many tokens: `generate` is called in place of the model; 0 calls the model itself
    budget: Budget | None = None  # from now on; None keeps what it was
    materialize: bool = False  # from now on passes may give lazy modules their shapes, which are taken back after each


class Cancel(Request, frozen=True):
    """Stop the running pass at the next module. Reply: `Done` at once; the pass's own reply says how it ended."""


class SetInput(ModelRequest, frozen=True):
    """Use these specs (as after -i) from now on. Reply: `Opened`."""

    specs: tuple[str, ...]


class Observe(ModelRequest, frozen=True):
    """Turn the observe hook on or off on these modules. Reply: `HookMarks`."""

    paths: tuple[Path, ...]
    subtree: bool
    on: bool


class ShowStep(ModelRequest, frozen=True):
    """Look at another step of the last pass from now on. Reply: `Done`, after its `CallRows`."""

    step: int


class GetCalls(ModelRequest, frozen=True):
    """The calls of one module in the last pass. Reply: `Calls`. With `values`, histograms and previews as well,
    fetched by a pass in the background where the last pass took under a second (or `force`)."""

    path: Path
    values: bool = False
    force: bool = False
    window: Window = CORNER  # which elements the previews show
    call: Count = 0  # of them in the step that is looked at: it is given too where it is past the most that are


class SetHook(ModelRequest, frozen=True):
    """Enable or disable one hook in place. Reply: `Changes`."""

    path: Path | None
    kind: str
    id: int
    on: bool
    of: str = ""


class ListKinds(Request, frozen=True):
    """Reply: `Kinds`, what can be added."""


class AddHook(ModelRequest, frozen=True):
    """Put a hook on every module that `where` names. Reply: `Changes`, or `Failed` with nothing done."""

    where: str  # "conv1", "layer4.*", "class:Conv2d", several with commas, "~" before what is left out; "" is the root
    hook: str | HookSpec  # as text: "scale(2, on='input')"


class ReplaceHook(ModelRequest, frozen=True):
    """Put another hook in the place of one of ours, on all modules it was added to. Reply: `Changes`."""

    path: Path
    kind: str
    id: int
    hook: str | HookSpec


class RemoveHook(ModelRequest, frozen=True):
    """Remove one hook of ours. Reply: `Changes`."""

    path: Path
    kind: str
    id: int


class DisableAll(ModelRequest, frozen=True):
    """Disable every hook of ours. Reply: `Changes`."""


class EditParameters(ModelRequest, frozen=True):
    """Change parameters now. Reply: `Changes`."""

    where: str
    hook: str | HookSpec  # as text: "scale(2)", "prune(0.5)", "noise(0.1, seed=1, where='weight')"


class LoadStateDict(ModelRequest, frozen=True):
    """Fill parameters and buffers from a state dict now. Reply: `Changes`, or `Failed` with nothing done."""

    file: str
    renames: tuple[str, ...] = ()  # of its keys, "module.=>", one after the other
    partial: bool = False  # leave out what does not fit, instead of failing


class Undo(ModelRequest, frozen=True):
    """Take the last change back; with `redo`, make the one taken back last again. Reply: `Changes`."""

    redo: bool = False


class TakeBaseline(ModelRequest, frozen=True):
    """Compare with the model as it is now, from now on. Reply: `Changes`."""


class Save(ModelRequest, frozen=True):
    """Write a new file; what, its ending says: .toml the hooks as a recipe, .py a script that does the same,
    .safetensors the recorded tensors. Reply: `Saved`."""

    file: str


class LoadRecipe(ModelRequest, frozen=True):
    """Add the hooks and edits of a recipe, all of them or none. Reply: `Changes`."""

    file: str = ""
    text: str = ""  # what it says, where it is in no file


class Shutdown(Request, frozen=True):
    """Remove every hook, restore the model and leave. Reply: `Done`."""


AnyRequest: TypeAlias = (
    AnyQuery | Open | ListTargets | ListKinds | SetInput | Run | GetCalls | Cancel | Observe | SetHook | AddHook
    | ReplaceHook | RemoveHook | DisableAll | EditParameters | LoadStateDict | Undo | TakeBaseline | Save | LoadRecipe
    | ShowStep | Shutdown | RunSweep | MeasureCosts | EstimateMemory | FindFirstBad | GetLines
    | SetStops | GoOnWith | Evaluate | CompleteLine
)  # fmt: skip
"""What crosses the channel. `engine/answers` has an arm for each; one without is an error of the type checker."""
