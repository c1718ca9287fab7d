"""Passes as they are asked for on the command line, checked before anything is loaded: nothing typed is ignored."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from ..value_text import read_share

MOST = 1_000_000


def whole_number(least: int, most: int = MOST) -> Callable[[str], int]:
    """An argparse type: from `least` on, and no more than anybody waits for."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 9 and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most:,}")
        return int(text)

    return read


def share(text: str) -> float:
    """An argparse type: `10%`, as 0.1."""
    try:
        return read_share(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def batch_sizes(text: str) -> tuple[int, ...]:
    """An argparse type: `1,8,32`."""
    return tuple(map(whole_number(1), text.split(",")))


def check_estimate(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuse to measure what nobody asked for, and what an estimate alone would not look at."""
    if options.measure and not options.estimate:
        parser.error("--measure says how memory is found out: --estimate 1,8,32 --measure")
    if not options.estimate or options.print:
        return
    idle = _typed(options, "generate", "loader", "record", "strict", "no_forward", "hook", "hooks")
    idle = (idle or "--batches" * (options.batches > 1)).replace("_", "-")
    if idle:
        parser.error(f"{idle} is for a pass, and --estimate alone runs none: add --print tree, calls or json")


def check_costs(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuse to measure what nobody would be shown."""
    if options.costs and options.print not in ("costs", "json"):
        parser.error("--costs goes with --print costs or --print json")


def check_report(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuse what a report would not look at. In the app a later pass may."""
    training = _typed(options, "loss", "optimizer")
    if training and not options.backward:
        parser.error(f"{training} needs the backward pass: add --backward")
    idle = _typed(options, "backward", "generate", "loader", "record", "strict")
    idle = idle or "--batches" * (options.batches > 1)
    idle = idle or "--print costs" * (options.print == "costs") or _typed(options, "costs")
    if options.no_forward and idle:
        parser.error(f"{idle} needs a pass, and --no-forward runs none")


def _typed(options: argparse.Namespace, *names: str) -> str:
    """The first of these that was typed, "" where none was."""
    return next((f"--{name}" for name in names if getattr(options, name)), "")
