"""What is drawn with a theme's colours can be read, whichever theme that is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from textual.app import App
from textual.color import Color

from inspector.tui.drawing.contrast import (
    AA,
    CURSOR,
    QUIET_GROUNDS,
    TEXTS,
    contrast,
    list_grounds,
    make_readable,
    resolve,
)

THEMES = App[None]().available_themes
OWN = {name for name, theme in THEMES.items() if (theme.background or "").startswith("ansi")}
"""Those of the terminal's own colours."""


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#ff0000", "#ffffff", 4.0), ("#123", "#123", 1.0)],
)
def test_contrast_is_that_of_the_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(Color.parse(one), Color.parse(other)) == pytest.approx(ratio, abs=0.005)


def pairs(variables: dict[str, str]) -> Iterator[tuple[str, float]]:
    """Every text on every ground."""
    base = Color.parse(variables["background"])
    grounds = [*list_grounds(variables), *(resolve(variables[name], base) for name in QUIET_GROUNDS)]
    for text in TEXTS:
        yield from ((text, contrast(resolve(variables[text], ground), ground)) for ground in grounds)
    cursor = resolve(variables[CURSOR[1]], base)
    yield "the cursor", contrast(resolve(variables[CURSOR[0]], cursor), cursor)


@pytest.mark.parametrize("name", sorted(THEMES.keys() - OWN))
def test_every_text_of_a_theme_can_be_read_on_every_ground(name: str) -> None:
    colours = {**THEMES[name].to_color_system().generate(), **THEMES[name].variables}
    assert min(ratio for _, ratio in pairs(colours)) < AA  # else nothing would have to be done
    readable = make_readable(colours)
    assert [(text, ratio) for text, ratio in pairs(readable) if ratio < AA] == []
    assert readable["background"] == colours["background"] and readable["primary"] == colours["primary"]


@pytest.mark.parametrize("name", sorted(OWN))
def test_the_colours_of_the_terminal_stay(name: str) -> None:
    colours = {**THEMES[name].to_color_system().generate(), **THEMES[name].variables}
    assert make_readable(colours) == colours
