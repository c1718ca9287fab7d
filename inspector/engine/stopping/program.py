"""Somebody's program that stands still around all passes: at a line of its own, or before it calls a module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from ...records import Paused, Stack
from ...text import encodable
from ..frames.code_frame import CodeFrame
from ..frames.stack import CodeStack
from ..modules.tree import ModuleTree
from .scope import FrameScope, Scope


class HeldProgram(NamedTuple):
    """`frames` are those that run, the outermost first; `scope` has the names of the place. `module` is about to be
    called, None at a line. `why` are words on what made it stop, "" for nothing but that somebody wrote so."""

    frames: Sequence[CodeFrame]
    scope: Scope
    module: nn.Module | None = None
    why: str = ""

    @classmethod
    def at_line(cls, frames: Sequence[CodeFrame], why: str = "") -> HeldProgram:
        """At the line of the innermost frame."""
        return cls(frames, FrameScope(frames[-1].frame), None, why)

    def stack(self, tree: ModuleTree) -> CodeStack:
        return CodeStack(self.frames, tree, at_innermost=self.module is None)

    def describe(self, generation: int, tree: ModuleTree, shown: Stack) -> Paused:
        """Where it stands still, as a client hears of it that is shown this stack."""
        index = tree.index_of_object.get(id(self.module))
        row, line = shown.frames[-1], self.frames[-1]
        return Paused(
            generation,
            0,
            0,
            "line" if index is None else "before",
            (row.path or ()) if index is None else tree.paths[index],
            why=encodable(self.why, 300),
            values=self.scope.describe(),
            file=encodable(line.file, 1_000) if index is None else "",
            line=line.line if index is None else 0,
            text=encodable(line.text(), 300) if index is None else "",
            program=True,
        )
