"""The modules whose paths come nearest to what is typed: out of a hundred thousand, between two keys."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice

_ANY = r"[^\n]*?"
"""What may stand before the last of several words."""


class Finder:
    """All paths (as shown, in lower case) in one text, so that one expression looks through them."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._text = "\n" + "".join(f"{path}\n" for path in paths)
        self._breaks = [0, *accumulate(len(path) + 1 for path in paths)]  # where the line breaks stand
        self._longest = max(map(len, paths), default=0)

    def __len__(self) -> int:
        return len(self._breaks) - 1

    def find(self, typed: str, most: int, near: Iterable[int] = ()) -> list[int]:
        """The rows of the nearest paths, `most` at most; those that are as near as each other in their order.

        Nearest is the path itself, then a module of that name, then one whose name has it, then one whose path has
        it, then the rows that are `near` for another reason, then one that has its letters in order. Several words
        stand in a path in that order.
        """
        words = typed.lower().split()
        if not words:
            return list(range(len(self))[:most])
        if sum(map(len, words)) > self._longest:  # a paste, at each key of which an expression would be made
            return list(islice(near, most))
        found: dict[int, None] = {}
        strict = map(self._rows, self._patterns_of(_in_order(words)))
        for rows in chain(strict, (near, self._rows(_pattern_of_letters(typed.lower())))):
            if len(found) < most:
                found.update(dict.fromkeys(islice(rows, most)))
        return list(found)[:most]

    def _patterns_of(self, word: str) -> Sequence[str]:
        """From strict to loose, where the loosest is in any path: looking for a word that is not takes longest. Each
        begins with the word where it can, which is what an expression finds quickest."""
        anywhere = rf"{word}[^\n]*"
        if not re.search(anywhere, self._text):
            return ()
        return rf"\n{word}(?=\n)", rf"\.{word}(?=\n)", rf"{word}[^.\n]*(?=\n)", anywhere

    def _rows(self, pattern: str) -> Iterator[int]:
        for match in re.finditer(pattern, self._text):
            yield bisect_left(self._breaks, match.end()) - 1


def locate(typed: str, path: str) -> set[int]:
    """Offsets in `path` of what was found for `typed`: its words, or else its letters, in order."""
    words, lower = typed.lower().split(), path.lower()
    if not words or len(lower) != len(path) or sum(map(len, words)) > len(path):
        return set()
    return _locate(words, lower) or _locate("".join(words), lower)


def _locate(parts: Iterable[str], text: str) -> set[int]:
    """Where these stand in order, each as far left as it can; nothing where they do not."""
    found: set[int] = set()
    end = 0
    for part in parts:
        at = text.find(part, end)
        if at < 0:
            return set()
        end = at + len(part)
        found.update(range(at, end))
    return found


def _in_order(words: Sequence[str]) -> str:
    """An expression for all of them. Between two there is no more than has to be, but before the last: else it would
    be tried out in every way how far each may reach."""
    *first, last = map(re.escape, words)
    gaps = "".join(rf"(?:(?!{word})[^\n])*{word}" for word in first[1:])
    return f"{first[0]}{gaps}{_ANY}{last}" if first else last


def _pattern_of_letters(typed: str) -> str:
    letters = [re.escape(letter) for letter in typed if not letter.isspace()]
    return r"\n" + "".join(rf"[^{letter}\n]*{letter}" for letter in letters)
