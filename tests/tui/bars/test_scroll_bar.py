"""Scroll bars while sizes change."""

from __future__ import annotations

import pytest
from textual.scrollbar import ScrollBar

from inspector.tui.app.app import InspectorApp


@pytest.mark.parametrize(("virtual", "window"), [(10, 10), (10, 12), (0, 0), (0, 3), (10, 0), (30, 10)])
@pytest.mark.parametrize("position", [0, 1.5, 40.0])
def test_a_bar_is_drawn_whatever_the_sizes_are_meanwhile(virtual: int, window: int, position: float) -> None:
    assert InspectorApp  # sets how bars are drawn
    for vertical in (True, False):
        bar = ScrollBar.renderer.render_bar(5, virtual, window, position, vertical=vertical)
        drawn = [segment for segment in bar.segments if segment.text != "\n"]
        assert len(drawn) == 5
        has_thumb = any(segment.style and segment.style.meta.get("@mouse.down") == "grab" for segment in drawn)
        assert has_thumb == (0 < window < virtual)
