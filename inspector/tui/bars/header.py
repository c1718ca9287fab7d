"""The one line at the top: what is open, on the left, and how the last or the running pass goes, on the right."""

from __future__ import annotations

import os
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from ...records import Changes, ModelInfo, PassSummary, Progress
from ...text import visible
from .. import format
from .pass_words import last_pass, under_way

BAR_WIDTH = 12
LOADING = "loading …"


class Piece(NamedTuple):
    """A part of the title. The highest rank goes first where there is no room; 0 always stays."""

    rank: int
    text: str
    style: str = "$foreground-muted"


class TitleBar(Widget):
    """Draws what it is told; knows no engine."""

    DEFAULT_CSS = """
    TitleBar { height: 1; padding: 0 1; }
    """

    info: reactive[ModelInfo | None] = reactive(None)
    stage: reactive[str] = reactive(LOADING)  # shown while there is no model
    running: reactive[bool] = reactive(False)
    progress: reactive[Progress | None] = reactive(None)
    elapsed: reactive[float] = reactive(0.0)  # seconds of the running pass
    summary: reactive[PassSummary | None] = reactive(None)
    alarm: reactive[str] = reactive("")  # in place of the last pass: what is wrong with the engine
    live: reactive[bool] = reactive(False)
    changes: reactive[Changes | None] = reactive(None)
    stale: reactive[bool] = reactive(False)  # the last pass began before the last change
    ascii: reactive[bool] = reactive(False)

    def render(self) -> Content:
        room = self.size.width
        right = self._right(room * 2 // 3)
        left = fitting(self._left(), room - right.cell_length - 2, self._dot)
        gap = " " * max(room - left.cell_length - right.cell_length, 1)
        return Content.assemble(left, gap, right)

    @property
    def _dot(self) -> str:
        return " - " if self.ascii else " · "

    def _left(self) -> list[Piece]:
        info = self.info
        if info is None:
            return [Piece(0, visible(self.stage))]
        return [
            Piece(0, short_target(info.target)),
            *self._changed(),
            Piece(7, visible(info.kind)),
            *(_model_pieces(info) if info.is_model else _weights_pieces(info)),
        ]

    def _changed(self) -> list[Piece]:
        """What a person did to the model, next to its name: it is no longer quite that."""
        if self.changes is None:
            return []
        made = sum(not change.undone for change in self.changes.changes)
        altering = self.changes.altering
        counted = [(2, made, f"{made} change{'s' * (made != 1)}"), (1, altering, f"{altering} altering")]
        return [Piece(rank, words, "$text-warning") for rank, count, words in counted if count]

    def _right(self, room: int) -> Content:
        """How the pass goes; of the last one, as much as there is room for."""
        if self.alarm:
            return Content.styled(visible(self.alarm), "$text-error")
        words = self._pass_under_way() if self.running else self._last_pass(room)
        text = format.ascii_only(words) if self.ascii else words
        summary = self.summary
        failed = summary is not None and (summary.problem is not None or summary.faults) and not self.running
        status = Content.styled(
            text, "$text-error" if failed else "$text-primary" if self.running else "$foreground-muted"
        )
        return Content.assemble(("live  ", "bold $text-primary"), status) if self.live else status

    def _pass_under_way(self) -> str:
        seconds = f"{self.elapsed:.1f} s" + ("  ^c cancels" if self.elapsed >= 1 else "")
        if self.progress is None or (self.progress.expected <= 0 and self.progress.batches <= 1):
            return f"running  {seconds}"
        return f"{under_way(self.progress, BAR_WIDTH, self.ascii)} {seconds}"

    def _last_pass(self, room: int) -> str:
        if self.summary is None:
            return ""
        hooks = "changed since, r runs" if self.stale else f"{self.summary.hooks} hooks"
        return last_pass(self.summary, hooks, room, self._dot)


def _model_pieces(info: ModelInfo) -> list[Piece]:
    return [
        Piece(5, f"{info.modules} modules"),
        Piece(4, f"{format.count(info.parameters)} parameters"),
        Piece(6, format.bytes_(info.nbytes)),
        Piece(3, "train" if info.training else "eval"),
        Piece(8, visible(info.device)),
    ]


def _weights_pieces(info: ModelInfo) -> list[Piece]:
    """Nothing runs, so there is no mode and no device."""
    return [
        Piece(5, f"{info.tensors:,} tensor{'' if info.tensors == 1 else 's'}"),
        Piece(4, f"{format.count(info.parameters)} elements"),
        Piece(6, format.bytes_(info.nbytes)),
    ]


def short_target(target: str) -> str:
    """A target as typed, a file by its name alone."""
    file, colon, name = target.partition(":")
    return visible(os.path.basename(file) + colon + name if file.endswith(".py") else target)


def fitting(pieces: list[Piece], width: int, dot: str) -> Content:
    """The pieces joined, without those of the highest ranks that do not fit; the first one is cut if it must be."""
    kept = list(pieces)
    while len(kept) > 1 and cell_len(dot.join(piece.text for piece in kept)) > width:
        kept.remove(max(kept))
    first, *rest = kept
    if not rest:
        return Content.styled(format.cut(first.text, max(width, 0)), "bold")
    joined = [part for piece in rest for part in ((dot, "$foreground-muted"), (piece.text, piece.style))]
    return Content.assemble((first.text, "bold"), *joined)
