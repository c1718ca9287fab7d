"""What is said of a target, and of the model it became."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from .badges import Badge
from .base import Count, Path, Record, Row

Budget = Annotated[float, Meta(ge=0, le=100)]
"""What hooks of ours may take, as a share of what a pass takes without them; 0 for whatever they take. Statistics of
tensors are left out for it, and nothing else."""


class ModuleRow(Row, frozen=True):
    """One entry of the module list, in the order of `named_modules()`, aliases and repeated objects included."""

    index: Count
    parent: int  # -1 for the root
    key: str  # unique among its siblings, so that a path is too
    class_name: str
    parameters: Count  # elements below this module, each parameter once
    own_parameters: Count  # elements of its direct parameters
    nbytes: Count  # bytes of parameters and buffers below this module, each once
    alias_of: int = -1  # the row that shows the same object first; -1 for none. An alias has no children rows
    badges: tuple[Badge, ...] = ()
    shape: tuple[int, ...] | None = None  # of a tensor that is an entry of its own, in weights without a model


class Target(Record, frozen=True):
    """What to open, as typed."""

    target: str
    arguments: tuple[tuple[str, str], ...] = ()  # constructor KEY=VALUE, in order
    inputs: tuple[str, ...] = ()  # -i specs, in order
    weights: str = ""  # a file, or "" for random weights
    renames: tuple[str, ...] = ()  # of its keys, "module.=>", one after the other
    device: str = "auto"
    dtype: str = ""
    training: bool = False
    seed: int = 0
    grad: bool = False
    run: bool = True  # a first pass as soon as the model is there
    observe: bool = True  # False: start without hooks
    hooks: tuple[str, ...] = ()  # "conv1:scale(2)", in order
    recipe: str = ""  # a file with more of them
    record: tuple[str, ...] = ()  # modules whose outputs are kept, named as for hooks
    save: str = ""  # the .safetensors file that they are for
    batches: int = 1  # passes in a row, see `Run`
    generate: int = 0  # tokens, see `Run`
    budget: Budget = 0.0
    backward: bool = False
    loss: str = ""
    optimizer: str = ""
    loader: str = ""
    trust_pickle: bool = False  # files that run code when they are opened may be
    readonly: bool = False  # no hook is put on or switched, and no parameter edited or loaded, once it is open
    materialize: bool = False  # a pass may give lazy modules their shapes; see `Run`


class BadParameter(Row, frozen=True):
    """A parameter that holds NaN or Inf."""

    path: Path  # of the module that holds it
    name: str
    nan: int
    inf: int


class ModelInfo(Record, frozen=True):
    target: str
    kind: str  # of target, by its name in `target_kinds`; "your model" or "captured" where none was opened
    class_name: str
    modules: Count  # as len(list(model.named_modules())), the root included
    rows: Count  # entries of the module list, aliases included
    parameters: Count
    trainable: Count
    buffers: Count  # number of buffer tensors
    nbytes: Count
    training: bool
    device: str
    torch: str
    input: str = ""  # the sample input in words: "1×3×224×224 float32"
    input_origin: str = ""  # "given", "known for this target", "guessed"; "" when there is none
    shapes_only: bool = False  # too many modules for statistics on every one
    generates: bool = False  # it has a method `generate`
    lazy: Count = 0  # modules that a pass would materialize: it has to be allowed
    runnable: bool = True  # False: the root has no forward, there is nothing to run
    notes: tuple[str, ...] = ()
    is_model: bool = True  # False for weights without a model
    tensors: Count = 0  # of those
    bad_parameters: tuple[BadParameter, ...] = ()  # as it was opened
    reached: Count | None = None  # modules that a guessed input reaches, where those are few; None where all is well


class Choice(Record, frozen=True):
    """One thing that can be opened: a row of a picker."""

    name: str  # what to type as TARGET
    kind: str  # "torchvision", "timm", "module", "factory", "entry point", "recent"
    detail: str = ""  # signature, first docstring line, family


class InputField(Record, frozen=True):
    """One parameter of `forward` for the form that asks for the sample input."""

    name: str
    kind: str  # "positional", "keyword", "*args", "**kwargs"
    required: bool
    annotation: str = ""
    default: str = ""
    proposal: str = ""  # a spec to start from
