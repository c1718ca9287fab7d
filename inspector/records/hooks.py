"""Hooks: those that are there, the kinds that can be added, and what a person changed."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from .base import Path, Record, Row

Plain = bool | int | float | str | None
"""What an argument of a hook can be."""


class HookSpec(Record, frozen=True):
    """A hook part by part: what a form is filled from, and what the engine makes a hook of."""

    kind: str  # "scale"
    arguments: dict[str, Plain] = field(default_factory=dict)  # by name, without those that are at their defaults
    on: str = ""  # what it is put on; "" for what its kind is put on first
    where: str = ""  # a path in the value's structure, or a parameter's name
    call: int | None = None  # only that call of the module in a batch, from 0
    every: int = 1  # one in so many batches
    when: str = ""  # a condition on the tensor: "nan > 0"
    code: str = ""  # of a Python hook


class HookRow(Record, frozen=True):
    """One hook somebody registered. `path`, `kind`, `of` and `id` name it."""

    id: int
    kind: str  # "forward_pre", "forward", "full_backward", ...
    ours: bool
    name: str  # what the hook is: "scale(2)", "observe", or the function's qualified name
    owner: str = ""  # who registered it, as far as can be told: the function's module
    file: str = ""
    line: int = 0
    flags: tuple[str, ...] = ()  # "with_kwargs", "always_call", "prepend"
    enabled: bool = True
    locked: str = ""  # why it cannot be toggled
    fired: int = 0  # times in the last pass
    ms: float = 0.0  # spent in it in the last pass
    path: Path | None = None  # of the module it is on; None for a hook of the whole process
    of: str = ""  # the parameter or other thing that holds it, where that is not the module itself
    alters: bool = False  # ours, and made to change something
    spec: HookSpec | None = None  # of one that was added, without its code; None for an observing one and for others'
    fault: str = ""  # why it failed last


class KindArgument(Record, frozen=True):
    """One argument of a kind of hook."""

    name: str
    type: str  # "float", "int", "str", "bool", "file", "recording"
    default: Plain = None
    meaning: str = ""
    required: bool = False  # one must be given, and `default` means nothing
    known: tuple[str, ...] = ()  # what there is to choose from: the recordings of this session


class KindInfo(Record, frozen=True):
    """One kind of hook that can be added."""

    name: str  # as it is typed: "scale"
    title: str  # what it does, in one line
    group: str  # "Look", "Alter values", "Parameters", "Gradients", "State dict", "Python"
    on: tuple[str, ...]  # what it can be put on, the default first
    arguments: tuple[KindArgument, ...] = ()


class Change(Row, frozen=True):
    """One thing that a person did and can undo."""

    label: str  # "add scale(2) to layer1"
    undone: bool = False


class Series(Record, frozen=True):
    """One value, batch by batch; None where it was not seen."""

    name: str  # "output mean", "weight std", "loss"
    values: tuple[float | None, ...]


class KeyRow(Record, frozen=True):
    """One key of a state dict, in the file, in the model or in both."""

    key: str
    state: Literal["fits", "missing", "unexpected", "mismatched"]
    in_file: str = ""  # shape and dtype
    in_model: str = ""
    nearest: str = ""  # a key of the other side that it may be meant to be
