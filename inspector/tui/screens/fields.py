"""The rows of a form: a name, a box or a choice, and what it means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from ...text import visible
from ..completing_box import Complete, CompletingBox, list_choices
from ..keys import key, key_like
from ..line_box import LineBox


class FieldScroll(VerticalScroll, inherit_bindings=False, can_focus=False):
    """Fields that may be more than a window has rows. It has no keys: arrows go from field to field, and it follows."""

    DEFAULT_CSS = "FieldScroll { scrollbar-size-vertical: 1; }"


class Cycle(Static, can_focus=True):
    """One of a few words, the chosen one in brackets: it can be told without colours."""

    BINDINGS: ClassVar[list[BindingType]] = [key_like("tick", "step(1)", also="right,l"), key("left,h", "step(-1)")]

    DEFAULT_CSS = """
    Cycle { height: 1; width: 1fr; padding-right: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    value: reactive[str] = reactive("")

    class Changed(Message):
        """Another word is chosen."""

        def __init__(self, cycle: Cycle) -> None:
            self.cycle = cycle
            super().__init__()

    def __init__(self, choices: Sequence[str], value: str) -> None:
        super().__init__()
        self._choices = tuple(choices)
        self.set_reactive(Cycle.value, value if value in self._choices else self._choices[0])

    def render(self) -> Content:
        """Where not all have room, those before the chosen one give way."""
        chosen = "bold $text-primary reverse" if self.has_focus else "bold $text-primary"
        words = [
            Content.styled(f"[{visible(each)}]", chosen)
            if each == self.value
            else Content.styled(f" {visible(each)} ", "$foreground-muted")
            for each in self._choices
        ]
        at = self._choices.index(self.value)
        first = 0
        while first < at and sum(word.cell_length for word in words[first : at + 1]) > self.size.width:
            first += 1
        return Content.assemble(*words[first:])

    def action_step(self, delta: int) -> None:
        self.value = self._choices[(self._choices.index(self.value) + delta) % len(self._choices)]

    def watch_value(self) -> None:
        self.post_message(self.Changed(self))

    def on_click(self) -> None:
        self.action_step(1)


class Tick(Static, can_focus=True):
    """A box to tick: its state can be read without colours."""

    BINDINGS: ClassVar[list[BindingType]] = [key_like("tick", "tick")]

    DEFAULT_CSS = """
    Tick { height: 1; }
    Tick:focus { color: $text-primary; text-style: bold; }
    """

    ticked: reactive[bool] = reactive(False)

    class Ticked(Message):
        """It was ticked, or no longer is."""

        def __init__(self, ticked: bool) -> None:
            self.ticked = ticked
            super().__init__()

    def __init__(self, label: str, ticked: bool) -> None:
        super().__init__()
        self._label = label
        self.set_reactive(Tick.ticked, ticked)

    def render(self) -> Content:
        return Content(f"[{'x' if self.ticked else ' '}] {self._label}")

    def action_tick(self) -> None:
        self.ticked = not self.ticked
        self.post_message(self.Ticked(self.ticked))

    def on_click(self) -> None:
        self.action_tick()


class Field(Horizontal):
    """One row. `value` is what was typed or chosen.

    Args:
        name: What stands in front.
        value: To start from.
        meaning: What stands behind.
        example: Shown in an empty box.
        choices: Words to choose from, in place of a box.
        suggestions: Words that what is typed may go on to; right takes it.
        complete: What tab goes on to, where that is not known before.
    """

    DEFAULT_CSS = """
    Field { height: 1; }
    Field > .name { width: 11; text-style: bold; text-wrap: nowrap; text-overflow: ellipsis; }
    Field > .meaning { width: 35%; padding: 0 1 0 2; color: $foreground-muted; text-wrap: nowrap;
        text-overflow: ellipsis; }
    Field > Input { width: 1fr; background: $surface; }
    """

    def __init__(
        self,
        name: str,
        value: str = "",
        meaning: str = "",
        example: str = "",
        choices: Sequence[str] = (),
        suggestions: Sequence[str] = (),
        complete: Complete | None = None,
    ) -> None:
        super().__init__()
        self.label = name
        self._meaning = meaning
        if choices:
            self.box: Input | Cycle = Cycle(choices, value)
        elif complete is not None:
            self.box = CompletingBox(value, visible(example), complete=complete, select_on_focus=False)
        else:
            suggester = SuggestFromList(list(map(visible, suggestions))) if suggestions else None
            example = visible(example)
            self.box = LineBox(value, example, suggester=suggester, select_on_focus=False)

    def compose(self) -> ComposeResult:
        yield Static(Content(visible(self.label)), classes="name")
        yield self.box
        if self._meaning:
            yield Static(Content(visible(self._meaning)), classes="meaning")

    @property
    def value(self) -> str:
        return self.box.value

    @property
    def cut_meaning(self) -> str:
        """What it means, where only the beginning of that is to be seen."""
        meaning = visible(self._meaning)
        room = max((each.content_size.width for each in self.query(".meaning")), default=0)
        return meaning if cell_len(meaning) > room else ""

    @on(CompletingBox.Completed)
    def _show_names(self, event: CompletingBox.Completed) -> None:
        """In place of the meaning, of files without their folder."""
        event.stop()
        folder, slash, _ = event.begun.rpartition("/")
        words = list_choices(event, folder + slash) or visible(self._meaning)
        self.query_one(".meaning", Static).update(Content(words))

    def explain(self, meaning: str, example: str) -> None:
        """It means something else now."""
        self._meaning = meaning
        self.query_one(".meaning", Static).update(Content(visible(meaning)))
        if isinstance(self.box, Input):
            self.box.placeholder = visible(example)
