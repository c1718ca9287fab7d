"""The one line at the top: what is open, on the left, and how the last or the running pass goes, on the right."""

from __future__ import annotations

import os
from collections.abc import Iterator

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from ...records import Changes, ModelInfo, PassSummary, Progress, Work
from ...text import visible
from .. import format
from ..keys import key_of
from .parts import Part, drop_parts
from .pass_words import LONG, describe_last, describe_running, describe_work
from .title_words import ALARM, TARGET, WAITING, explain_word, split_words

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
    stopped: reactive[bool] = reactive(False)  # the running pass stands still
    progress: reactive[Progress | None] = reactive(None)
    work: reactive[Work | None] = reactive(None)  # what is waited for, besides a pass or in it
    stop: reactive[str] = reactive("")  # how that is stopped
    elapsed: reactive[float] = reactive(0.0)  # seconds of the running pass, or of the work
    summary: reactive[PassSummary | None] = reactive(None)
    alarm: reactive[str] = reactive("")  # in place of the last pass: what is wrong with the engine
    outdated: reactive[str] = reactive("")  # which files are not what the model was made from
    live: reactive[bool] = reactive(False)
    changes: reactive[Changes | None] = reactive(None)
    stale: reactive[bool] = reactive(False)  # the last pass began before the last change
    readonly: reactive[bool] = reactive(False)
    ascii: reactive[bool] = reactive(False)

    def render(self) -> Content:
        room = self.size.width
        right = self._right(room * 2 // 3)
        left = join_parts(self._left(), room - right.cell_length - 2, self._dot)
        gap = " " * max(room - left.cell_length - right.cell_length, 1)
        return Content.assemble(left, gap, right)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """What the word under the mouse means."""
        x = event.x - self.gutter.left
        under = [words for start, *words in self._explain() if start <= x < start + cell_len(words[0])]
        self.tooltip = Content(": ".join(under[0])) if under else None

    def list_words(self) -> list[tuple[str, str]]:
        """The words that are shown, and what each means."""
        return [(word, meaning) for _, word, meaning in self._explain()]

    def _explain(self) -> Iterator[tuple[int, str, str]]:
        busy = self.running or self.work is not None or self.info is None
        for start, word in split_words(self.render().plain):
            of_target = start == 0 and self.info is not None
            yield start, word, TARGET if of_target else explain_word(word) or (WAITING if busy else ALARM)

    @property
    def _dot(self) -> str:
        return " - " if self.ascii else " · "

    def _left(self) -> list[Part]:
        info = self.info
        if info is None:
            return [Part(0, visible(self.stage))]
        return [
            Part(0, short_target(info.target)),
            *([Part(1, "read-only", "$text-warning")] if self.readonly else []),
            *self._change_parts(),
            Part(7, visible(info.kind)),
            *(_model_parts(info) if info.is_model else _weights_parts(info)),
        ]

    def _change_parts(self) -> list[Part]:
        """What a person did to the model, next to its name: it is no longer quite that."""
        if self.changes is None:
            return []
        made = sum(not change.undone for change in self.changes.changes)
        altering = self.changes.altering
        counted = [(2, made, f"{made} change{'s' * (made != 1)}"), (1, altering, f"{altering} altering")]
        return [Part(rank, words, "$text-warning") for rank, count, words in counted if count]

    def _right(self, room: int) -> Content:
        """How the pass goes; of the last one, as much as there is room for."""
        before = list(self._list_marks())
        if self.alarm:
            return self._sound_alarm(before, room)
        words = self._choose_words(room - sum(len(text) for text, _ in before))
        text = format.ascii_only(words) if self.ascii else words
        return Content.assemble(*before, Content.styled(text, self._choose_style()))

    def _sound_alarm(self, before: list[tuple[str, str]], room: int) -> Content:
        """Where there is no room for both, a file that has changed is what to begin with."""
        alarm = visible(self.alarm)
        taken = sum(cell_len(text) for text, _ in before)
        shown = alarm if not before or taken + cell_len(alarm) <= room else ""
        return Content.assemble(*before, Content.styled(shown, "$text-error"))

    def _list_marks(self) -> Iterator[tuple[str, str]]:
        """What stands before the pass, whichever it is."""
        if self.outdated:
            yield f"{visible(self.outdated)}, {key_of('reload')} reloads  ", "$text-warning"
        if self.live:
            yield "live  ", "bold $text-primary"

    def _choose_words(self, room: int) -> str:
        if self.work is not None:
            return describe_work(self.work, self.elapsed, self.stop, room + room // 8, self.ascii)
        return self._pass_under_way() if self.running else self._last_pass(room)

    def _choose_style(self) -> str:
        if self.running or self.work is not None:
            return "$text-primary"
        summary = self.summary
        if summary is not None and (summary.problem is not None or summary.hook_counts.failed):
            return "$text-error"
        return "$text-warning" if summary is not None and summary.hook_counts.never_fired else "$foreground-muted"

    def _pass_under_way(self) -> str:
        if self.stopped:
            return f"stopped  {key_of('interrupt')} ends the pass"
        seconds = f"{self.elapsed:.1f} s" + (f"  {key_of('interrupt')} cancels" if self.elapsed >= LONG else "")
        if self.progress is None or (self.progress.expected <= 0 and self.progress.batches <= 1):
            return f"running  {seconds}"
        return f"{describe_running(self.progress, BAR_WIDTH, self.ascii)} {seconds}"

    def _last_pass(self, room: int) -> str:
        if self.summary is None:
            return ""
        hooks = f"changed since, {key_of('run')} runs" if self.stale else f"{self.summary.hooks} hooks"
        return describe_last(self.summary, hooks, room, self._dot)


def _model_parts(info: ModelInfo) -> list[Part]:
    little = f"input reaches {info.reached} of {info.modules}"
    return [
        *([Part(1, little, "$text-warning")] if info.reached is not None else []),
        Part(5, f"{info.modules} modules"),
        Part(4, f"{format.count(info.parameters)} parameters"),
        Part(6, format.bytes_(info.nbytes)),
        Part(3, "train" if info.training else "eval"),
        Part(8, visible(info.device)),
    ]


def _weights_parts(info: ModelInfo) -> list[Part]:
    """Nothing runs, so there is no mode and no device."""
    return [
        Part(5, f"{info.tensors:,} tensor{'' if info.tensors == 1 else 's'}"),
        Part(4, f"{format.count(info.parameters)} elements"),
        Part(6, format.bytes_(info.nbytes)),
    ]


def short_target(target: str) -> str:
    """A target as typed, a file by its name alone."""
    file, colon, name = target.partition(":")
    return visible(os.path.basename(file) + colon + name if file.endswith(".py") else target)


def join_parts(parts: list[Part], width: int, dot: str) -> Content:
    """The parts joined, without those of the highest ranks that do not fit; the first one is cut if it must be."""
    first, *rest = drop_parts(parts, width, dot)
    if not rest:
        return Content.styled(format.cut(first.text, max(width, 0)), "bold")
    joined = [text for part in rest for text in ((dot, "$foreground-muted"), (part.text, part.style))]
    return Content.assemble((first.text, "bold"), *joined)
