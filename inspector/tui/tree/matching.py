"""Which modules the words of a filter mean, and which letters of a name they matched."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import translate
from typing import Any

from rich.cells import cell_len

from ...client.model import Model
from ...client.module_table import ModuleTable
from ...text import visible
from .. import format as fmt
from .finding import Finder

_CLASS = "class:"
_GLOB = re.compile(r"[*?\[]")
_LEAST = 3
"""Letters of a word that classes and marks are looked through for: `2` shall not mean every Conv2d."""


class Names:
    """What a filter compares with: the path and the class of every row, as shown, in lower case."""

    def __init__(self) -> None:
        self._rows = ModuleTable()
        self._paths: list[str] = []
        self._classes: list[str] = []
        self._shown: dict[str, str] = {}  # what was asked about -> as shown, in lower case
        self._finder = Finder(())
        self.cells = array("i")
        """How wide the path of every row is, as shown."""
        self._key_cells: dict[str, int] = {}

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
            shown = {name: self._show(name) for name in set(self._rows.class_names)}
            self._classes = list(map(shown.__getitem__, self._rows.class_names))
        return self._classes

    def prepare(self) -> None:
        """Make both before they are asked for, on any thread."""
        len(self.paths), len(self.classes)

    def find_rows(self, text: str) -> list[int]:
        """Those whose path or class has `text`, which is in lower case, ascending; none for an empty one."""
        if not text:
            return []
        meant = {name for name in set(self.classes) if text in name}
        if not meant:
            return [index for index, path in enumerate(self.paths) if text in path]
        both = zip(self.paths, self.classes, strict=True)
        return [index for index, (path, name) in enumerate(both) if name in meant or text in path]

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
        self._rows = rows = model.rows
        widths, key_cells = self.cells, self._key_cells
        for index in range(len(widths), len(rows)):
            key, parent = rows.key(index), rows.parents[index]
            own = key_cells.get(key)
            if own is None:
                own = key_cells[key] = cell_len(fmt.key(key))
            widths.append(own if parent <= 0 else widths[parent] + 1 + own)
        if widths:
            widths[0] = len(fmt.ROOT)


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


def _find_word(word: str, names: Names, among: Sequence[int], marked: set[int]) -> list[int]:
    """From strict to loose: the first way that finds anything decides, so that a whole word is not drowned in others
    that merely have its letters."""
    paths, classes = names.paths, names.classes
    if word.startswith(_CLASS):
        for meant in _find_classes(word[len(_CLASS) :], set(classes)):
            if found := [index for index in among if classes[index] in meant or index in marked]:
                return found
        return []
    if _GLOB.search(word):
        glob = re.compile(translate(word)).match
        return [i for i in among if glob(paths[i]) or glob(paths[i].rpartition(".")[2]) or i in marked]
    meant = {name for name in set(classes) if word in name} if len(word) >= _LEAST else set()
    found = [index for index in among if word in paths[index] or classes[index] in meant or index in marked]
    in_order = re.compile("".join(rf"[^{letter}]*{letter}" for letter in map(re.escape, word))).match
    return found or [index for index in among if in_order(paths[index])]


def _find_classes(name: str, classes: set[str]) -> Iterator[set[str]]:
    if _GLOB.search(name):
        glob = re.compile(translate(name)).match
        yield set(filter(glob, classes))
    else:
        yield {name} & classes
        yield {each for each in classes if name in each}


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
