"""What can be typed: the options, their groups and their help."""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from .. import __version__, target_kinds
from ..app_keys import app_key
from ..records.costs import MOST_PASSES
from . import verbs
from .model_options import add_model_options
from .output import say, write
from .pass_options import batch_sizes, share, whole_number

DESCRIPTION = """\
Look inside a PyTorch model in the terminal, and change what it does while it
runs.

examples:
  inspector                                   pick a model
  inspector resnet18                          the app, random weights
  inspector model.py:Net width=64 -i 1x3x64x64 -w net.pt
                                              a class, its input and weights
  inspector resnet18 --hook 'layer4.*:scale(2)'
                                              with a hook on some of its modules
  inspector resnet18 --print json | jq .calls[0]
                                              a report for programs
  inspector sweep resnet18 --over 'layer?.?' --hook 'zero()' --metric kl
                                              one place after another, a table
"""
EPILOG = """\
verbs, as the first word; inspector VERB --help tells of one (a file of that
name is typed ./VERB):
{verbs}

targets:
{kinds}

A factory returns a module, (module, args) or (module, args, kwargs). Without a
target the app opens a picker. Nothing is downloaded unless -w DEFAULT,
hf:org/name or hub:owner/repo was typed. What is typed often has its place in
the configuration: inspector config.

exit codes: 0 fine; 1 the model, its forward or a hook failed, with --strict
also where a hook never fired; 2 usage; 70 the inspector itself failed; 128 and
its number where a signal ended it
"""


class Parser(argparse.ArgumentParser):
    """One that says a usage error in JSON too, on standard output, where JSON was asked for."""

    _json = False
    _seen = argparse.Namespace()

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_find_formatter(), allow_abbrev=False, **options)

    def add_target(self) -> None:
        """What a verb opens."""
        self.add_argument("target", metavar="TARGET", help="what to open, as without a verb")
        self.add_argument("arguments", nargs="*", metavar="KEY=VALUE", help="constructor arguments")

    def parse_args(self, args: Sequence[str], namespace: None = None) -> argparse.Namespace:  # type: ignore[override]
        """As far as it came, `error` knows what was typed."""
        self._seen = argparse.Namespace()
        self._json = asks_for_json(args)
        return super().parse_args(args, self._seen)

    def error(self, message: str) -> NoReturn:
        message += self._guess_options(message)
        if self._json:
            self._print_failure(message)
        super().error(message)

    def _guess_options(self, message: str) -> str:
        """What was meant by the first option that there is not."""
        unknown = message.partition("unrecognized arguments: ")[2].split()
        typed = next((word for word in unknown if word.startswith("--")), "")
        close = nearest_names(typed.partition("=")[0], self._option_string_actions)
        return f"; did you mean {close[0]}?" if typed and close else ""

    def _print_message(self, message: str, file: Any = None) -> None:
        """Help, version and usage: argparse itself passes over what cannot be written."""
        (write if file is sys.stdout else say)(message)

    def _print_failure(self, message: str) -> None:
        from ..records import Problem
        from ..report.json_failure import render_failure

        problem = Problem(message, hint=f"{self.prog} --help", kind="UsageError", exit_code=2)
        write(render_failure(getattr(self._seen, "target", None), problem) + "\n")


def nearest_names(typed: str, known: Iterable[str]) -> list[str]:
    """Those that what was typed is a slip of."""
    import difflib

    return difflib.get_close_matches(typed[:100], list(known), 1, 0.7)


def asks_for_json(arguments: Sequence[str]) -> bool:
    """Whether `--print json` was typed, in a command line that may not be understood otherwise."""
    return "--print=json" in arguments or ("--print", "json") in itertools.pairwise(arguments)


_NARROWEST = 40
"""Columns; a narrower terminal wraps the help itself."""


def make_parser() -> Parser:
    """The parser of `open`."""
    width = max(_NARROWEST, shutil.get_terminal_size().columns - 2)  # as argparse has it
    parser = Parser(
        prog="inspector",
        usage="inspector [VERB] [TARGET] [KEY=VALUE ...] [option ...]",
        description=DESCRIPTION,
        epilog=EPILOG.format(verbs=verbs.render_help(width), kinds=target_kinds.render_help(width)),
        add_help=False,
    )
    add = parser.add_argument_group("what to open").add_argument
    add("target", nargs="?", metavar="TARGET", help="see targets below")
    add("arguments", nargs="*", metavar="KEY=VALUE", help="constructor arguments, such as num_classes=10")
    add_model_options(parser)
    _add_hooks(parser)
    _add_passes(parser)
    _add_view(parser)
    add = parser.add_argument_group("this program").add_argument
    add("-h", "--help", action="help", help="show this and exit")
    add("--version", action="version", version=f"inspector {__version__}")
    add("--reset", action="store_true", help="forget everything kept between sessions")
    return parser


def _add_hooks(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("hooks").add_argument
    add("--hook", action="append", default=[], metavar="MODULE:HOOK",
        help="put a hook on modules, repeatable: 'conv1:scale(2)', 'layer4.*:zero()', \"class:Conv2d:noise(0.1, "
             "on='input')\"; MODULE also takes commas, (root), and ~ to leave out, as in '*, ~class:ReLU:zero()'; "
             "'none' starts without observing")  # fmt: skip
    add(
        "--hooks",
        default="",
        metavar="FILE",
        help=f"a recipe of hooks (.toml), as {app_key('write')} writes it; its Python hooks are run",
    )
    add("--record", action="append", default=[], metavar="MODULE",
        help="keep the outputs of these modules, named as for --hook, repeatable; needs --save")  # fmt: skip
    add("--save", default="", metavar="FILE",
        help="write them to a new .safetensors file, for patch('FILE') and inspector.load; no app")  # fmt: skip
    add("--strict", action="store_true", help="with --print: exit with 1 also where a hook never fired, and say which")
    add("--readonly", action="store_true", help="nothing can be changed in the model: no hooks, no edits, no loads")


def _add_passes(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("passes").add_argument
    add("--no-forward", action="store_true", help="do not run a pass at the start")
    add("--backward", action="store_true", help="a backward pass after each forward")
    add("--batches", type=whole_number(1), default=1, metavar="N",
        help="so many passes in a row, each with its own input")  # fmt: skip
    add("--generate", type=whole_number(1), default=0, metavar="N",
        help="generate() in place of forward: so many tokens, each the likeliest, and a step for each")  # fmt: skip
    add(
        "--loss",
        default="",
        metavar="LOSS",
        help="mean (the default), sum, cross_entropy or pkg.mod:function(output[, batch])",
    )
    add("--optimizer", default="", metavar="OPT", help="step after each batch, such as 'SGD(lr=0.01)'")
    add("--loader", default="", metavar="pkg.mod:NAME", help="whose items are the batches")
    add(
        "--budget",
        type=share,
        default=0.0,
        metavar="10%%",
        help="leave out statistics where looking on would take more than this share of the pass; it says how many",
    )
    add("--costs", type=whole_number(1, MOST_PASSES), default=0, metavar="N",
        help="what each module costs, the median of N warm passes; --print costs takes 5")  # fmt: skip
    add("--estimate", type=batch_sizes, default=(), metavar="SIZES",
        help="the memory of a step at its peak, with so many examples, such as 1,8,32, found out without running it; "
             "also of a backward pass with --backward and --optimizer; no app")  # fmt: skip
    add("--measure", action="store_true", help="with --estimate: run it, for a model that needs values")
    add("--materialize", action="store_true", help="let passes give lazy modules their shapes; they are taken back")


def _add_view(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("view").add_argument
    add(
        "--print",
        choices=("tree", "calls", "costs", "json"),
        help="a report instead of the app; the default without a terminal",
    )
    add("-s", "--select", default="", metavar="PATH", help="start at this module, e.g. layer4.0.conv1; (root)")
    add("--theme", default="", metavar="NAME", help="a Textual theme, e.g. textual-light, or one of yours")
    add("--ascii", action="store_true", help="draw with ASCII characters only")
    add("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    add(
        "--watch",
        action="store_true",
        help=f"reload by itself when the code changes on disk; {app_key('reload')} does it once",
    )


def _find_formatter() -> Any:
    """Colours for people; plain, and quicker, for everything else."""
    if not sys.stdout.isatty():
        return argparse.RawDescriptionHelpFormatter
    from rich_argparse import RawDescriptionRichHelpFormatter as Formatter

    Formatter.styles["argparse.args"] = "bold"
    Formatter.group_name_formatter = str  # as they are written
    Formatter.text_markup = Formatter.help_markup = False  # [keys] is no markup
    return Formatter
