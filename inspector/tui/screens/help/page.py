"""One page of help: what is said of a place, its keys, and the words and marks that are written there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from textual.content import Content

from ...drawing.wrap import Line
from ...format import Mark, ascii_only
from ...key_names import print_key
from ...keys import COMMANDS, Command, Context, find_command
from ...panels import PANELS

KEY_COLUMN = 14
_WIDEST = 22
HEADING = "bold $text-primary"
Spell = Callable[[str], str]
"""A text as the app writes it: in ASCII, or as it is."""


@dataclass(frozen=True)
class HelpPage:
    """What a person wants to know who looks at one pane."""

    title: str  # as the pane is called
    tab: str  # the same, short
    says: str = ""
    context: Context | None = None  # whose keys it has
    commands: tuple[str, ...] = ()  # and these of the app
    words: Mapping[str, str] = field(default_factory=dict)  # what else is written there
    marks: tuple[Mark, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)  # commands, and what they do here

    def lines(self, spell: Spell) -> Iterator[Line]:
        """The page, top to bottom."""
        yield from self._keys(spell)
        own = [c for c in COMMANDS if self.context is not None and c.context == self.context]
        for command in (*own, *map(find_command, self.commands)):
            keys, label = key_and_label(command, spell)
            yield row(keys, capitalize(label.removeprefix(f"{self.title}: ")))
        if self.words or self.marks:
            yield Line()
        yield from self._words(spell)

    def own_lines(self, spell: Spell) -> Iterator[Line]:
        """The page without the commands that are told of elsewhere."""
        yield from self._keys(spell)
        yield from self._words(spell)

    def _keys(self, spell: Spell) -> Iterator[Line]:
        yield from write_head(self.title, spell(self.says))
        column = find_column(self._meanings(spell))
        for id, does in self.keys.items():
            yield row(keys_of(find_command(id), spell is in_ascii) or "-", capitalize(spell(does)), column)

    def _words(self, spell: Spell) -> Iterator[Line]:
        yield from meaning_lines(self._meanings(spell))

    def _meanings(self, spell: Spell) -> list[tuple[str, str]]:
        meanings = [(spell(word), spell(meaning)) for word, meaning in self.words.items()]
        return meanings + [(sign, spell(meaning)) for sign, meaning in spell_marks(self.marks, spell)]


def in_ascii(text: str) -> str:
    """The text as the tree writes it where there is nothing but ASCII."""
    return ascii_only(text.replace("²", "^2"))


def keys_of(command: Command, ascii: bool = False) -> str:
    """All keys of a command as they are printed on a keyboard."""
    return " ".join(print_key(key, ascii) for key in command.keys.split(","))


def key_and_label(command: Command, spell: Spell = str) -> tuple[str, str]:
    """How help lists a command; the panel numbers are one line."""
    if command.id == "panel-1" and command.keys == "1":
        return spell(f"1 … {len(PANELS)}"), "Panel with this number"
    return keys_of(command, spell is in_ascii) or "-", spell(command.label)


def capitalize(text: str) -> str:
    """With a capital first letter, and the others as they are."""
    return text[:1].upper() + text[1:]


def row(left: str, meaning: str, column: int = KEY_COLUMN) -> Line:
    """A key or a word, and what it means."""
    gap = " " * max(column - cell_len(left), 1)
    return Line(Content.assemble((f"  {left}", "bold"), gap, meaning), indent=column + 2)


def meaning_lines(meanings: Sequence[tuple[str, str]]) -> Iterator[Line]:
    """Words and what they mean in a column; a word that is too wide for that has a line of its own."""
    column = find_column(meanings)
    for word, meaning in meanings:
        fits = cell_len(word) + 2 <= column
        if not fits:
            yield Line(Content.styled(f"  {word}", "bold"), indent=2)
        yield row(word if fits else "", meaning, column)


def find_column(meanings: Sequence[tuple[str, str]]) -> int:
    """Where meanings begin: behind the widest word that is not too wide for a column."""
    widths = (cell_len(word) + 2 for word, _ in meanings)
    return max((KEY_COLUMN, *(width for width in widths if width <= _WIDEST)))


def write_head(title: str, says: str) -> Iterator[Line]:
    yield Line(Content.styled(title, HEADING))
    if says:
        yield write_dim(f"  {says}")


def write_dim(words: str) -> Line:
    return Line(Content.styled(words, "$foreground-muted"), indent=2)


def spell_marks(marks: tuple[Mark, ...], spell: Spell) -> Iterator[tuple[str, str]]:
    """A sign has an ASCII form of its own."""
    return ((mark.ascii if spell is in_ascii else mark.sign, mark.meaning) for mark in marks)
