"""The verb `config`: the configuration file shown, made and edited."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ..config.default import render_config, render_default
from ..config.read import find_config_file, read_config
from ..errors import UsageError
from ..files import is_there, write_new
from ..text import encodable
from .output import say, write
from .parser import Parser

EPILOG = """\
examples:
  inspector config                     what holds, and the file it comes from
  inspector config --edit              open the file, which is made if need be
  inspector config --default | less    everything that can be said
  inspector resnet18 --config other.toml

tables:
  [keys]             other keys for commands
  [view]             how the app looks, and where it starts
  [thresholds]       from which on gradients explode, an output has moved, …
  [targets."NAME"]   what is meant where a target is typed by that name
  [themes.NAME]      a theme of your own
"""


def run(arguments: Sequence[str]) -> int:
    """Do what the option says. Returns the exit code."""
    options = make_parser().parse_args(arguments)
    file = Path(os.path.abspath(os.path.expanduser(options.config))) if options.config else find_config_file()
    if options.path:
        write(f"{file}\n")
    elif options.default:
        write(render_default())
    elif options.edit:
        _edit(file)
    else:
        _show(file, options.config)
    return 0


def make_parser() -> Parser:
    """The parser of this verb."""
    parser = Parser(
        prog="inspector config",
        description="Show, make or edit the configuration.",
        epilog=EPILOG,
    )
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--show", action="store_true", help="what holds, as a configuration (what no option means too)")
    one.add_argument("--edit", action="store_true", help="open it in $EDITOR, and check what was written")
    one.add_argument("--default", action="store_true", help="print one with everything that can be said in it")
    one.add_argument("--path", action="store_true", help="print where it is")
    parser.add_argument("--config", default="", metavar="FILE", help="this file in place of your own")
    return parser


def _show(file: Path, named: str) -> None:
    config = read_config(named)
    head = f"# {file}" if is_there(file) else f"# there is no {file}: this is how everything is without one"
    write(f"{encodable(head, 1_000)}\n\n{render_config(config)}")


def _edit(file: Path) -> None:
    from ..tui.editor import editor_command

    if not is_there(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_new(str(file), render_default().encode())
    try:
        subprocess.run(editor_command(str(file), 1, os.environ))
    except (OSError, ValueError) as error:
        raise UsageError(f"the editor cannot be started: {error}", hint="EDITOR=nano inspector config --edit") from None
    read_config(str(file))
    say(f"inspector: {file} is fine\n")
