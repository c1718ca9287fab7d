"""The verb `completion`: what a shell needs to complete this command, and its answers when it asks."""

from __future__ import annotations

from collections.abc import Sequence

from .output import write
from .parser import Parser

EPILOG = """\
examples:
  source <(inspector completion bash)    in ~/.bashrc
  source <(inspector completion zsh)     in ~/.zshrc, behind compinit
  inspector completion fish | source     in ~/.config/fish/config.fish

Then tab completes verbs, options and what they take, and targets: files and
what is in them (model.py:), names of torchvision, timm:NAME, and those of your
configuration.
"""
_ANSWER = "--answer"
"""Behind it a shell says its name, and what was typed."""


def run(arguments: Sequence[str]) -> int:
    """Print it. Returns the exit code."""
    from .completing.shells import SCRIPTS, answer

    if list(arguments[:1]) == [_ANSWER] and arguments[1:2]:
        write(answer(arguments[1], arguments[2:]))
    else:
        write(SCRIPTS[make_parser().parse_args(arguments).shell])
    return 0


def make_parser() -> Parser:
    """The parser of this verb."""
    parser = Parser(
        prog="inspector completion",
        description="Print what a shell needs to complete this command.",
        epilog=EPILOG,
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="which shell")
    return parser
