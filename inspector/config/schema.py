"""What a configuration may say: its tables, what is in each, and what that is where nothing is said.

A table is a class and its settings are the fields; what help, the default file and errors say of it is made from them.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Percent = Annotated[int, Meta(ge=10, le=90)]
Colour = Annotated[str, Meta(pattern=r"^(#[0-9A-Fa-f]{3}|#[0-9A-Fa-f]{6}|ansi_[a-z_]+)$")]
Times = Annotated[float, Meta(gt=1)]
Distance = Annotated[float, Meta(gt=0)]
Share = Annotated[str, Meta(pattern=r"^((?=.*[1-9])[0-9]{1,4}(\.[0-9]{1,9})?%)?$")]
"""In percent; "" for none."""
Texts = str | list[str]
"""One, or several."""


class View(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the app looks, and where it starts in a target that was not open before."""

    theme: str = ""
    ascii: bool = False
    mouse: bool = True
    split: Percent | None = None
    tab: str = ""
    readonly: bool = False


class TargetSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is meant where a target is typed without it. Everything here can be typed, too."""

    arguments: dict[str, str | int | float | bool] = {}
    input: Texts = ""
    weights: str = ""
    rename: Texts = ""
    device: str = ""
    dtype: str = ""
    train: bool = False
    grad: bool = False
    seed: int = 0
    budget: Share = ""
    hooks: Texts = ""
    recipe: str = ""
    select: str = ""


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which on something is called by a name, shown in another colour, or done unasked."""

    exploding: Times = 1000.0
    vanishing: Times = 1000.0
    delta_low: Distance = 0.01
    delta_middle: Distance = 0.1
    delta_high: Distance = 1.0
    quick: Annotated[float, Meta(ge=0)] = 1000.0


class ThemeColours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A theme: Textual makes what is not said from what is."""

    primary: Colour
    dark: bool = True
    secondary: Colour | None = None
    warning: Colour | None = None
    error: Colour | None = None
    success: Colour | None = None
    accent: Colour | None = None
    foreground: Colour | None = None
    background: Colour | None = None
    surface: Colour | None = None
    panel: Colour | None = None


class Config(msgspec.Struct, frozen=True):
    """All of a configuration, checked. `keys` are in Textual's words, with commas between those of one command."""

    keys: dict[str, str] = {}
    view: View = View()
    targets: dict[str, TargetSettings] = {}
    thresholds: Thresholds = Thresholds()
    themes: dict[str, ThemeColours] = {}


MEANINGS = {
    "view.theme": "a theme of Textual, or one of [themes]",
    "view.ascii": "draw with ASCII characters only",
    "view.mouse": "false leaves the mouse to the terminal",
    "view.split": "percent of the width that the tree has",
    "view.tab": "the tab that shows at first: Source, Outputs, Parameters, …",
    "view.readonly": "nothing can be changed in a model: no hooks, edits or loads",
    "thresholds.exploding": "gradients so many times those of the last layers, or the weights",
    "thresholds.vanishing": "gradients of one part in so many of those of the last layers",
    "thresholds.delta_low": "below this distance from the baseline an output has hardly moved; in the colour of Δ",
    "thresholds.delta_middle": "below this one a little",
    "thresholds.delta_high": "below this one much, above it the output is another one",
    "thresholds.quick": "milliseconds: a pass under it runs again by itself after a change; 0 for none",
}
"""For the default file."""

PANELS = ("Source", "Outputs", "Parameters", "Hooks", "Attributes", "History", "Gradients", "Log")
"""What [view] tab may be."""

THEMES = (
    "textual-dark", "textual-light", "nord", "gruvbox", "catppuccin-mocha", "dracula", "tokyo-night", "monokai",
    "flexoki", "catppuccin-latte", "catppuccin-frappe", "catppuccin-macchiato", "solarized-light", "solarized-dark",
    "rose-pine", "rose-pine-moon", "rose-pine-dawn", "atom-one-dark", "atom-one-light", "ansi-dark", "ansi-light",
)  # fmt: skip
"""Those of Textual. Another one is looked for in Textual itself, which takes its time to import."""

TABLES = ("keys", "view", "thresholds", "targets", "themes")
