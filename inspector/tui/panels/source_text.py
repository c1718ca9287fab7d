"""Source text as lines of a page: numbered, without the blanks they share; or why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from pathlib import PurePath

from textual.content import Content

from ...records import Source, SourcePart
from ...shown_path import shown_path
from ...text import visible
from .. import format
from ..drawing.problem import label_line
from ..drawing.styles import ACCENT, DIM, HEADING, WARN
from ..drawing.wrap import EMPTY, Line
from ..keys import key_of

PARTS: dict[SourcePart, str] = {"forward": "forward", "class": "class", "init": "__init__", "site": "call site"}
INSIDE: dict[SourcePart, str] = {"frame": "frame", "helper": "function"}
"""What is no part of the module itself, and is named while it is shown."""


def number_lines(code: Sequence[str], first: int, width: int, stops: Set[int] = frozenset()) -> list[Line]:
    """Lines of code with their numbers in front, and a mark at those that passes stop at."""
    digits = len(str(first + len(code) - 1))
    gap = "  " if width >= 56 else " "
    return [
        Line(
            Content(text),
            gutter=_gutter(f"{number:{digits}}", gap, number in stops),
            indent=len(text) - len(text.lstrip()) + 4,
        )
        for number, text in enumerate(code, first)
    ]


def put_beside(lines: Sequence[Line], first: int, asides: Mapping[int, Content]) -> list[Line]:
    """The lines with what is said of them at their ends, by their numbers, of which `first` is the first."""
    return [replace(line, aside=asides.get(number, EMPTY)) for number, line in enumerate(lines, first)]


def _gutter(number: str, gap: str, stops: bool) -> Content:
    if not stops:
        return Content.styled(f"{number}{gap}", DIM)
    return Content.assemble((number, DIM), (f"{format.STOP.sign:{len(gap)}}", f"{WARN} bold"))


def dedent(code: list[str]) -> list[str]:
    """`code` without the blanks that all of its lines begin with."""
    margin = margin_of(code)
    return [text[margin:] for text in code]


def margin_of(code: list[str]) -> int:
    """How many these are."""
    return min((len(text) - len(text.lstrip()) for text in code if text.strip()), default=0)


def explanation(notes: Sequence[str]) -> list[Line]:
    """Why there is no source: the last note; those before it say more."""
    *more, honest = notes or ("no source: the engine does not say why",)
    return [Line(Content(visible(honest)))] + [label_line("note", note, DIM) for note in more]


def draw_title(source: Source, width: int) -> Line:
    """What it is, of which module, and where it stands."""
    place = _place_of(source, 30 if width >= 60 else 0)
    keys = " › ".join(format.key(part) for part in source.path if source.part not in ("site", *INSIDE))
    title = visible(source.title)
    room = width - len(place) - len(title) - 5
    crumbs = f"{_last_part(keys, room)} › " if keys and room > 1 else ""
    return Line(Content.assemble((crumbs, DIM), (title, HEADING)), aside=Content.styled(place, DIM), indent=2)


def draw_parts(source: Source, width: int) -> Line:
    """The parts there are, with the one that is shown."""
    parts = {**PARTS, **{part: word for part, word in INSIDE.items() if part == source.part}}
    chips = [Content.styled(name, f"{ACCENT} bold" if part == source.part else DIM) for part, name in parts.items()]
    return Line(Content("  ").join(chips), aside=Content.styled(_part_keys(width), DIM))


def _place_of(source: Source, room: int) -> str:
    """`…/torchvision/models/resnet.py:89` in about this many cells, at least the file's own name."""
    if not source.file:
        return ""
    parts = PurePath(visible(shown_path(source.file))).parts
    shown, is_cut = parts[-1] if parts else "", False
    for parent in reversed(parts[:-1]):
        if is_cut := len(shown) + len(parent) + 3 > room:
            break
        shown = f"{parent}/{shown}" if parent != "/" else f"/{shown}"
    cut = "…/" if room and is_cut else ""
    return f"{cut}{shown}:{source.focus or source.first_line}"


def _last_part(text: str, room: int) -> str:
    return text if len(text) <= room else "…" + text[len(text) - room + 1 :]


def _part_keys(width: int) -> str:
    part, site = key_of("part"), key_of("site")
    return f"{part} next  {site} site" if width >= 56 else f"{part}  {site}"
