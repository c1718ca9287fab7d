"""Where lines break."""

from __future__ import annotations

import pytest
from textual.content import Content

from inspector.tui.drawing.wrap import Line, layout


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("one word beside another", ["one word beside ", "another"]),
        ("/a/folder/of/many/files", ["/a/folder/of/many/", "files"]),
        ("value+self.gate(self.conv(value))", ["value+self.gate(", "self.conv(value))"]),
        ("model.layers.attention", ["model.layers.", "attention"]),
        ("x" * 24, ["x" * 20, "x" * 4]),
    ],
)
def test_a_line_breaks_where_it_is_read_best(text: str, rows: list[str]) -> None:
    assert [text[row.start : row.end] for row in layout([Line(Content(text))], 20)] == rows
