"""The source of the selected module, with the shapes of its last call beside the lines that made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from pathlib import PurePath
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from ...client.model import Model
from ...records import AnyEvent, CallRow, GetFrameSource, GetSource, Path, Source, SourcePart
from ...text import lines, visible
from .. import format
from ..drawing.annotations import shapes_by_line
from ..drawing.colours import Colours
from ..drawing.lines import Page
from ..drawing.problem import label_line
from ..drawing.styles import ACCENT, DIM, HEADING, WARN
from ..drawing.wrap import EMPTY, Line
from ..keys import bindings, key_of
from .line_panel import LinePanel

PARTS: dict[SourcePart, str] = {"forward": "forward", "class": "class", "init": "__init__", "site": "call site"}
LINES_ABOVE = 2  # of the line in focus that stay in sight


class SourcePanel(LinePanel):
    """The class, the forward that runs, `__init__`, or the place in the parent's forward that calls the module."""

    TITLE = "Source"
    TAB = "Source"
    SHORT = "Src"
    STALE_AFTER_PASS = False
    CONTEXT = "source"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(CONTEXT)]

    def __init__(self) -> None:
        super().__init__()
        self.part: SourcePart = "auto"  # remembered from module to module
        self.source: Source | None = None
        self.code: list[str] = []
        self._pointed: tuple[Path, str, int] | None = None  # a line of a file, for one module
        self._frame: tuple[Path, int] | None = None  # of the stack, by its number, for one module
        self.stops: frozenset[tuple[str, int]] = frozenset()  # lines of files that passes stop at
        self._colours: Colours | None = None
        self._calls: Sequence[CallRow] | None = None  # those the lines are annotated with
        self._call = 0  # of the module, which one: its site is shown

    def select(self, model: Model, index: int) -> None:
        super().select(model, index)
        looked_at = model.call_of(index)
        call = looked_at.in_step if looked_at is not None else 0
        if self._calls is not model.calls or call != self._call:
            self._calls, self._call = model.calls, call
            self.view.renew()
            if self.part == "site":
                self.wait()

    def request(self, generation: int, path: Path) -> GetSource | GetFrameSource:
        if self._frame is not None and self._frame[0] == path:
            return GetFrameSource(generation, self._frame[1], path)
        return GetSource(generation, path, self.part, self._call if self.part == "site" else 0)

    def show(self, event: AnyEvent) -> None:
        if isinstance(event, Source):
            self.source = event
            self.code = dedent(lines(event.text.rstrip("\n"))) if event.text else []
            self._colours = Colours(self.code, event.language) if self.code else None
            self.draw_reply()

    def forget(self) -> None:
        self.source, self.code, self._colours = None, [], None

    def start_line(self) -> int:
        return max(self._focus - LINES_ABOVE, 0)

    def point_at(self, path: Path, file: str, line: int) -> None:
        """Mark this line, as long as the source of this module is shown; the next request asks for its forward."""
        self._pointed = path, file, line
        self._show_part("forward")

    def point_at_frame(self, path: Path, number: int) -> None:
        """Show the function of a frame of the stack, as long as this module is selected and no other part is chosen."""
        self._frame = path, number
        self.wait()
        self.post_message(self.Again(self))

    @property
    def _focus(self) -> int:
        """The line to bring into sight, from the first of the code; -1 for none."""
        source = self.source
        if source is None:
            return -1
        if (
            source.part != "frame"
            and (pointed := self._pointed) is not None
            and pointed[:2] == (source.path, source.file)
        ):
            return pointed[2] - source.first_line if 0 <= pointed[2] - source.first_line < len(self.code) else -1
        return source.focus - source.first_line if source.focus else -1

    def action_next_part(self) -> None:
        """Show the next of class, forward and `__init__`."""
        shown = self.source.part if self.part == "auto" and self.source is not None else self.part
        following: dict[SourcePart, SourcePart] = {"forward": "class", "class": "init"}
        self._show_part(following.get(shown, "forward"))

    def show_site(self) -> None:
        """Show where the parent calls the module, in the call that is looked at; the next request asks for it."""
        self._pointed = None
        self._show_part("site")

    def follow_calls(self) -> None:
        """Show of any module from now on where it was called."""
        if self.part != "site" or self._frame is not None:
            self.show_site()

    def _show_part(self, part: SourcePart) -> None:
        self.part, self._frame = part, None
        self.wait()
        self.post_message(self.Again(self))

    def page(self, width: int) -> Page | None:
        source = self.source
        if source is None:
            return None
        if not self.model.is_model:
            return Page(explanation(source.notes))
        head = [self._title(source, width), self._parts(source, width)]
        if not self.code:
            return Page(explanation(source.notes), [*head, Line()])
        notes = [label_line("note", note, WARN) for note in source.notes]
        marked = self._focus if source.part in ("site", "frame") or self._pointed is not None else -1
        head += [*notes, Line()]
        return Page(self._code(source, width), head, colours=self._colours, marked=marked)

    def _title(self, source: Source, width: int) -> Line:
        place = _place(source, 30 if width >= 60 else 0)
        keys = " › ".join(format.key(part) for part in source.path if source.part not in ("site", "frame"))
        title = visible(source.title)
        room = width - len(place) - len(title) - 5
        crumbs = f"{_last_part(keys, room)} › " if keys and room > 1 else ""
        return Line(Content.assemble((crumbs, DIM), (title, HEADING)), aside=Content.styled(place, DIM), indent=2)

    def _parts(self, source: Source, width: int) -> Line:
        parts = {**PARTS, "frame": "frame"} if source.part == "frame" else PARTS
        chips = [Content.styled(name, f"{ACCENT} bold" if part == source.part else DIM) for part, name in parts.items()]
        return Line(Content("  ").join(chips), aside=Content.styled(_keys(width), DIM))

    def _code(self, source: Source, width: int) -> list[Line]:
        asides = shapes_by_line(self.model, source, room=width // 3 if width >= 56 else 9)
        stops = {line for file, line in self.stops if file == source.file}
        return number_lines(self.code, source.first_line, width, asides, stops)

    def copy_text(self) -> str:
        return "\n".join(self.code) if self.code else super().copy_text()

    def location(self) -> tuple[str, int] | None:
        """The line in focus where it is in sight, else the topmost line in sight."""
        source = self.source
        if source is None or not source.file:
            return None
        if not self.code:
            return source.file, source.focus or source.first_line
        focus = source.focus - source.first_line
        line = focus if source.focus and self.view.shows(focus) else self.view.top_line
        return source.file, source.first_line + line


def number_lines(
    code: Sequence[str], first: int, width: int, asides: Mapping[int, Content], stops: Set[int] = frozenset()
) -> list[Line]:
    """Lines of code with their numbers in front, a mark at those that passes stop at, and what is said of a line at its
    end."""
    digits = len(str(first + len(code) - 1))
    gap = "  " if width >= 56 else " "
    return [
        Line(
            Content(text),
            gutter=_gutter(f"{number:{digits}}", gap, number in stops),
            aside=asides.get(number, EMPTY),
            indent=len(text) - len(text.lstrip()) + 4,
        )
        for number, text in enumerate(code, first)
    ]


def _gutter(number: str, gap: str, stops: bool) -> Content:
    if not stops:
        return Content.styled(f"{number}{gap}", DIM)
    return Content.assemble((number, DIM), (f"{format.STOP.sign:{len(gap)}}", f"{WARN} bold"))


def dedent(code: list[str]) -> list[str]:
    """`code` without the blanks that all of its lines begin with."""
    margin = min((len(text) - len(text.lstrip()) for text in code if text.strip()), default=0)
    return [text[margin:] for text in code]


def explanation(notes: Sequence[str]) -> list[Line]:
    """Why there is no source: the last note; those before it say more."""
    *more, honest = notes or ("no source: the engine does not say why",)
    return [Line(Content(visible(honest)))] + [label_line("note", note, DIM) for note in more]


def _place(source: Source, room: int) -> str:
    """`…/torchvision/models/resnet.py:89` in about this many cells, at least the file's own name."""
    if not source.file:
        return ""
    parts = PurePath(visible(source.file)).parts
    shown = parts[-1] if parts else ""
    for parent in reversed(parts[:-1]):
        if len(shown) + len(parent) + 3 > room:
            break
        shown = f"{parent}/{shown}" if parent != "/" else f"/{shown}"
    cut = "…/" if room and not shown.startswith("/") and len(parts) > 1 else ""
    return f"{cut}{shown}:{source.focus or source.first_line}"


def _last_part(text: str, room: int) -> str:
    return text if len(text) <= room else "…" + text[len(text) - room + 1 :]


def _keys(width: int) -> str:
    part, site = key_of("part"), key_of("site")
    return f"{part} next  {site} site" if width >= 56 else f"{part}  {site}"
