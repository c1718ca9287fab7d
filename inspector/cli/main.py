"""argv -> one verb, each in a file of its own. Imports neither torch nor Textual."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from .output import OutputError, open_streams, say
from .verbs import split_verb


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code."""
    open_streams()
    verb, arguments = split_verb(list(sys.argv[1:] if argv is None else argv))
    try:
        code: int = import_module(f".{verb.name}", __package__).run(arguments)
    except OutputError as error:
        return _fail(error)
    return code


def _fail(error: OutputError) -> int:
    from ..report.problem import render_problem

    say(render_problem(error.problem))
    return error.exit_code
