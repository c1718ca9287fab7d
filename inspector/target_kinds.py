"""The registry of loaders: every kind of target that can be opened, and what help and error messages say of it.

No torch here: `--help` reads it. A new kind is a file in `engine/loading` with a `LOADER`, and an entry here that names
that file.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

IN_FILE, PREFIX, PYTHON, NAME = range(4)
"""In which turn a kind is asked whether it claims a target: by what a file holds, by a prefix, as a file of Python, as
a name. Of those of one turn the first here is asked first."""

_WIDTH, _COLUMN = 119, 31


@dataclass(frozen=True)
class TargetKind:
    """One kind of target.

    `name` is what the app calls it, `module` the file in `engine/loading` that has its `LOADER`.
    """

    name: str
    module: str
    turn: int
    typed: str = ""  # how it is typed, in the help of the command line; "" where another kind's line tells of it
    meaning: str = ""  # what that opens
    example: str = ""  # how it is typed, in a sentence on all kinds; "" likewise
    default_weights: bool = False  # `-w DEFAULT` means something to it


TARGET_KINDS: tuple[TargetKind, ...] = (
    TargetKind(
        "torchvision", "torchvision.models", NAME,
        "resnet18", "any name of torchvision.models.list_models(); also tv:NAME",
        "a torchvision name (resnet18)", default_weights=True,
    ),
    TargetKind(
        "importable", "importable", NAME,
        "pkg.mod:build  pkg.mod:Net", "a factory or class that can be imported from here",
    ),
    TargetKind(
        "python file", "python_file", PYTHON,
        "model.py:Net   model.py", "the same from a file; alone, lists what the file has",
        "model.py, model.py:NAME, pkg.mod:NAME",
    ),
    TargetKind(
        "exported program", "files.exported", IN_FILE,
        "net.pt2  net.pt", "a program of torch.export, TorchScript, or with --trust-pickle a pickled module",
        "net.pt2",
    ),
    TargetKind("TorchScript", "files.scripted", IN_FILE, example="net.pt"),
    TargetKind("pickled module", "files.pickled", IN_FILE),
    TargetKind(
        "weights", "files.weights_only", IN_FILE,
        "weights.safetensors  a.ckpt",
        "weights without a model: a state dict, an index of shards, or their directory",
        "weights.safetensors",
    ),
    TargetKind("unsupported", "files.unsupported", IN_FILE),
    TargetKind("timm", "timm_models", PREFIX, "timm:NAME", "a model of timm", "timm:NAME", default_weights=True),
    TargetKind(
        "transformers", "hf.target", PREFIX,
        "hf:DIR  hf:LlamaConfig",
        "a directory with a config.json; a config or model class, built with KEY=VALUE and random weights; "
        "hf:org/name[@REV] is downloaded",
        "hf:NAME", default_weights=True,
    ),
    TargetKind(
        "torch.hub", "hub", PREFIX,
        "hub:DIR#ENTRY", "what a hubconf.py offers; hub:owner/repo[:ref]#ENTRY is downloaded",
        "hub:DIR#ENTRY",
    ),
)  # fmt: skip
"""As help lists them."""

TOUR = "inspector.tour:model"
"""The model that `inspector tour` opens: with this target the app begins with the tour."""

DEFAULT_WEIGHTS = "-w DEFAULT is for names of torchvision and timm, and for hf:"
PROMPT = "a name, model.py:Net, package.module:build …"
"""What a box for a target shows while it is empty."""


def in_turn() -> list[TargetKind]:
    """The kinds in the order in which they are asked whether a target is theirs."""
    return sorted(TARGET_KINDS, key=lambda kind: kind.turn)


def render_help(width: int = _WIDTH) -> str:
    """How each is typed and what it opens, a line or more each."""
    rows = ((kind.typed, kind.meaning) for kind in TARGET_KINDS if kind.typed)
    return "\n".join(_row(typed, meaning, min(width, _WIDTH)) for typed, meaning in rows)


def _row(typed: str, meaning: str, width: int) -> str:
    head = f"  {typed}".ljust(_COLUMN)
    return textwrap.fill(meaning, width, initial_indent=head, subsequent_indent=" " * _COLUMN)


def list_examples() -> str:
    """`a torchvision name (resnet18), model.py, … or weights.safetensors`."""
    by_name_first = sorted(TARGET_KINDS, key=lambda kind: -kind.turn)
    *examples, last = [kind.example for kind in by_name_first if kind.example]
    return f"{', '.join(examples)} or {last}"
