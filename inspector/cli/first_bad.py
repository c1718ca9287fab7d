"""The verb `first-bad`: where the first NaN or infinity of a pass came from."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..config.apply import fill_target
from ..config.schema import Config
from .model_options import add_model_options, configure, draws_ascii, read_model
from .output import write, write_ascii
from .parser import Parser
from .pass_options import whole_number

if TYPE_CHECKING:
    from ..records import FindFirstBad, Target

EPILOG = """\
One pass is run and every operation looked at. What is found is where that began which an output, the loss or a gradient
holds in the end: module, call, line and expression, and what went in. Masks that hold -inf on purpose are nothing bad.
  inspector first-bad net.py:Net -i 2x16 -w checkpoint.pt
  inspector first-bad net.py:Net --backward --loss cross_entropy
  inspector first-bad resnet18 --bad 'std > 1e3'
  inspector first-bad hf:LlamaConfig --generate 8

exit codes: 0 nothing bad, 3 found, 1 the model failed, 2 usage
"""


def run(arguments: Sequence[str]) -> int:
    """Carry it out and print it. Returns the exit code."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.loss and not options.backward:
        parser.error("--loss goes with --backward")
    if options.generate and options.backward:
        parser.error("--generate or --backward, not both: generate() leaves no graph for a backward pass")
    from .asking.first_bad import print_first_bad

    config = configure(options.config)
    target, request = _read(parser, options, config)
    return print_first_bad(target, request, options.print, write_ascii if draws_ascii(options, config) else write)


def _read(parser: argparse.ArgumentParser, options: argparse.Namespace, config: Config) -> tuple[Target, FindFirstBad]:
    """What to open, and what to look for there."""
    import msgspec

    from ..records import FindFirstBad, Target

    fields = {**read_model(parser, options), "observe": False, "hooks": options.hook, "generate": options.generate}
    fields = fill_target(fields, config, options.eval)
    request = FindFirstBad(1, options.backward, options.loss or "mean", options.bad, options.all)
    return msgspec.convert(fields, Target), request


def make_parser() -> Parser:
    """The parser of this verb."""
    parser = Parser(
        prog="inspector first-bad",
        description="Name the first operation of a pass that gives NaN or infinity from what has none.",
        epilog=EPILOG,
    )
    parser.add_target()
    add = parser.add_argument_group("search").add_argument
    add("--backward", action="store_true", help="look into the loss and the backward pass as well")
    add("--loss", default="", metavar="LOSS", help="mean (the default), sum, cross_entropy or pkg.mod:function")
    add("--bad", default="", metavar="CONDITION",
        help="what counts as bad in place of NaN and infinity: 'zeros > 0.99', 'std > 1e3', "
             "'max > 6 and min < 0'")  # fmt: skip
    add("--all", action="store_true", help="also what never comes to an output, the loss or a gradient")
    add("--hook", action="append", default=[], metavar="MODULE:HOOK", help="a hook to add first, repeatable")
    add_model_options(parser).add_argument(
        "--generate", type=whole_number(1), default=0, metavar="N",
        help="look at generate() in place of forward: so many tokens, a step for each")  # fmt: skip
    add = parser.add_argument_group("view").add_argument
    add("--print", choices=("text", "json"), default="text", help="text (the default) or json")
    add("--ascii", action="store_true", help="draw with ASCII characters only")
    return parser
