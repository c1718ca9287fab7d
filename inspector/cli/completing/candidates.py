"""One thing that what was typed may go on to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from ...files import complete


class Candidate(NamedTuple):
    """A whole word, and what it means. One that ends in `/`, `:` or `=` is gone on with."""

    text: str
    about: str = ""

    @property
    def goes_on(self) -> bool:
        return self.text.endswith(("/", ":", "="))


def among(words: Iterable[str], begun: str, about: str = "") -> list[Candidate]:
    """Those that begin so."""
    return [Candidate(word, about) for word in words if word.startswith(begun)]


def files(begun: str, suffixes: tuple[str, ...] = (), before: str = "") -> list[Candidate]:
    """Folders, and the files with one of these endings (any without). `before` is what stands before the name."""

    def fits(name: str) -> bool:
        return name.endswith("/") or not suffixes or name.endswith(suffixes)

    return [Candidate(before + name) for name in complete(begun) if fits(name)]


Completer = Callable[[str], list[Candidate]]
"""What goes on from the beginning of a value."""
