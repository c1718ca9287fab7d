"""The verb that needs no word: open a target, in the app or as a report."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from ..config.apply import app_options, fill_target, find_place
from ..config.schema import Config
from ..errors import UsageError
from .model_options import configure, configure_for_help, draws_ascii, read_model
from .output import write, write_ascii
from .parser import make_parser
from .pass_options import check_costs, check_estimate, check_report

_UNATTENDED = ("CI", "PYTEST_CURRENT_TEST")
"""Variables of what types by a program: nobody is there to be shown around."""


def run(arguments: Sequence[str]) -> int:
    """Open what was typed, or do what an option says instead. Returns the exit code."""
    if {"-h", "--help"} & set(arguments):
        configure_for_help(arguments)
    parser = make_parser()
    options = parser.parse_args(arguments)
    return _reset() if options.reset else _open_target(parser, options)


def _reset() -> int:
    """Forget what was kept between sessions. Returns the exit code."""
    from ..tui.saved_state import reset_all

    reset_all()
    print("inspector: forgot what was kept between sessions")
    return 0


def _open_target(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Show the app, or print a report where that was asked for or there is no terminal. Returns the exit code."""
    _check_recording(parser, options)
    check_costs(parser, options)
    check_estimate(parser, options)
    config = configure(options.config)
    form = (
        options.print or "estimate" * bool(options.estimate) or ("" if _has_terminal() and not options.save else "tree")
    )
    if not form:
        return _open_app(parser, options, config)
    if not options.target:
        parser.error("without a terminal a TARGET is needed, such as: inspector resnet18 --print tree")
    check_report(parser, options)
    return _print_report(parser, options, config, form)


def _check_recording(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if bool(options.record) != bool(options.save):
        parser.error("--record and --save go together: --record 'layer4.*' --save clean.safetensors")
    if options.save and PurePath(options.save).suffix != ".safetensors":
        parser.error(f"--save {options.save!r} does not end with .safetensors")
    if options.save:
        _check_free(parser, options.save)


def _check_free(parser: argparse.ArgumentParser, name: str) -> None:
    """A name that cannot be written is refused before a pass that may take an hour."""
    from ..errors import UsageError
    from ..files import check_new

    try:
        check_new(name)
    except UsageError as error:
        parser.error(error.problem.what)


def _has_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _print_report(parser: argparse.ArgumentParser, options: argparse.Namespace, config: Config, form: str) -> int:
    import msgspec

    from ..gradients import Limits
    from ..records import EstimateMemory, Target
    from .headless import print_report

    target = msgspec.convert(_read_target(parser, options, config), Target)
    out = write_ascii if form != "json" and draws_ascii(options, config) else write
    limits = Limits(config.thresholds.exploding, config.thresholds.vanishing)
    asked = (options.estimate, options.backward, options.loss, options.optimizer, options.measure)
    estimate = EstimateMemory(1, *asked) if options.estimate else None
    return print_report(target, form, out, options.strict, limits, options.costs, estimate)


def _open_app(parser: argparse.ArgumentParser, options: argparse.Namespace, config: Config) -> int:
    from ..tui.options import AppOptions
    from ..tui.start.launcher import supervise

    configured = app_options(config)
    typed = {
        "target": _read_target(parser, options, config) if options.target else None,
        "select": options.select or find_place(options.target, config),
        "theme": options.theme or configured["theme"],
        "ascii": draws_ascii(options, config),
        "mouse": configured["mouse"] and not options.no_mouse,
        "readonly": configured["readonly"] or options.readonly,
        "watch": options.watch,
        "tour": not any(map(os.environ.get, _UNATTENDED)),
    }
    return supervise(AppOptions(**{**configured, **typed}).to_argv())


def _read_target(parser: argparse.ArgumentParser, options: argparse.Namespace, config: Config) -> dict[str, Any]:
    """The fields of `records.Target`."""
    for text in options.hook:
        if text != "none" and ":" not in text.replace("(root)", "").partition("(")[0]:
            parser.error(f"--hook {text!r} names no module; write --hook 'conv1:scale(2)', or --hook none")
    fields = {
        **read_model(parser, options),
        "run": not options.no_forward,
        "observe": "none" not in options.hook,
        "hooks": [text for text in options.hook if text != "none"],
        "recipe": options.hooks,
        "record": options.record,
        "save": options.save,
        "batches": options.batches,
        "generate": options.generate,
        "budget": options.budget,
        "backward": options.backward,
        "loss": options.loss,
        "optimizer": options.optimizer,
        "loader": options.loader,
        "materialize": options.materialize,
    }
    filled = fill_target(fields, config, options.eval)
    if (options.readonly or config.view.readonly) and (filled["hooks"] or filled["recipe"]):
        raise UsageError("read-only, and hooks are to be put on", hint="leave out the hooks, or --readonly")
    return filled
