"""A problem, or a sentence that explains an empty panel, as lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from textual.content import Content

from ...records import Problem, TraceLine
from ...shown_path import shown_path, shown_place
from ...text import lines, visible
from .. import format
from .styles import DIM, ERROR, HEADING
from .wrap import EMPTY, Line


def message(*texts: str, style: str = DIM) -> list[Line]:
    """Sentences of ours or of the engine, one a line, below a free line."""
    return [Line(), *(Line(Content.styled(visible(text), style)) for text in texts if text)]


def label_line(label: str, text: str, style: str = "") -> Line:
    """`label  text`, the text's further rows below its first."""
    head = f"{label}  "
    return Line(Content.assemble((head, DIM), (visible(text), style)), indent=len(head))


def problem_lines(problem: Problem) -> list[Line]:
    """What was wrong, where, what to try, and the user's own traceback."""
    what, *more = lines(problem.what)
    kind = visible(_kind_in_front(problem))
    found = [Line(Content.assemble((kind, f"{ERROR} bold"), (what, HEADING)), indent=2)]
    found += [Line(Content(text), indent=2) for text in more]
    if problem.why:
        found += _block("why", problem.why)
    if problem.path is not None:
        found.append(label_line("in", format.path(problem.path)))
    if problem.where:
        found += _places(problem.where)
    if problem.hint:
        found += _block("try", problem.hint)
    traceback = _leave_out_message(problem)
    if traceback:
        found += [Line(EMPTY), *_traceback(traceback)]
    return found


def _places(where: str) -> Iterator[Line]:
    """Where it was. A copy has the whole path: whoever reads it may stand elsewhere."""
    pairs = zip(_block("at", shown_path(where)), _block("at", where), strict=True)
    yield from (replace(shown, copied=whole.body.plain) for shown, whole in pairs)


def _block(label: str, text: str) -> Iterator[Line]:
    """Text that may have several lines, all below the first one's beginning."""
    for number, line in enumerate(lines(text)):
        yield label_line(label if number == 0 else " " * len(label), line)


def _kind_in_front(problem: Problem) -> str:
    """The exception's class, where the sentence does not name it."""
    return f"{problem.kind}: " if problem.kind and problem.kind not in problem.what else ""


def _leave_out_message(problem: Problem) -> tuple[TraceLine, ...]:
    """The traceback without its end where that is the sentence at the top again."""
    said = f"{_kind_in_front(problem)}{problem.what}".rstrip().split("\n")
    kept, end = problem.traceback[: -len(said)], problem.traceback[-len(said) :]
    ends_so = "\n".join(entry.text.rstrip("\n") for entry in end).endswith("\n".join(said))
    return kept if problem.kind and ends_so else problem.traceback


def _traceback(entries: tuple[TraceLine, ...]) -> Iterator[Line]:
    """A copy has the whole paths, as above."""
    for entry in entries:
        said = entry.text.rstrip("\n")
        if entry.place:
            text, copied = (visible(each).replace("\n", " ") for each in (shown_place(said), said))
            yield Line(Content(text), indent=4, copied=copied)
        else:
            yield from (Line(Content.styled(text, DIM), indent=4) for text in lines(said))
