"""argv -> one verb, each in a file of its own. Imports neither torch nor Textual."""

from __future__ import annotations

from collections.abc import Sequence

from .parser import make_parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code."""
    parser = make_parser()
    options = parser.parse_args(argv)
    if options.reset:
        from .reset import reset

        return reset()
    from .open import open_target

    return open_target(parser, options)
