"""What the app is started with, as plain data that crosses from the launcher to the app as one JSON argument."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class AppOptions:
    """Exactly one of two ways to an engine: with `engine_fd` the app joins the one at the other end of that socket
    (and `output_fd` is what its process prints), without it the app starts its own."""

    target: Mapping[str, Any] | None = None  # the fields of `records.Target`; None asks with a picker
    tour: bool = False  # show it by itself where nothing was kept yet, for whoever starts for the first time
    select: str = ""  # the dotted path of the module to start at
    theme: str = ""
    ascii: bool = False
    mouse: bool = True
    watch: bool = False  # load the model anew by itself when its code changes
    engine_fd: int | None = None
    output_fd: int | None = None
    readonly: bool = False  # nothing can be changed in a model
    split: int = 0  # percent of the width that the tree has at first; 0 leaves it to the style sheet
    tab: str = ""  # the panel that shows at first
    thresholds: Mapping[str, float] = field(default_factory=dict)  # those that are configured
    keys: Mapping[str, str] = field(default_factory=dict)  # of commands, see `keys.change_keys`
    themes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # the colours of each, by its name
    targets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # fields of `records.Target` by its name
    held: bool = False  # a program stands still around the engine: what its keys are is known from the start
    generate: int = 0  # tokens that the first pass makes, where the engine is there already

    @property
    def fds(self) -> tuple[int, ...]:
        """What the app has to inherit."""
        return tuple(fd for fd in (self.engine_fd, self.output_fd) if fd is not None)

    def to_argv(self) -> list[str]:
        """For `launcher.supervise`."""
        return [json.dumps(asdict(self))]

    @classmethod
    def from_argv(cls, argv: list[str]) -> AppOptions:
        return cls(**json.loads(argv[0]))
