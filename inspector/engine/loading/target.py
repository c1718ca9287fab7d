"""What passes between the loaders and the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ... import records
from ..inputs.sample import Arguments, Part, Sample


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
    """One kind of target. `claims` looks at the text (and at what files there are); the first that claims it builds."""

    kind: str
    claims: Callable[[str], bool]
    build: Callable[[Wanted], Built | records.Choices]
    default_weights: bool = False  # `-w DEFAULT` means something to it


def claims_prefix(prefix: str) -> Callable[[str], bool]:
    """Claims what starts with the prefix and names no file."""
    return lambda text: text.startswith(prefix) and not Path(text).is_file()
