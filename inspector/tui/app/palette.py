"""What is found by typing: commands of `COMMANDS` by label, themes by name, modules by path or class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...client.model import Model
from ...records import Choice, Path
from .. import format
from ..keys import COMMANDS, Command
from ..screens.help.page import keys_of
from ..screens.picker import Picker, has_text, narrow_choices
from ..tree.matching import Names

COMMAND, THEME, MODULE = "command", "theme", "module"
"""What an answer begins with; its id, its name or its row follows."""

MOST = 100
"""Modules that are listed: whoever wants another one types another letter."""

_ELSEWHERE = {"quit": "q! qa qa! wq exit", "write": "save", "open": "load"}
"""What commands are called in other programs, by id."""

_NOT_LISTED = frozenset({"palette", "leave"})
_OF_A_PLACE = frozenset({"move", "line", "prompt", "file", "layer"})
"""Contexts whose keys mean something only where the keyboard is."""


class ModulePicker(Picker):
    """Gives "module" and the row of the one to go to. Until something is typed, `latest` come first."""

    VERB = "Go to"
    help_page = "Going to a module"

    def __init__(
        self,
        model: Model,
        names: Names,
        title: str = "",
        choices: Sequence[Choice] = (),
        latest: Sequence[Path] = (),
    ) -> None:
        what = "modules" if model.is_model else "names"
        super().__init__(title or f"Go to one of {len(model.rows):,} {what}", choices)
        self._model = model
        self._names = names
        self._latest = [row for row in map(model.index_of, latest) if row is not None]
        self._answers: list[str] = []  # by line of the list

    def answer(self, line: int) -> str:
        return self._answers[line]

    def find(self, text: str) -> list[Choice]:
        return self._list(self.find_modules(text))

    def find_modules(self, text: str) -> Iterable[tuple[str, Choice]]:
        """The nearest modules, and the answer for each."""
        rows, paths = self._model.rows, self._model.paths
        found = self._names.find_nearest(text, MOST)
        for row in found if text.strip() else dict.fromkeys([*self._latest, *found]):
            yield f"{MODULE} {row}", Choice(format.path(paths[row]), rows[row].class_name)

    def _list(self, found: Iterable[tuple[str, Choice]]) -> list[Choice]:
        answers = list(found)
        self._answers = [answer for answer, _ in answers]
        return [choice for _, choice in answers]


class Palette(ModulePicker):
    """Commands and themes, and what is typed is looked for among the modules too. Labels are ours, never text from a
    model."""

    VERB = "Do"
    help_page = "Commands by name"

    def __init__(self, model: Model, names: Names, themes: Sequence[str], ascii: bool = False) -> None:
        commands = {Choice(c.label, keys_of(c, ascii)): f"{COMMAND} {c.id}" for c in list_palette_commands()}
        self._own = commands | {Choice(f"Theme {name}", "theme"): f"{THEME} {name}" for name in themes}
        super().__init__(model, names, "Commands, themes and modules", list(self._own))

    def keeps_end(self, choice: Choice) -> bool:
        return choice not in self._own

    def find(self, text: str) -> list[Choice]:
        """What has the text for its key or is called so elsewhere, what has it, then what only has its letters."""
        typed = text.strip()
        own = [(self._own[choice], choice) for choice in narrow_choices(list(self._own), text)]
        if not typed:
            return self._list(own)
        named = [(answer, choice) for choice, answer in self._own.items() if is_named(typed, answer, choice)]
        near = [pair for pair in own if has_text(pair[1].name, typed)]
        found = [*named, *near, *self.find_modules(typed), *own]
        return self._list(dict(found).items())


def is_named(typed: str, answer: str, choice: Choice) -> bool:
    """Whether this is a key of what is chosen, or what it is called in other programs."""
    return typed in choice.kind.split() or typed in _ELSEWHERE.get(answer.removeprefix(f"{COMMAND} "), "").split()


def list_palette_commands() -> list[Command]:
    """The commands that make sense without a cursor in a pane."""
    return [c for c in COMMANDS if c.context not in _OF_A_PLACE and c.id not in _NOT_LISTED]
