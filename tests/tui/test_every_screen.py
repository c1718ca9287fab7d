"""Every panel and every screen, cell by cell: in ASCII where that was asked for, and with colours that can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

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
