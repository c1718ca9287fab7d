"""What stands before each line: the cursor's bar, and where modules are marked, the letter of each."""

from __future__ import annotations

from collections.abc import Mapping

from ...records import Path
from .cells import Piece

BAR = "▌"


class Gutter:
    """One cell for the bar, which is seen in every theme and without colours; two more where there are letters."""

    def __init__(self) -> None:
        self._letters: dict[Path, str] = {}

    def take(self, letters: Mapping[str, Path]) -> None:
        """These letters are given; of several on one module the last is shown."""
        self._letters = {path: letter for letter, path in letters.items()}

    @property
    def width(self) -> int:
        return 3 if self._letters else 1

    def pieces(self, path: Path, selected: bool) -> list[Piece]:
        """What stands before the line of this module."""
        bar: Piece = (BAR if selected else " ", "cursor-bar")
        return [bar, (f"{self._letters.get(path, ' ')} ", "letter")] if self._letters else [bar]
