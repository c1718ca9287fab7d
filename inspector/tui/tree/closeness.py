"""How near a name is to letters that were typed.

Textual's own matcher tries every way in which the letters can stand in the name, which for `eeeeeeeeeeee` is more than
anybody waits for.
"""

from __future__ import annotations

import re

_WHOLE, _PIECE = 2.0, 1.5
"""What a name counts that is just what was typed, or has it in one piece."""


def closeness(typed: str, name: str) -> float:
    """0 where the letters do not stand in the name in order, else more the nearer: letters at the start of a word
    count twice, and letters in few groups more than scattered ones. Case counts for nothing.

    The time it takes grows with the product of both lengths.
    """
    typed, name = typed.lower(), name.lower()
    starts = {match.start() for match in re.finditer(r"\w+", name)}
    at = name.find(typed)
    if at >= 0:
        return _score(len(typed), len(starts & set(range(at, at + len(typed)))), 1) * (
            _WHOLE if typed == name else _PIECE
        )
    best = _place(typed, name, starts) if len(typed) <= len(name) and _has_letters(typed, name) else None
    return 0.0 if best is None else _score(len(typed), -best[1], best[0])


def _score(letters: int, firsts: int, groups: int) -> float:
    """As Textual has it: https://textual.textualize.io/api/fuzzy_matcher"""
    together = (letters - groups + 1) / letters
    return (letters + firsts) * (1 + together * together) if letters else 0.0


def _has_letters(typed: str, name: str) -> bool:
    letters = iter(name)
    return all(letter in letters for letter in typed)


Way = tuple[int, int]
"""How many groups the letters so far stand in, and minus how many of them begin a word: less is better."""


def _place(typed: str, name: str, starts: set[int]) -> Way | None:
    """The best way to have the letters in order, found letter by letter: `ending[at]` is the best one for those so far
    that ends at this place."""
    ending: dict[int, Way] = {-2: (0, 0)}  # none so far, so that the first one begins a group
    for letter in typed:
        following: dict[int, Way] = {}
        apart: list[Way] = []  # the best that ends further back than the place before
        for at in range(len(name)):
            if at - 2 in ending:
                apart = [min([ending[at - 2], *apart])]
            if name[at] != letter:
                continue
            ways = [(groups + 1, firsts) for groups, firsts in apart]
            ways += [ending[at - 1]] if at - 1 in ending else []
            if ways:
                groups, firsts = min(ways)
                following[at] = groups, firsts - (at in starts)
        ending = following
    return min(ending.values(), default=None)
