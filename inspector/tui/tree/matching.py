"""Which modules the words of a filter mean, and which letters of a name they matched."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import translate
from typing import Any

from ...client.model import Model
from ...client.module_table import ModuleTable
from ...text import visible
from .finding import Finder

_CLASS = "class:"
_GLOB = re.compile(r"[*?\[]")
_LEAST = 3
"""Letters of a word that classes and marks are looked through for: `2` shall not mean every Conv2d."""

Test = Callable[[str, str], bool]
"""Whether a module with this path and class (both lower case) is meant."""


class Names:
    """What a filter compares with: the path and the class of every row, as shown, in lower case."""

    def __init__(self) -> None:
        self._rows = ModuleTable()
        self._paths: list[str] = []
        self._classes: list[str] = []
        self._shown: dict[str, str] = {}  # what was asked about -> as shown, in lower case
        self._finder = Finder(())

    @property
    def paths(self) -> Sequence[str]:
        """All of them; made when they are asked for, and kept until `forget`."""
        if len(self._paths) != len(self._rows):
            every = "\n".join(self._rows.dotted())
            lines = every.lower().split("\n")
            is_plain = every.isascii() and len(lines) == len(self._rows) and "".join(lines).isprintable()
            self._paths = lines if is_plain else [visible(path).lower() for path in self._rows.dotted()]
        return self._paths

    @property
    def classes(self) -> Sequence[str]:
        """Likewise."""
        if len(self._classes) != len(self._rows):
            self._classes = [self._show(name) for name in self._rows.class_names]
        return self._classes

    def path(self, index: int) -> str:
        """One of them."""
        return visible(".".join(self._rows.path(index))).lower()

    def class_name(self, index: int) -> str:
        """Likewise."""
        return self._show(self._rows.class_names[index])

    def _show(self, name: str) -> str:
        """There are few classes."""
        shown = self._shown.get(name)
        if shown is None:
            shown = self._shown[name] = visible(name).lower()
        return shown

    def forget(self) -> None:
        """Nobody looks for anything any more."""
        self._paths, self._classes, self._finder = [], [], Finder(())

    @property
    def finder(self) -> Finder:
        """What finds the nearest of the paths; made when it is asked for."""
        if len(self._finder) != len(self._rows):
            self._finder = Finder(self.paths)
        return self._finder

    def find_nearest(self, typed: str, most: int) -> list[int]:
        """The rows that are meant by letters of a path, or by a class, `most` at most."""
        return self.finder.find(typed, most, self._of_class(typed.strip().lower().removeprefix(_CLASS)))

    def _of_class(self, word: str) -> Iterator[int]:
        """The rows of the class of this name, then those whose class has it."""
        has_word = {name for name in set(self.classes) if word in name} if len(word) >= _LEAST else set()
        for names in ({word} & has_word, has_word - {word}):
            yield from (index for index, name in enumerate(self.classes) if name in names) if names else ()

    def extend(self, model: Model) -> None:
        """Take in the rows that were appended to the model."""
        self._rows = model.rows


def find(text: str, names: Names, marks: Mapping[int, str]) -> list[int]:
    """The rows that every word of a filter matches, ascending.

    A word is a piece of a path, a class or what the row's marks say (`marks`, in lower case), else letters of a path
    in order; a glob of a path or a key; or `class:` and a class name, the start of one, or a glob.
    """
    found: Sequence[int] = range(len(names.paths))
    for word in text.lower().split():
        marked = {i for i, words in marks.items() if word in words} if len(word) >= _LEAST else set()
        found = _find_word(word, names, found, marked)
    return list(found)


def _find_word(word: str, names: Names, among: Iterable[int], marked: set[int]) -> list[int]:
    among, paths, classes = list(among), names.paths, names.classes
    for test in _tests(word):
        found = [index for index in among if index in marked or test(paths[index], classes[index])]
        if found:
            return found
    return []


def _tests(word: str) -> tuple[Test, ...]:
    """From strict to loose: the first that finds anything decides, so that a whole word is not drowned in others
    that merely have its letters."""
    if word.startswith(_CLASS):
        return _class_tests(word[len(_CLASS) :])
    if _GLOB.search(word):
        glob = re.compile(translate(word))
        return (lambda path, _: bool(glob.match(path) or glob.match(path.rpartition(".")[2])),)
    by_class = len(word) >= _LEAST
    return (
        lambda path, class_name: word in path or (by_class and word in class_name),
        lambda path, _: bool(letters(word, path)),
    )


def _class_tests(name: str) -> tuple[Test, ...]:
    if _GLOB.search(name):
        glob = re.compile(translate(name))
        return (lambda _, class_name: bool(glob.match(class_name)),)
    return (lambda _, class_name: class_name == name, lambda _, class_name: name in class_name)


def letters(word: str, text: str) -> list[int]:
    """Where the letters of `word` stand in `text`, in order and as far right as can be; empty where they do not."""
    start = text.rfind(word)
    if start >= 0:
        return list(range(start, start + len(word)))
    found, end = [], len(text)
    for letter in reversed(word):
        end = text.rfind(letter, 0, end)
        if end < 0:
            return []
        found.append(end)
    return found[::-1]


def highlights(text: str, path: str, name: str) -> set[int]:
    """Offsets in `name`, the last key of `path` as shown, that the words of a filter matched."""
    if not path.endswith(name.lower()) or len(name.lower()) != len(name):
        return set()
    start = len(path) - len(name)
    words = [w for w in text.lower().split() if not w.startswith(_CLASS) and not _GLOB.search(w)]
    return {offset - start for word in words for offset in letters(word, path) if offset >= start}


def occurrences(text: str, shown: str) -> set[int]:
    """Offsets in `shown` that a search for `text` found."""
    lower = shown.lower()
    if not text or len(lower) != len(shown):
        return set()
    return {i for match in re.finditer(re.escape(text.lower()), lower) for i in range(*match.span())}


def step(found: Sequence[int], current: int, delta: int, order: Callable[[int], Any] | None = None) -> int:
    """The entry of `found` (ascending in `order`, not empty) `delta` entries from `current`, round the ends; with 0 the
    first one not before it."""
    at = bisect_left(found, current if order is None else order(current), key=order)
    if delta > 0 and not (at < len(found) and found[at] == current):
        delta -= 1
    return found[(at + delta) % len(found)]
