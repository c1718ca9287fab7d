"""What can be typed: the options, their groups and their help."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from .. import __version__, target_kinds
from . import verbs

EPILOG = """\
verbs, as the first word (inspector VERB --help tells of one; a file of that name is typed ./VERB):
{verbs}

targets:
{kinds}
  KEY=VALUE                    constructor arguments: inspector resnet18 num_classes=10

A factory returns a module, (module, args) or (module, args, kwargs). Without a target the app opens a picker.
Nothing is downloaded unless -w DEFAULT, hf:org/name or hub:owner/repo was typed.

exit codes: 0 fine, 1 the model, its forward or a hook failed, 2 usage
"""


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="inspector",
        description="Look inside a PyTorch model in the terminal, and change what it does while it runs.",
        epilog=EPILOG.format(verbs=verbs.render_help(), kinds=target_kinds.render_help()),
        formatter_class=find_formatter(),
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("target", nargs="?", metavar="TARGET", help="what to open; see targets below")
    add("arguments", nargs="*", metavar="KEY=VALUE", help="constructor arguments")
    add("--version", action="version", version=f"inspector {__version__}")
    model = parser.add_argument_group("model")
    add = model.add_argument
    add("-i", "--input", action="append", default=[], metavar="SPEC",
        help="sample input, repeatable: 1x3x224x224, ids=1x128:int64:0..30521, x=@batch.pt, img=@cat.png, "
             "pkg.mod:make_batch")  # fmt: skip
    add("-w", "--weights", default="", metavar="FILE", help="a state dict, DEFAULT (downloads), or none (random)")
    add("-d", "--device", default="auto", help="auto, cpu, cuda:N or meta")
    add("--dtype", default="", help="convert parameters and input, e.g. bfloat16")
    mode = model.add_mutually_exclusive_group()
    mode.add_argument("--train", action="store_true", help="in training mode")
    mode.add_argument("--eval", action="store_true", help="in evaluation mode (the default)")
    add("--grad", action="store_true", help="record gradients during the pass")
    add("--seed", type=int, default=0, metavar="N", help="for weights, input and pass (default 0)")
    add("--trust-pickle", action="store_true", help="open a file that runs code when it is opened, such as a pickle")
    add("--no-forward", action="store_true", help="do not run a pass at the start")
    add("--materialize", action="store_true", help="let passes give lazy modules their shapes; they are taken back")
    hooks = parser.add_argument_group("hooks and passes")
    add = hooks.add_argument
    add("--hook", action="append", default=[], metavar="MODULE:HOOK",
        help="put a hook on modules, repeatable: 'conv1:scale(2)', 'layer4.*:zero()', \"class:Conv2d:noise(0.1, "
             "on='input')\"; 'none' starts without observing")  # fmt: skip
    add(
        "--hooks",
        default="",
        metavar="FILE",
        help="a recipe of hooks (.toml), as w writes it; its Python hooks are run",
    )
    add("--backward", action="store_true", help="a backward pass after each forward")
    add("--batches", type=int, default=1, metavar="N", help="so many passes in a row, each with its own input")
    add(
        "--loss",
        default="",
        metavar="LOSS",
        help="mean (the default), sum, cross_entropy or pkg.mod:function(output[, batch])",
    )
    add("--optimizer", default="", metavar="OPT", help="step after each batch, such as 'SGD(lr=0.01)'")
    add("--loader", default="", metavar="pkg.mod:NAME", help="whose items are the batches")
    view = parser.add_argument_group("view")
    add = view.add_argument
    add(
        "--print", choices=("tree", "calls", "json"), help="a report instead of the app; the default without a terminal"
    )
    add("-s", "--select", default="", metavar="PATH", help="start at this module, e.g. layer4.0.conv1")
    add("--theme", default="", metavar="NAME", help="a Textual theme, e.g. textual-light")
    add("--ascii", action="store_true", help="draw with ASCII characters only")
    add("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    add("--reset", action="store_true", help="forget everything kept between sessions")
    return parser


def find_formatter() -> Any:
    """Colours for people; plain, and quicker, for everything else."""
    if not sys.stdout.isatty():
        return argparse.RawDescriptionHelpFormatter
    from rich_argparse import RawDescriptionRichHelpFormatter

    RawDescriptionRichHelpFormatter.styles["argparse.args"] = "bold"
    return RawDescriptionRichHelpFormatter
