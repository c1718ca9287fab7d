"""What the model and the engine printed, warned and failed with."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from textual.content import Content

from ...client.model import Model
from ...records import Path, Problem
from ...text import encodable, visible
from ..drawing.escapes import without_escapes
from ..drawing.lines import Page
from ..drawing.problem import message, problem_lines
from ..drawing.styles import ACCENT, DIM, ERROR, GOOD, HEADING, WARN
from ..drawing.wrap import Line
from ..keys import key_of
from .line_panel import LinePanel

HOW_TO_FILL = f"press {key_of('run')} to run a pass: what it prints comes here"
CAP = 10_000  # lines
CHUNK = 1_000  # lines dropped at once, so that a full log does not start anew with every line
LONGEST = 4_000  # characters of one line
PROBLEM = Content.styled("!   ", f"{ERROR} bold")
OVER = Content.styled("was ", DIM)
PREFIXES = {
    "stdout": ("out ", DIM),
    "stderr": ("err ", WARN),
    "engine": ("eng ", ACCENT),
    "warning": ("wrn ", WARN),
    "told": ("app ", DIM),
}

SAID_BY = {
    "out": "printed by the model",
    "err": "written to stderr by the model, or warned by Python",
    "eng": "told by the engine",
    "wrn": "what is wrong with values, hooks or the input",
    "app": "a notice",
    "!": "why something failed; was, where that is over",
}
"""What stands before a line, for the help."""


class LogPanel(LinePanel):
    """Lines as they come. It follows its end until a person scrolls up."""

    TITLE = "Log"
    TAB = "Log"
    OF_MODULE = False
    STALE_AFTER_PASS = False

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = []  # complete lines, then `_open` of them that may still change
        self.dropped = 0
        self.view.follows = True
        self._held: dict[str, str] = {}  # per stream, what came after its last newline
        self._open = 0
        self._alarming = False  # since a person looked
        self._heading = ""  # of what comes next, where nothing came yet
        self._rest: int | None = None  # the first line of the last error, which is followed no further in its pass
        self._standing: dict[Problem, list[int]] = {}  # what is not over, and its lines' numbers, dropped ones counted

    def begin(self, heading: str) -> None:
        """What comes now belongs under this heading. One under which nothing comes is not written."""
        self._heading = heading

    def write(self, stream: str, text: str) -> None:
        """Add what `stream` (stdout, stderr, engine or warning) said: any text, whole lines or not."""
        if text:
            self._write_heading()
        *complete, held = (self._held.pop(stream, "") + text.replace("\r\n", "\n")).split("\n")
        if len(held) > LONGEST and "\r" not in held:
            complete, held = [*complete, held], ""
        held = overwritten(held)[-LONGEST:]
        if held:
            self._held[stream] = held
        self._append([_line(stream, without_escapes(overwritten(raw))) for raw in complete])
        if stream == "warning":
            self._alarm()

    def write_notice(self, text: str) -> None:
        """Add what was said over the screen."""
        self.write("told", text + "\n")

    def show_problem(self, problem: Problem) -> None:
        """Add a problem with its traceback; of one that stands there already only its first line."""
        self._write_heading()
        follow = self.view.at_end
        if problem in self._standing:
            lines = [_repeat(problem)]
        else:
            lines = [replace(line, gutter=PROBLEM) for line in problem_lines(problem)]
        self._append(lines)
        end = self.dropped + len(self.lines) - self._open
        self._standing.setdefault(problem, []).extend(range(end - len(lines), end))
        self._rest = end - len(lines) - self.dropped
        if follow:
            self.go_to_problem()
        self._alarm()

    def go_to_problem(self) -> None:
        """To the end, or no further than the last error has its first line in sight."""
        if self._rest is None:
            self.view.follow_end()
        else:
            self.view.follow_from(self._rest)

    def settle(self, standing: Container[Problem], why: str) -> None:
        """All problems but those `standing` are over: they look so, and say why."""
        over = [problem for problem in self._standing if problem not in standing]
        follow = self.view.at_end
        for problem in over:
            self._look_over([number - self.dropped for number in self._standing.pop(problem)], why)
        if over and follow:
            self.view.follow_end()

    def _look_over(self, indices: list[int], why: str) -> None:
        for index in indices:
            text = Content.styled(self.lines[index].body.plain, DIM)
            self.lines[index] = replace(self.lines[index], gutter=OVER, body=text)
        first = self.lines[indices[0]]
        self.lines[indices[0]] = replace(first, body=first.body + Content.styled(f"  ({why})", GOOD))
        self.view.changed_from(indices[0])

    def holds_anything(self, model: Model, index: int) -> bool:
        return bool(self.lines)

    def tab_mark(self, model: Model, index: int) -> str:
        """Something went wrong, or was warned of, since a person looked."""
        return "!" if self._alarming else ""

    def see(self) -> None:
        self._alarming = False

    def _alarm(self) -> None:
        self._alarming = True
        self.post_message(self.TabChanged())

    def _append(self, lines: Sequence[Line], again: bool = False) -> None:
        """At the end, which is followed where it was in sight; `again` also where an error was left in sight."""
        follow = self.view.at_end or (again and self._rest is not None and self.view.rests_at(self._rest))
        if not self.lines:
            self.post_message(self.TabChanged())
        first = len(self.lines) - self._open
        del self.lines[first:]
        unfinished = [_line(stream, without_escapes(raw, unfinished=True)) for stream, raw in self._held.items()]
        self.lines += [*lines, *unfinished]
        self._open = len(unfinished)
        if self._drop() or first == 0:
            self.view.renew()
        else:
            self.view.changed_from(first)
        if follow:
            self.view.follow_end()

    def _write_heading(self) -> None:
        """Where one waits. Above it, what has no newline yet ends as it is."""
        heading, self._heading = self._heading, ""
        if heading:
            self._held.clear()
            self._open = 0
            free = [Line()] if self.lines else []
            self._append([*free, Line(Content.styled(visible(heading), HEADING))], again=True)

    def _drop(self) -> bool:
        excess = len(self.lines) - CAP
        if excess <= 0:
            return False
        excess = max(excess, CHUNK)
        del self.lines[:excess]
        self.dropped += excess
        self._rest = None
        self._standing = {each: numbers for each, numbers in self._standing.items() if numbers[0] >= self.dropped}
        return True

    def page(self, width: int) -> Page:
        if not self.lines:
            return Page(message("nothing was printed and nothing was warned about", HOW_TO_FILL))
        dropped = Content.styled(f"{self.dropped:,} earlier lines were dropped", DIM)
        return Page(self.lines, [Line(dropped)] if self.dropped else [])

    def select(self, model: Model, index: int) -> None:
        pass

    def request(self, generation: int, path: Path) -> None:
        return None

    def clear(self, model: Model) -> None:
        pass

    def forget(self) -> None:
        pass


def overwritten(text: str) -> str:
    """`text` as a terminal leaves it where a carriage return starts the line again: what was written last.

    A return at the end stays, what comes next overwrites.
    """
    if "\r" not in text:
        return text
    last = next((part for part in reversed(text.split("\r")) if part), "")
    return last + "\r" if text.endswith("\r") else last


def _repeat(problem: Problem) -> Line:
    first = problem_lines(problem)[0]
    return replace(first, gutter=PROBLEM, body=first.body + Content.styled("  (again, as above)", DIM))


def _line(stream: str, text: str) -> Line:
    prefix, style = PREFIXES.get(stream, (f"{visible(stream)[:3]:3} ", DIM))
    text = visible(encodable(text.rstrip("\r").expandtabs(4), LONGEST))
    body = Content.styled(text, style if stream == "warning" else "")
    return Line(body, gutter=Content.styled(prefix, style))
