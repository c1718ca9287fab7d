"""What every verb that opens a target takes: the model and its input."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence
from typing import Any

from ..config.read import read_config
from ..config.schema import Config
from ..errors import UsageError
from ..tui.ascii_locale import is_ascii_locale


def add_model_options(parser: argparse.ArgumentParser) -> Any:
    """Returns the group, for what a verb adds."""
    model = parser.add_argument_group("model")
    add = model.add_argument
    add("-i", "--input", action="append", default=[], metavar="SPEC",
        help="sample input, repeatable: 1x3x224x224, ids=1x128:int64:0..30521, x=@batch.pt, img=@cat.png, "
             "pkg.mod:make_batch")  # fmt: skip
    add("-w", "--weights", default="", metavar="FILE", help="a state dict, DEFAULT (downloads), or none (random)")
    add("--rename", action="append", default=[], metavar="OLD=>NEW",
        help="rename keys of -w, repeatable, one after the other: 'module.=>' leaves out a name that keys begin with, "
             "'=>net.' puts one in front, 'fc=>head', '.gamma=>.weight' anywhere behind another name")  # fmt: skip
    add("-d", "--device", default="auto", help="auto, cpu, cuda:N or meta")
    add("--dtype", default="", help="convert parameters and input, e.g. bfloat16")
    mode = model.add_mutually_exclusive_group()
    mode.add_argument("--train", action="store_true", help="in training mode")
    mode.add_argument("--eval", action="store_true", help="in evaluation mode (the default)")
    add("--grad", action="store_true", help="record gradients during the pass")
    add("--seed", type=int, default=0, metavar="N", help="for weights, input and pass (default 0)")
    add("--trust-pickle", action="store_true", help="open a file that runs code when it is opened, such as a pickle")
    add("--config", default="", metavar="FILE", help="a configuration in place of your own; see inspector config")
    return model


def configure(named: str) -> Config:
    """The configuration, whose keys are those that are named from now on. Raises `UsageError`."""
    config = read_config(named)
    if config.keys:
        from ..tui.keys import change_keys

        change_keys(config.keys)
    return config


def configure_for_help(arguments: Sequence[str]) -> None:
    """The same before the other options are known. A configuration that is wrong is no reason to tell nothing."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config", nargs="?", default="")
    with contextlib.suppress(UsageError):
        configure(parser.parse_known_args(arguments)[0].config or "")


def draws_ascii(options: argparse.Namespace, config: Config) -> bool:
    """Whether there shall be ASCII characters only, or can be."""
    return options.ascii or config.view.ascii or is_ascii_locale()


def read_model(parser: argparse.ArgumentParser, options: argparse.Namespace) -> dict[str, Any]:
    """Those fields of `records.Target`."""
    return {
        "target": options.target,
        "arguments": [_split_pair(parser, text) for text in options.arguments],
        "inputs": options.input,
        "weights": options.weights,
        "renames": options.rename,
        "device": options.device,
        "dtype": options.dtype,
        "training": options.train,
        "seed": options.seed,
        "grad": options.grad,
        "trust_pickle": options.trust_pickle,
    }


def _split_pair(parser: argparse.ArgumentParser, text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not all(part.isidentifier() for part in key.split(".")):
        parser.error(f"{text!r} is not KEY=VALUE; constructor arguments look like num_classes=10")
    return key, value
