"""What help says: a page for each pane, one for the marks, one for the title, and one with everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from rich.cells import cell_len
from textual.content import Content

from ...gradients import MEANINGS
from ..bars.tabs import TAB_MARKS
from ..bars.title_words import IN_TITLE
from ..drawing.wrap import Line
from ..format import MARKS, Mark, ascii_only
from ..key_names import print_key
from ..keys import COMMANDS, Command, Context, find_command
from ..tree.words import IN_TREE

KEY_COLUMN = 14
_WIDEST = 26
HEADING = "bold $text-primary"
Spell = Callable[[str], str]
"""A text as the app writes it: in ASCII, or as it is."""

_REMARKS = {
    "General": "  inspector config --edit gives commands other keys.",
    "Panels": "  In the tree too, for the panel that shows, where the key is free.",
}
_PANELS = ("panel-1", "panel-next", "zoom", "search", "next", "copy")


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

    def lines(self, spell: Spell) -> Iterator[Line]:
        """The page, top to bottom."""
        yield from _head(self.title, spell(self.says))
        own = [c for c in COMMANDS if self.context is not None and c.context == self.context]
        for command in (*own, *map(find_command, self.commands)):
            keys, label = key_and_label(command, spell)
            yield row(keys, capitalize(label.removeprefix(f"{self.title}: ")))
        if self.words or self.marks:
            yield Line()
        meanings = [(spell(word), spell(meaning)) for word, meaning in self.words.items()]
        meanings += [(sign, spell(meaning)) for sign, meaning in _spell_marks(self.marks, spell)]
        column = min(max((KEY_COLUMN, *(cell_len(word) + 2 for word, _ in meanings))), _WIDEST)
        yield from (row(word, meaning, column) for word, meaning in meanings)


TITLE = "Title"
PAGES: tuple[HelpPage, ...] = (
    HelpPage(
        "Tree", "Tree",
        "Every module: its name, class, parameters, the shape of its output, calls of the last pass, hooks and badges. "
        "In call order, every call.",
        "tree",
        (
            "go-to", "back", "filter", "search", "order", "sort", "observe", "add-hook", "run", "backward", "baseline",
            "undo", "zoom",
        ),
        IN_TREE,
    ),
    HelpPage("Marks", "Marks", "What stands behind the shape of a module in the tree.", marks=MARKS),
    HelpPage(
        "Source", "Source", "The code that really runs, with the shapes of the last pass beside its lines.",
        "source", ("site", "edit", *_PANELS),
    ),
    HelpPage(
        "Outputs", "Out",
        "What one call took and gave: shapes, statistics, a histogram and values; with a baseline, before and after.",
        "outputs", ("run", "baseline", "step-next", *_PANELS),
    ),
    HelpPage(
        "Parameters", "Param", "The module's parameters and buffers, and after a backward pass their gradients.",
        commands=("edit-parameters", "backward", "try-state-dict", "undo", *_PANELS),
    ),
    HelpPage(
        "Hooks", "Hooks", "Every hook on the module, ours and other people's, in the order in which they fire.",
        "hooks", ("add-hook", "all-hooks", "disable-all", "undo", "write", "read", *_PANELS),
    ),
    HelpPage(
        "Attributes", "Attr", "What kind of module it is, and what its attributes hold.", commands=("edit", *_PANELS)
    ),
    HelpPage(
        "History", "Hist", "How outputs, parameters and loss went over several batches or steps.",
        "history", ("batches", "step-next", "step-previous", *_PANELS),
    ),
    HelpPage(
        "Gradients", "Grad", "The gradients that reached each module in the last backward pass.",
        "gradients", ("backward", *_PANELS), MEANINGS,
    ),
    HelpPage(
        "Log", "Log", "What passes printed and why they failed, and every notice, under a heading for each pass.",
        commands=("run", *_PANELS),
    ),
    HelpPage(
        TITLE, TITLE, "The line at the top as it is now, what else may stand there, and the marks on the tabs. "
        "Where the mouse rests on a word, what it means is shown too.",
        words=IN_TITLE, marks=TAB_MARKS,
    ),
)  # fmt: skip
ALL = "All"


def page_lines(title: str, ascii: bool = False) -> list[Line]:
    """The page of this title; every other title is everything."""
    spell = in_ascii if ascii else str
    found = [line for page in PAGES if page.title == title for line in page.lines(spell)]
    return found or list(_everything(spell))


def title_lines(words: Sequence[tuple[str, str]], ascii: bool = False) -> list[Line]:
    """The page of the title, which has these words now."""
    page = next(page for page in PAGES if page.title == TITLE)
    now = dict(words)
    others = {word: meaning for word, meaning in page.words.items() if meaning not in now.values()}
    return list(replace(page, words=now | others).lines(in_ascii if ascii else str))


def help_text(ascii: bool = False) -> str:
    """Everything, as text."""
    return "\n".join(line.body.plain for line in page_lines(ALL, ascii))


def in_ascii(text: str) -> str:
    """The text as the tree writes it where there is nothing but ASCII."""
    return ascii_only(text.replace("²", "^2"))


def keys_of(command: Command, ascii: bool = False) -> str:
    """All keys of a command as they are printed on a keyboard."""
    return " ".join(print_key(key, ascii) for key in command.keys.split(","))


def key_and_label(command: Command, spell: Spell = str) -> tuple[str, str]:
    """How help lists a command; the panel numbers are one line."""
    if command.id == "panel-1" and command.keys == "1":
        return spell("1 … 9"), "Panel with this number"
    return keys_of(command, spell is in_ascii) or "-", spell(command.label)


def capitalize(text: str) -> str:
    """With a capital first letter, and the others as they are."""
    return text[:1].upper() + text[1:]


def row(left: str, meaning: str, column: int = KEY_COLUMN) -> Line:
    """A key or a word, and what it means."""
    gap = " " * max(column - cell_len(left), 1)
    return Line(Content.assemble((f"  {left}", "bold"), gap, meaning), indent=column + 2)


def _head(title: str, says: str) -> Iterator[Line]:
    yield Line(Content.styled(title, HEADING))
    if says:
        yield _dim(f"  {says}")


def _dim(words: str) -> Line:
    return Line(Content.styled(words, "$foreground-muted"), indent=2)


def _spell_marks(marks: tuple[Mark, ...], spell: Spell) -> Iterator[tuple[str, str]]:
    """A sign has an ASCII form of its own."""
    return ((mark.ascii if spell is in_ascii else mark.sign, mark.meaning) for mark in marks)


def _everything(spell: Spell) -> Iterator[Line]:
    """All groups in the order of their declaration, then all words and marks."""
    for group, commands in groupby(_list_commands(), key=lambda c: c.group):
        yield from _head(group, "")
        yield from (row(*key_and_label(command, spell)) for command in commands)
        yield from (
            Line(Content.styled(remark, "$foreground-muted"), indent=2) for g, remark in _REMARKS.items() if g == group
        )
        yield Line()
    words = {"In the tree": IN_TREE, "Words in the title": IN_TITLE, "Gradients are called": MEANINGS}
    marks = {"Marks in the tree": MARKS, "On the tabs": TAB_MARKS}
    listed = {heading: dict(_spell_marks(each, spell)) for heading, each in marks.items()}
    for heading, meanings in {**listed, **words}.items():
        yield from _head(heading, "")
        yield from (row(spell(word), spell(meaning)) for word, meaning in meanings.items())
        yield Line()


def _list_commands() -> list[Command]:
    """Commands one below the other by group; the panel numbers are one line."""
    numbers = [c for c in COMMANDS if c.id.startswith("panel-") and c.id[6:].isdigit()]
    listed = [c for c in COMMANDS if c not in numbers[1:]]
    order = list(dict.fromkeys(c.group for c in listed))
    return sorted(listed, key=lambda c: order.index(c.group))
