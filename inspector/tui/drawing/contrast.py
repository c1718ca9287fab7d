"""Colours of a theme that everybody can read: WCAG's contrast, and what becomes of a theme that has less."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.color import BLACK, WHITE, Color

AA = 4.5
"""The least contrast of text, by level AA of the WCAG."""

TEXTS = (
    "foreground", "foreground-muted", "text-muted", "text-disabled", "text-primary", "text-secondary", "text-success",
    "text-warning", "text-error", "text-accent",
)  # fmt: skip
"""What text is drawn with."""

GROUNDS = ("background", "surface")
"""What any of it may be drawn on."""

QUIET_GROUNDS = "block-cursor-blurred-background", "primary-muted", "accent-muted"
"""As well; but there it is the ground that gives way, else what is dim would have to be as bright as the rest."""

CURSOR = "block-cursor-foreground", "block-cursor-background"
_FOCUS_TINT = 0.05
"""How much of the foreground Textual mixes into the ground of a box that has the keyboard."""
_STEPS = 20


def contrast(one: Color, other: Color) -> float:
    """From 1 for two of the same brightness to 21 for black and white. Both are opaque."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def make_readable(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of a theme, with as little changed as gives every text on every ground enough contrast. Those of
    the terminal's own colours, which nobody knows, stay."""
    if variables["background"].startswith("ansi"):
        return dict(variables)
    base = Color.parse(variables["background"])
    foreground = _move_away(variables["foreground"], [resolve(variables[name], base) for name in GROUNDS])
    grounds = list_grounds({**variables, "foreground": foreground})  # one of them has some of it
    changed = {name: _move_away(variables[name], grounds) for name in TEXTS}
    texts = [changed[name] for name in TEXTS]
    changed.update({name: _move_ground(variables[name], texts, base, base) for name in QUIET_GROUNDS})
    text, ground = CURSOR
    below = resolve(variables[ground], base)
    away = BLACK if _luminance(resolve(variables[text], below)) > _luminance(below) else WHITE
    changed[ground] = _move_ground(variables[ground], [variables[text]], base, away)
    return {**variables, **changed}


def list_grounds(variables: Mapping[str, str]) -> list[Color]:
    """What any text may be drawn on: the plain grounds, and that of a box that has the keyboard."""
    base = Color.parse(variables["background"])
    grounds = [resolve(variables[name], base) for name in GROUNDS]
    return [*grounds, grounds[-1].blend(resolve(variables["foreground"], base), _FOCUS_TINT, alpha=1.0)]


def resolve(value: str, ground: Color) -> Color:
    """The opaque colour that a variable gives on a ground."""
    if value.startswith("auto"):
        share = float(value.removeprefix("auto").strip().removesuffix("%") or 100) / 100
        return ground.blend(ground.get_contrast_text(1.0).with_alpha(1.0), share, alpha=1.0)
    colour = Color.parse(value)
    return ground.blend(colour, colour.a, alpha=1.0)


def _move_away(value: str, grounds: Iterable[Color]) -> str:
    """The variable as it is where it can be read, else a colour on the way to black or white that can."""
    grounds = list(grounds)
    if all(contrast(resolve(value, ground), ground) >= AA for ground in grounds):
        return value
    colour, end = resolve(value, grounds[0]), _far_end(grounds)
    for step in range(1, _STEPS + 1):
        moved = colour.blend(end, step / _STEPS, alpha=1.0)
        if all(contrast(moved, ground) >= AA for ground in grounds):
            return moved.hex6
    return end.hex6


def _move_ground(value: str, texts: Iterable[str], base: Color, end: Color) -> str:
    """The ground of a cursor, on its way to `end` as far as its texts need that."""
    ground = resolve(value, base)
    for step in range(_STEPS + 1):
        moved = ground.blend(end, step / _STEPS, alpha=1.0)
        if all(contrast(resolve(text, moved), moved) >= AA for text in texts):
            return moved.hex6 if step else value
    return end.hex6


def _far_end(grounds: Iterable[Color]) -> Color:
    return max((BLACK, WHITE), key=lambda end: min(contrast(end, ground) for ground in grounds))


def _luminance(colour: Color) -> float:
    red, green, blue = (linearize(part / 255) for part in colour.rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linearize(part: float) -> float:
    """The light of a part of a colour in sRGB, both from 0 to 1."""
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
