"""Every panel and every screen, cell by cell: in ASCII where that was asked for, and with colours that can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.tui.ascii_locale import is_ascii_locale
from inspector.tui.drawing.contrast import AA, contrast

from .every_screen import Cell, cells, walk

LEAST = 3.0
"""The contrast that level AA of the WCAG wants of what is no text: borders, bars and scrollbars."""


def is_hard_to_see(cell: Cell) -> bool:
    if not cell.text.strip() or cell.fore is None or cell.back is None:
        return False
    return contrast(cell.fore, cell.back) < (LEAST if "─" <= cell.text <= "▟" else AA)


@pytest.mark.parametrize(("theme", "ascii"), [("textual-dark", False), ("textual-light", True)])
async def test_every_cell_can_be_read(theme: str, ascii: bool, tmp_path: Path) -> None:
    async for place, app in walk(tmp_path, theme=theme, ascii=ascii):
        shown = cells(app)
        assert [cell for cell in shown if is_hard_to_see(cell)] == [], place
        assert not ascii or [cell for cell in shown if not cell.text.isascii()] == [], place


@pytest.mark.parametrize(
    ("environment", "ascii"),
    [
        ({}, False),
        ({"LANG": "de_DE.UTF-8"}, False),
        ({"LANG": "C", "LC_CTYPE": "C.utf8"}, False),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C"}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
    ],
)
def test_ascii_is_chosen_where_the_locale_is_not_utf_8(environment: dict[str, str], ascii: bool) -> None:
    assert is_ascii_locale(environment) == ascii
