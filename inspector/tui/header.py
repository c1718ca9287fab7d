"""The one line at the top: what is open, on the left, and how the last or the running pass goes, on the right."""

from __future__ import annotations

import os

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from ..records import ModelInfo, PassSummary, Progress
from ..text import visible
from . import format
from .pass_words import last_pass, under_way

BAR_WIDTH = 12
LOADING = "loading …"


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

    def _left(self) -> list[tuple[int, str]]:
        """The pieces with their ranks: the highest rank goes first where there is no room."""
        info = self.info
        if info is None:
            return [(0, visible(self.stage))]
        return [
            (0, short_target(info.target)),
            (5, visible(info.kind)),
            (3, f"{info.modules} modules"),
            (2, f"{format.count(info.parameters)} parameters"),
            (4, format.bytes_(info.nbytes)),
            (1, "train" if info.training else "eval"),
            (6, visible(info.device)),
        ]

    def _right(self, room: int) -> Content:
        """How the pass goes; of the last one, as much as there is room for."""
        if self.alarm:
            return Content.styled(visible(self.alarm), "$text-error")
        words = self._pass_under_way() if self.running else self._last_pass(room)
        text = format.ascii_only(words) if self.ascii else words
        failed = self.summary is not None and self.summary.problem is not None and not self.running
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
        return last_pass(self.summary, f"{self.summary.hooks} hooks", room, self._dot)


def short_target(target: str) -> str:
    """A target as typed, a file by its name alone."""
    file, colon, name = target.partition(":")
    return visible(os.path.basename(file) + colon + name if file.endswith(".py") else target)


def fitting(pieces: list[tuple[int, str]], width: int, dot: str) -> Content:
    """The pieces joined, without those of the highest ranks that do not fit; the first one is cut if it must be."""
    kept = list(pieces)
    while len(kept) > 1 and cell_len(dot.join(text for _, text in kept)) > width:
        kept.remove(max(kept))
    first, *rest = [text for _, text in kept]
    if not rest:
        return Content.styled(format.cut(first, max(width, 0)), "bold")
    return Content.assemble((first, "bold"), (dot + dot.join(rest), "$foreground-muted"))
