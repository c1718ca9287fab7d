"""A stack of frames described: of an error that ended a call, or of a call that stands still."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import nn

from ...errors import UsageError
from ...records import CodeLine, FrameRow, Locals, Path, Problem, Source, Stack
from ...text import encodable
from ..modules.tree import ModuleTree
from .code_frame import CodeFrame
from .modules import find_entered, find_modules
from .variables import describe_variables

_OUTERMOST, _INNERMOST = 20, 80
"""Frames that are told of at either end: a recursion may have any number."""
_FILE, _TEXT, _FUNCTION = 1_000, 300, 200


class OpenCall(NamedTuple):
    """A call that is, or was, under way: of which node, in which step, and which of the node's calls there."""

    node: int
    step: int
    call: int


class CodeStack:
    """Keeps the frames, and so everything that is in them, until it is let go.

    Args:
        frames: The outermost first; see `frames_of_traceback` and `frames_around`.
        tree: The model.
        raised: What ended them, where something did.
        calls: Those that the frames are in, the outermost first, as far as somebody counted.
        made: The line of the forward that made the node where a backward pass failed.
        at_innermost: It stands still at a line of the innermost frame, whoever wrote that.
    """

    def __init__(
        self,
        frames: Sequence[CodeFrame],
        tree: ModuleTree,
        raised: Problem | None = None,
        calls: Sequence[OpenCall] = (),
        made: CodeLine | None = None,
        at_innermost: bool = False,
    ) -> None:
        self.frames = frames
        self.raised = raised
        self._made = made
        self._at_innermost = at_innermost
        self._tree = tree
        self._calls = calls

    def describe(self) -> Stack:
        """All of them but their variables. Reads the files that they are of."""
        total = len(self.frames)
        kept = [number for number in range(total) if number < _OUTERMOST or number >= total - _INNERMOST]
        nodes = _nodes(find_modules(self.frames), self._tree)
        inside = _match(self.frames, nodes, self._calls, self._tree)
        rows = tuple(self._row(number, nodes[number], inside[number]) for number in kept)
        start = len(rows) - 1 if self._at_innermost and rows else _find_start(rows)
        return Stack(rows, total, start, self.raised, self._made)

    def locals_of(self, number: int) -> Locals:
        """The variables of one frame. Raises `UsageError` where there is no such frame."""
        return describe_variables(number, self._at(number).frame, self._tree)

    def source_of(self, number: int, path: Path) -> Source:
        """The function of one frame, `path` handed through. Raises `UsageError` where there is no such frame."""
        return self._at(number).source(path)

    def _at(self, number: int) -> CodeFrame:
        if not 0 <= number < len(self.frames):
            raise UsageError(f"there is no frame {number}", hint=f"there are {len(self.frames)}, from 0")
        return self.frames[number]

    def _row(self, number: int, node: int | None, inside: OpenCall | None) -> FrameRow:
        each = self.frames[number]
        return FrameRow(
            number,
            encodable(each.function, _FUNCTION),
            encodable(each.file, _FILE),
            max(each.line, 0),
            encodable(each.text(), _TEXT),
            each.origin(),
            self._tree.paths[node] if node is not None else None,
            inside.call if inside is not None else -1,
            inside.step if inside is not None else -1,
        )


def _nodes(modules: Sequence[nn.Module | None], tree: ModuleTree) -> list[int | None]:
    """Where in the tree the call is that each frame is part of. A module that is not in it stands for the call of the
    one around it."""
    found: list[int | None] = []
    last: int | None = None
    for module in modules:
        last = last if module is None else tree.index_of_object.get(id(module), last)
        found.append(last)
    return found


def _match(
    frames: Sequence[CodeFrame], nodes: Sequence[int | None], calls: Sequence[OpenCall], tree: ModuleTree
) -> list[OpenCall | None]:
    """Which of the calls each frame is part of; None where it is in one of a module whose calls nobody counted."""
    found: list[OpenCall | None] = []
    pending, inside = list(calls), None
    for owner, node in zip(find_entered(frames), nodes, strict=True):
        if pending and owner is not None and tree.index_of_object.get(id(owner)) == pending[0].node:
            inside = pending.pop(0)
        found.append(inside if inside is not None and inside.node == node else None)
    return found


def _find_start(rows: Sequence[FrameRow]) -> int:
    """The innermost that somebody wrote who is not torch or Python, else the innermost."""
    written = [at for at, row in enumerate(rows) if row.origin in ("yours", "package")]
    return written[-1] if written else max(len(rows) - 1, 0)
