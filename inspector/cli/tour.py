"""The verb `tour`: the app on a small model of its own, with five screens on how it is used."""

from __future__ import annotations

from collections.abc import Sequence

from ..target_kinds import TOUR
from .open import run as open_target
from .parser import Parser


def run(arguments: Sequence[str]) -> int:
    """Open it, with what else was typed. Returns the exit code."""
    _, others = make_parser().parse_known_args(arguments)
    return open_target([TOUR, *others])


def make_parser() -> Parser:
    """The parser of this verb."""
    return Parser(
        prog="inspector tour",
        description="Show in five screens how the app is used, on a small model that is made here.",
        epilog="The options of inspector are known here too, such as --ascii. In the app, the palette has the tour.",
    )
