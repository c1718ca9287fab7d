"""Hooks: those that are there, the kinds that can be added, and what a person changed."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from .base import Count, Milliseconds, Path, Record, Row

Plain = bool | int | float | str | None
"""What an argument of a hook can be."""


class HookSpec(Record, frozen=True):
    """A hook part by part: what a form is filled from, and what the engine makes a hook of."""

    kind: str  # "scale"
    arguments: dict[str, Plain] = field(default_factory=dict)  # by name, without those that are at their defaults
    on: str = ""  # what it is put on; "" for what its kind is put on first
    where: str = ""  # a path in the value's structure, or a parameter's name
    step: int | str | None = None  # only that call of the whole model, from 0; "2:5" are 2, 3 and 4; "last"
    call: int | None = None  # only that call of the module in a step, from 0
    every: int = 1  # one in so many steps
    when: str = ""  # a condition on the tensor: "nan > 0"
    code: str = ""  # of a Python hook
    at: str = ""  # "before" or "after" the call, on parameters; "" for what its kind does by itself


OutcomeKind = Literal["failed", "never fired", "changed nothing", "fine"]
"""What there is to say of a hook after a pass."""

WORST_FIRST: tuple[OutcomeKind, ...] = ("failed", "never fired", "changed nothing", "fine")


class HookOutcome(Row, frozen=True):
    """What became of one hook that was added, in a pass or a block.

    `fault` is set where it failed, `unfired` exactly where it never fired and did not fail.
    """

    path: Path  # of the module it is on
    hook: str  # "scale(2)"
    on: str = "output"  # what it is put on: "output", "input", "parameters", "grad", "state_dict", …
    fired: Count = 0  # times it was carried out
    changed: bool | None = None  # None where it only looks, did not fire, or it cannot be told
    fault: str = ""  # what went wrong last: "TypeError: …"
    unfired: str = ""  # why it never fired

    @property
    def kind(self) -> OutcomeKind:
        """The worst there is to say of it."""
        if self.fault:
            return "failed"
        if self.unfired:
            return "never fired"
        return "changed nothing" if self.changed is False else "fine"

    @property
    def sentence(self) -> str:
        """`never fired: call=3, and it was called 2 times`; "" where all is fine."""
        if self.kind == "changed nothing":
            return f"changed nothing: the {_WHAT.get(self.on, self.on)} bit for bit as without it"
        return f"{self.kind}: {self.fault or self.unfired}" if self.kind != "fine" else ""

    @property
    def place(self) -> str:
        """`scale(2) on fc`."""
        return f"{self.hook} on {'.'.join(self.path) or '(root)'}"


_WHAT = {
    "output": "output is",
    "input": "input is",
    "parameters": "parameters are",
    "grad": "gradient is",
    "state_dict": "state dict is",
    "load_state_dict": "state dict is",
}


class HookCounts(Row, frozen=True):
    """How many of the hooks that were added are of each kind of outcome."""

    added: Count = 0
    failed: Count = 0
    never_fired: Count = 0
    changed_nothing: Count = 0


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
    fired: Count = 0  # times in the last pass
    ms: Milliseconds = 0.0  # spent in it in the last pass
    path: Path | None = None  # of the module it is on; None for a hook of the whole process
    of: str = ""  # the parameter or other thing that holds it, where that is not the module itself
    alters: bool = False  # ours, and made to change something
    spec: HookSpec | None = None  # of one that was added, without its code; None for an observing one and for others'
    outcome: HookOutcome | None = None  # of one of ours in the last pass; None where it was in none

    @property
    def fault(self) -> str:
        """Why it failed last."""
        return self.outcome.fault if self.outcome is not None else ""


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
    moment: str = ""  # "before" or "after": when it writes to parameters by itself; "" where it cannot be put on them
    takes_last: bool = False  # whether step="last" is for it


class Change(Row, frozen=True):
    """One thing that a person did and can undo."""

    label: str  # "add scale(2) to layer1"
    undone: bool = False


class Recipe(Record, frozen=True):
    """Hooks and edits as a recipe says them, and a line for each. Empty for none; lines without text are of one that
    is too long to be kept."""

    text: str = ""
    hooks: tuple[str, ...] = ()  # "layer1: scale(2)"
    edits: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """`2 hooks and 1 edit`; "" for none."""
        counted = ((len(self.hooks), "hook"), (len(self.edits), "edit"))
        return " and ".join(f"{count:,} {word}{'s' * (count != 1)}" for count, word in counted if count)


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
