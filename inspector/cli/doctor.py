"""The verb `doctor`: what this program finds where it runs, and what to do about what is not as it could be."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from ..text import visible
from .checks.check import Check
from .output import write
from .parser import Parser

_MARKS = {"ok": "  ", "note": "! ", "bad": "X "}
_COLOURS = {"ok": "", "note": "\x1b[33m", "bad": "\x1b[31m"}
_NAMES = 15
EPILOG = """\
! could be better, X does not work; behind -> stands what to do.
exit codes: 0 all works, 1 something does not
"""


def run(arguments: Sequence[str]) -> int:
    """Look at everything, and print it. Returns the exit code."""
    options = make_parser().parse_args(arguments)
    checks = list(examine())
    if options.print == "json":
        write(render_json(checks) + "\n")
    else:
        width = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 120
        write(render_text(checks, width, has_colours()))
    return int(any(check.state == "bad" for check in checks))


def make_parser() -> Parser:
    """The parser of this verb."""
    parser = Parser(
        prog="inspector doctor",
        description="Look at the terminal, the versions, the GPU and the files of this program.",
        epilog=EPILOG,
    )
    parser.add_argument("--print", choices=("text", "json"), default="text", help="text is what no option means, too")
    return parser


def examine() -> Iterator[Check]:
    """Everything that is looked at."""
    from .checks.folders import check_folders
    from .checks.gpu import check_torch
    from .checks.terminal import check_terminal
    from .checks.versions import check_extras, check_versions

    yield from check_versions()
    yield from check_extras()
    yield from check_torch()
    yield from check_terminal()
    yield from check_folders()


def has_colours() -> bool:
    """Whether somebody sees them, and wants to."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def render_text(checks: Sequence[Check], width: int, colours: bool) -> str:
    """By group, what to do below what it is about."""
    lines: list[str] = []
    for group, found in groupby(checks, key=lambda check: check.group):
        lines += [group, *(line for check in found for line in _render(check, width, colours)), ""]
    wrong = [check for check in checks if check.state == "bad"]
    end = f"{len(wrong)} of {len(checks)} do not work" if wrong else "all works"
    return "\n".join([*lines, end]) + "\n"


def _render(check: Check, width: int, colours: bool) -> list[str]:
    head = f"{_MARKS[check.state]}{check.name:<{_NAMES}} "
    lines = _wrap(visible(check.said), head, width)
    if check.todo:
        lines += _wrap(visible(check.todo), " " * (len(head)) + "-> ", width)
    colour = _COLOURS[check.state] if colours else ""
    return [f"{colour}{line}\x1b[0m" for line in lines] if colour else lines


def _wrap(text: str, head: str, width: int) -> list[str]:
    room = max(width, 40)
    return textwrap.wrap(text, room, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False)


def render_json(checks: Sequence[Check]) -> str:
    """The document, of one line."""
    return json.dumps({"schema": 1, "checks": [check._asdict() for check in checks]}, ensure_ascii=True)
