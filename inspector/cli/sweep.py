"""The verb `sweep`: patch or ablate one place of a model after another, and measure what that does to its output."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..config.apply import fill_target
from ..config.schema import Config
from .model_options import add_model_options, configure, draws_ascii, read_model
from .output import write, write_ascii
from .parser import Parser

if TYPE_CHECKING:
    from ..records import RunSweep, Target

EPILOG = """\
Patching: the clean run is recorded, and in the corrupted one each place gets what it had in the clean one.
  inspector sweep hf:LlamaConfig --over class:LlamaDecoderLayer --where '[:, *]' --metric logit_diff:3,5 \\
      --clean input_ids=@clean.pt --corrupted input_ids=@corrupted.pt
Ablation: --hook is done at each place.
  inspector sweep resnet18 --over 'layer?.?' --hook 'zero()' --metric kl

Every run starts from the same seed and the same model. An interrupt (^c) ends the sweep and keeps what there is.

exit codes: 0 fine, 1 the model or the metric failed, or a place has no number, 2 usage
"""


def run(arguments: Sequence[str]) -> int:
    """Carry it out and print it. Returns the exit code."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    if not options.hook and not options.clean:
        parser.error("give --clean, the input to patch from, or --hook, what is done at each place: --hook 'zero()'")
    from .asking.sweeping import print_sweep

    config = configure(options.config)
    target, request = _read(parser, options, config)
    form = options.print or ("map" if sys.stdout.isatty() else "table")
    ascii = draws_ascii(options, config)
    return print_sweep(target, request, form, ascii, write_ascii if ascii and form in ("map", "table") else write)


def _read(parser: argparse.ArgumentParser, options: argparse.Namespace, config: Config) -> tuple[Target, RunSweep]:
    """What to open, and what to do there with the first model that is open."""
    import msgspec

    from ..records import RunSweep, Target

    fields = {**read_model(parser, options), "observe": False, "run": not options.corrupted}
    fields = fill_target(fields, config, options.eval)
    asked = {name: getattr(options, name) for name in ("over", "where", "hook", "on", "metric", "clean", "corrupted")}
    return msgspec.convert(fields, Target), msgspec.convert({"type": "RunSweep", "generation": 1, **asked}, RunSweep)


def make_parser() -> Parser:
    """The parser of this verb."""
    parser = Parser(
        prog="inspector sweep",
        description="Patch or ablate one place of a model after another, and measure what that does to its output.",
        epilog=EPILOG,
    )
    parser.add_target()
    add = parser.add_argument_group("sweep").add_argument
    add("--over", action="append", required=True, metavar="MODULE",
        help="the places: modules, named as for --hook of inspector, repeatable: 'layer?.?', class:Conv2d")  # fmt: skip
    add("--where", action="append", default=[], metavar="PART",
        help="a part of each output, repeatable: '.last_hidden_state[:, -1]'; a star goes over a dimension: '[:, *]' "
             "every token, '[..., */4]' the last dimension in four equal parts")  # fmt: skip
    add("--hook", default="", metavar="HOOK", help="what is done at each place, such as 'zero()'; else patching")
    add("--on", choices=("output", "input"), default="output",
        help="what is patched, and what --where is a part of: heads are parts of the input of the projection behind "
             "them, --over '*.o_proj' --on input --where '[0][..., */4]'")  # fmt: skip
    add("--metric", required=True, metavar="METRIC",
        help="logit:IDX, logit_diff:A,B, kl (from the clean run, else from the run as it is), mean, norm, or "
             "pkg.mod:function(output), which gives a number or a dict of them")  # fmt: skip
    add("--clean", action="append", default=[], metavar="SPEC", help="the input of the clean run, as after -i")
    add("--corrupted", action="append", default=[], metavar="SPEC",
        help="the input of the run that is altered, drawn from the seed after --clean's; else that of -i")  # fmt: skip
    add_model_options(parser)
    add = parser.add_argument_group("view").add_argument
    add("--print", choices=("map", "table", "json", "csv"), help="map at a terminal, else table")
    add("--ascii", action="store_true", help="draw with ASCII characters only")
    return parser
