"""The verb `schema`: the JSON Schema of what `--print json` prints."""

from __future__ import annotations

from collections.abc import Sequence

from .output import write
from .parser import Parser


def run(arguments: Sequence[str]) -> int:
    """Print it. Returns the exit code."""
    make_parser().parse_args(arguments)
    from ..report.schema import read_schema

    write(read_schema())
    return 0


def make_parser() -> Parser:
    """The parser of this verb."""
    return Parser(
        prog="inspector schema",
        description="Print the JSON Schema (draft 2020-12) of what --print json prints.",
        epilog="It is also the file inspector/report/schema.json of the package.",
    )
