"""What is drawn with a theme's colours can be read, whichever theme that is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from math import dist
from operator import mul

import pytest
from textual.app import App
from textual.color import Color

from inspector.tui.drawing.contrast import (
    AA,
    CURSOR,
    QUIET_GROUNDS,
    TEXTS,
    contrast,
    linearize,
    list_grounds,
    make_readable,
    resolve,
)
from inspector.tui.tree.heat import HIGH, LOW, MIDDLE, MOST
from inspector.tui.tree.roles import CSS

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


SEEN = {
    "by everybody": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "without red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "without green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "without blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""What an eye makes of linear red, green and blue (Machado, Oliveira and Fernandes 2009, in full)."""


def lab_of(colour: Color, seen: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """As CIELAB."""
    linear = [linearize(part / 255) for part in colour.rgb]
    red, green, blue = (min(max(sum(map(mul, row, linear)), 0.0), 1.0) for row in seen)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def style_of(role: str) -> tuple[str, str]:
    """The colour and the style of text in the tree."""
    found = re.search(rf"& > \.module-tree--{role} {{ color: \$([a-z-]+);(?: text-style: ([a-z ]+);)? }}", CSS)
    assert found
    return found[1], found[2] or ""


@pytest.mark.parametrize("seen", SEEN.values(), ids=SEEN.keys())
@pytest.mark.parametrize("name", ["textual-dark", "textual-light"])
def test_every_eye_tells_little_heat_from_much(name: str, seen: Sequence[Sequence[float]]) -> None:
    colours = make_readable({**THEMES[name].to_color_system().generate(), **THEMES[name].variables})
    ground = Color.parse(colours["background"])
    for one, other in combinations((LOW, MIDDLE, HIGH, MOST), 2):
        (first, style), (second, other_style) = style_of(one), style_of(other)
        apart = dist(*(lab_of(resolve(colours[each], ground), seen) for each in (first, second)))
        assert apart > 20 or style != other_style, (one, other)


@pytest.mark.parametrize("name", sorted(OWN))
def test_the_colours_of_the_terminal_stay(name: str) -> None:
    colours = {**THEMES[name].to_color_system().generate(), **THEMES[name].variables}
    assert make_readable(colours) == colours
