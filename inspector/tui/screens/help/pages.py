"""What help says: a page for each pane, one for the marks, one for the title, and one with everything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from textual.content import Content

from ....gradients import MEANINGS
from ...bars.tabs import TAB_MARKS
from ...bars.title_words import IN_TITLE
from ...drawing.wrap import Line
from ...format import MARKS
from ...keys import COMMANDS, Command
from ...panels.log import SAID_BY
from ...tree.words import IN_TREE
from .layer_pages import LAYER_PAGES
from .page import HelpPage, Spell, in_ascii, key_and_label, meaning_lines, row, spell_marks, write_head

_REMARKS = {
    "General": "  inspector config --edit gives commands other keys.",
    "Panels": "  In the tree too, for the panel that shows, where the key is free.",
}
_PANELS = ("panel-1", "panel-next", "zoom", "search", "next", "copy")


TITLE = "Title"
PAGES: tuple[HelpPage, ...] = (
    HelpPage(
        "Tree", "Tree",
        "Every module: its name, class, parameters, the shape of its output, calls of the last pass, hooks and badges. "
        "In call order every call; in the call tree each below the one that made it.",
        "tree",
        (
            "go-to", "back", "filter", "search", "order", "sort", "observe", "add-hook", "run", "backward", "baseline",
            "undo", "call-back", "call-forward", "stop-here", "stops", "zoom",
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
        "outputs", ("run", "baseline", "call-back", "call-forward", "step-next", *_PANELS),
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
        commands=("run", *_PANELS), words=SAID_BY,
    ),
    HelpPage(
        "Stack", "Stk", "Where the model was when something was raised: frames, the innermost first, and the variables "
        "of the one under the cursor. Tree and source follow it.",
        "stack", ("python-here", "stack", "pane-next", "edit", "run"),
    ),
    HelpPage(
        TITLE, TITLE, "The line at the top as it is now, what else may stand there, and the marks on the tabs. "
        "Where the mouse rests on a word, what it means is shown too.",
        words=IN_TITLE, marks=TAB_MARKS,
    ),
)  # fmt: skip
ALL = "All"


def find_page(title: str) -> HelpPage | None:
    """The page of this title, of a pane or of a layer."""
    return next((page for page in (*PAGES, *LAYER_PAGES) if page.title == title), None)


def page_lines(title: str, ascii: bool = False) -> list[Line]:
    """The page of this title; every other title is everything."""
    spell = in_ascii if ascii else str
    page = find_page(title)
    return list(_everything(spell) if page is None else page.lines(spell))


def title_lines(words: Sequence[tuple[str, str]], ascii: bool = False) -> list[Line]:
    """The page of the title, which has these words now."""
    page = next(page for page in PAGES if page.title == TITLE)
    now = dict(words)
    others = {word: meaning for word, meaning in page.words.items() if meaning not in now.values()}
    return list(replace(page, words=now | others).lines(in_ascii if ascii else str))


def help_text(ascii: bool = False) -> str:
    """Everything, as text."""
    return "\n".join(line.body.plain for line in page_lines(ALL, ascii))


def _everything(spell: Spell) -> Iterator[Line]:
    """All groups in the order of their declaration, then all words and marks, then what lies over the app."""
    for group, commands in groupby(_list_commands(), key=lambda c: c.group):
        yield from write_head(group, "")
        yield from (row(*key_and_label(command, spell)) for command in commands)
        yield from (
            Line(Content.styled(remark, "$foreground-muted"), indent=2) for g, remark in _REMARKS.items() if g == group
        )
        yield Line()
    words = {
        "In the tree": IN_TREE,
        "Words in the title": IN_TITLE,
        "Gradients are called": MEANINGS,
        "Before a line of the Log": SAID_BY,
    }
    marks = {"Marks in the tree": MARKS, "On the tabs": TAB_MARKS}
    listed = {heading: dict(spell_marks(each, spell)) for heading, each in marks.items()}
    for heading, meanings in {**listed, **words}.items():
        yield from write_head(heading, "")
        yield from meaning_lines([(spell(word), spell(meaning)) for word, meaning in meanings.items()])
        yield Line()
    for page in LAYER_PAGES:
        yield from page.own_lines(spell)
        yield Line()


def _list_commands() -> list[Command]:
    """Commands one below the other by group; the panel numbers are one line."""
    numbers = [c for c in COMMANDS if c.id.startswith("panel-") and c.id[6:].isdigit()]
    listed = [c for c in COMMANDS if c not in numbers[1:]]
    order = list(dict.fromkeys(c.group for c in listed))
    return sorted(listed, key=lambda c: order.index(c.group))
