"""argv -> one verb, each in a file of its own. Imports neither torch nor Textual."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from ..errors import InspectorError, UsageError
from .output import OutputError, open_streams, say, write
from .parser import asks_for_json, nearest_names
from .verbs import OPEN, VERBS, split_verb


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code."""
    verb, arguments = split_verb(list(sys.argv[1:] if argv is None else argv))
    if verb.name != "run":  # a script has its streams as Python gives them
        open_streams()
    try:
        if verb is OPEN:
            _refuse_slip(arguments)
        code: int = import_module(f".{verb.file}", __package__).run(arguments)
    except OutputError as error:
        return _fail(error)
    except UsageError as error:
        if asks_for_json(arguments):
            _write_failure(error)
        return _fail(error)
    return code


def _refuse_slip(arguments: Sequence[str]) -> None:
    """A verb that was mistyped is no target: to say so takes no torch."""
    word = arguments[0] if arguments else ""
    meant = nearest_names(word, [verb.name for verb in VERBS]) if word.isalpha() and not os.path.exists(word) else []
    if meant and word != OPEN.name:
        raise UsageError(f"there is no verb {word!r}", hint=f"did you mean inspector {meant[0]}?")


def _fail(error: InspectorError) -> int:
    from ..report.problem import render_problem

    say(render_problem(error.problem))
    return error.exit_code


def _write_failure(error: UsageError) -> None:
    from ..report.json_failure import render_failure

    write(render_failure(None, error.problem) + "\n")
