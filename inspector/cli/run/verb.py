"""What can be typed after `run`, and what becomes of it."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
from collections.abc import Callable, Sequence
from types import TracebackType

import inspector

from ...errors import InspectorError, NoModelError
from ...report.problem import render_problem
from ..output import say
from ..parser import Parser
from .main_module import find_module, read_script

Hook = Callable[[type[BaseException], BaseException, "TracebackType | None"], object]

_OURS = os.path.dirname(inspector.__file__) + os.sep
EPILOG = """\
As `python SCRIPT ARGS` does, with the same exit code. An error that comes out
of the forward or the backward pass of a model opens the app there, at the
module and the line, with the variables of every frame; without a terminal the
same is printed. When the app is closed, Python tells the error as ever.
  inspector run train.py --epochs 3
  inspector run -m package.train --epochs 3

exit codes: those of the script, 1 where it raised; 2 usage
"""


def run(arguments: Sequence[str]) -> int:
    """Run the script to its end. Returns the exit code; what ends a program without being an error is raised."""
    own, given = _split(arguments)
    parser = make_parser()
    options = parser.parse_args(own)
    if not (options.script or options.module):
        parser.error("name a script, such as: inspector run train.py --epochs 3")
    program = find_module(options.module) if options.module else read_script(options.script)
    program.take_over(given)
    try:
        program.execute()
    except Exception as error:
        return _end(error)
    except BaseException:  # Python knows what to do with it; a traceback is told without our frames
        sys.excepthook = _telling(sys.excepthook)
        raise
    return 0


def make_parser() -> Parser:
    """The parser of what comes before the script's own arguments."""
    parser = Parser(
        prog="inspector run",
        usage="inspector run [-h] SCRIPT [ARGS ...]\n       inspector run [-h] -m MODULE [ARGS ...]",
        description="Run a script, unchanged, and open the app where a model in it raises.",
        epilog=EPILOG,
    )
    parser.add_argument("script", nargs="?", default="", metavar="SCRIPT", help="what `python SCRIPT` would run")
    parser.add_argument("args", nargs=argparse.REMAINDER, metavar="ARGS", help="the script's own")
    parser.add_argument("-m", dest="module", default="", metavar="MODULE", help="what `python -m MODULE` would run")
    return parser


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is ours, and what is the script's."""
    words = list(arguments[1:] if arguments[:1] == ["--"] else arguments)
    first = 2 if words[:1] == ["-m"] else 1
    return words[:first], words[first:]


def _end(error: Exception) -> int:
    """Show the error where it came out of a model, and tell it as Python does."""
    error.__traceback__ = _without_ours(error.__traceback__)
    try:
        if "torch" in sys.modules:
            _show(error)
    finally:
        sys.excepthook(type(error), error, error.__traceback__)
    return 1


def _show(error: Exception) -> None:
    try:
        inspector.post_mortem(error)
    except InspectorError as problem:
        if not isinstance(problem, NoModelError):  # what came out of no model is told by Python alone
            say(render_problem(problem.problem))


def _telling(hook: Hook) -> Hook:
    """What tells of an error as `hook` does, without our frames."""

    def tell(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> object:
        error.__traceback__ = _without_ours(traceback)  # Python's own hook reads it there
        return hook(kind, error, error.__traceback__)

    return tell


def _without_ours(traceback: TracebackType | None) -> TracebackType | None:
    while traceback is not None and _is_ours(traceback.tb_frame.f_code.co_filename):
        traceback = traceback.tb_next
    return traceback


def _is_ours(file: str) -> bool:
    return file.startswith((_OURS, "<frozen runpy", "<frozen importlib", runpy.__file__))  # not frozen before 3.11
