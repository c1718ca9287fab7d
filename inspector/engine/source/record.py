"""Lines of a file, or generated code, as a bounded `Source` record."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...records import Path, Source, SourcePart
from ...text import encodable
from .files import CHARACTER_LIMIT, SourceFile
from .pieces import Piece, last_line

_CUT = f"cut: no more than {CHARACTER_LIMIT} characters are shown"
_NOTE_LIMIT = 1_000
_NAME_LIMIT = 500


@dataclass
class Draft:
    """A `Source` in the making. Without `text`, the last of `notes` says why there is none."""

    path: Path
    part: SourcePart
    title: str
    text: str = ""
    file: str = ""
    first_line: int = 1
    focus: int = 0
    notes: list[str] = field(default_factory=list)

    def take(self, file: SourceFile, piece: Piece, focus: int) -> None:
        """Fill in the text of `piece`, to be scrolled to line `focus`."""
        block = file.block(piece.first, piece.code)
        self.take_lines(file, block, piece.first, focus)
        if last_line(piece.code) >= piece.first + len(block):
            self.note(_CUT)

    def take_lines(self, file: SourceFile, lines: list[str], first: int, focus: int) -> None:
        """Fill in `lines` of the file, of which the first is number `first`."""
        self.text = dedent(lines)
        self.file, self.first_line, self.focus = file.path, first, focus

    def note(self, text: str) -> None:
        if text and text not in self.notes:
            self.notes.append(text)

    def record(self) -> Source:
        if len(self.text) > CHARACTER_LIMIT:
            self.note(_CUT)
        return Source(
            path=self.path,
            part=self.part,
            title=encodable(self.title, _NAME_LIMIT),
            text=_bound(self.text),
            file=encodable(self.file, _NAME_LIMIT * 10),
            first_line=self.first_line,
            focus=self.focus,
            notes=tuple(encodable(note, _NOTE_LIMIT) for note in self.notes),
        )


def dedent(block: list[str]) -> str:
    """The lines without the indentation of the first. Text in a string that is indented less stays as it is."""
    first = block[0] if block else ""
    indent = first[: len(first) - len(first.lstrip(" \t"))]
    return "".join(line.removeprefix(indent) if line.strip() else "\n" for line in block)


def _bound(text: str) -> str:
    if len(text) > CHARACTER_LIMIT:
        text = text[:CHARACTER_LIMIT]
        text = text[: text.rfind("\n") + 1] or text
    return encodable(text, CHARACTER_LIMIT)
