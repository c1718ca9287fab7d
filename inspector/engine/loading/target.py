"""What passes between the loaders and the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from ... import records
from ...files import is_file
from ..inputs.sample import Arguments, Part, Sample
from ..usercode import arguments


@dataclass(frozen=True)
class Loaded:
    """A model with its sample input, where one is given or known."""

    model: nn.Module
    sample: Sample | None
    kind: str
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """A target as typed, with the options that decide how it is built."""

    target: records.Target
    device: torch.device | None  # None for auto

    @property
    def text(self) -> str:
        return self.target.target

    @property
    def default_weights(self) -> bool:
        return self.target.weights == "DEFAULT"

    @property
    def own_weights(self) -> bool:
        """The weights that come with the target, where there are some: neither a file nor `none` was asked for."""
        return self.target.weights in ("", "DEFAULT")


@dataclass(frozen=True)
class Built:
    """A model as its loader made it, before weights, dtype and device. At most one of `example` and `known` is there.

    `example` are arguments that came with the model, `known` the parts of a sample that suits its family.
    """

    model: nn.Module
    notes: tuple[str, ...] = ()
    example: Arguments | None = None
    known: tuple[Part, ...] = ()
    stays: bool = False  # it runs on the CPU and in its own dtype only
    classes: tuple[str, ...] = ()  # what a classifier's outputs are called


@dataclass(frozen=True)
class Loader:
    """How one of the `target_kinds` is opened. `claims` looks at the text (and at what files there are); the first that
    claims it builds.

    `names` lists the targets that need no file; `script` gives the lines of a plain script that leave the same `model`.
    """

    claims: Callable[[str], bool]
    build: Callable[[Wanted], Built | records.Choices]
    names: Callable[[], tuple[records.Choice, ...]] = tuple
    script: Callable[[records.Target], list[str]] | None = None


def write_arguments(target: records.Target) -> list[str]:
    """The constructor arguments that were typed, as a script writes them."""
    return [f"{key}={value!r}" for key, value in arguments.values(target.arguments).items()]


def claims_prefix(prefix: str) -> Callable[[str], bool]:
    """Claims what starts with the prefix and names no file."""
    return lambda text: text.startswith(prefix) and not is_file(text)
