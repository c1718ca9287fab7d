"""argv -> one verb, each in a file of its own. Imports neither torch nor Textual."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from .verbs import split_verb


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code."""
    verb, arguments = split_verb(list(sys.argv[1:] if argv is None else argv))
    code: int = import_module(f".{verb.name}", __package__).run(arguments)
    return code
