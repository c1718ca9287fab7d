"""A configuration to start from: everything that can be said, as it is anyway, behind comment signs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import tomlkit

from ..tui.key_names import print_key
from ..tui.keys import COMMANDS, Command
from .schema import MEANINGS, TABLES, Config, Thresholds, View

_HEAD = """\
# The configuration of inspector. What stands behind a # is how it is anyway; take the sign away to change it.
# inspector config --edit opens this file and checks it, inspector config --show says what holds."""
_EXAMPLES = """\
# What is meant where a target is typed by this name: in place of options, which win where they are typed.
# [targets."model.py:Net"]
# arguments = {width = 64}  # of its constructor, as KEY=VALUE
# input = ["1x3x64x64"]  # as after -i, one or a list
# weights = "net.pt"  # as after -w
# rename = ["module.=>"]  # of keys of the weights
# device = "cpu"  # cpu, cuda:N, meta, auto
# dtype = "bfloat16"  # parameters and input are converted to it
# train = false  # in training mode
# grad = false  # with gradients during the pass
# seed = 0  # for weights, input and pass
# budget = "10%"  # as after --budget
# hooks = ["conv1:scale(2)"]  # as after --hook, one or a list
# recipe = "hooks.toml"  # as after --hooks
# select = "layer4.0"  # the module to start at

# A theme of your own, for [view] theme = "mine"; Textual makes the colours that are not said.
# [themes.mine]
# primary = "#88c0d0"  # titles and keys; the one that is needed
# dark = true  # light text on a dark ground
# foreground = "#d8dee9"  # text
# background = "#2e3440"  # behind panes and layers
# surface = "#3b4252"  # behind boxes to type in
# panel = "#434c5e"  # of what stands out a little from that
# secondary = "#81a1c1"  # beside the first
# accent = "#b48ead"  # headings, bars and plots
# warning = "#ebcb8b"  # what is doubtful
# error = "#bf616a"  # what failed
# success = "#a3be8c"  # what is right
"""


def render_default() -> str:
    """The text of the file."""
    tables = (*_render_table("view", View()), "", *_render_table("thresholds", Thresholds()))
    return "\n".join([_HEAD, "", *_render_keys(), "", *tables, "", _EXAMPLES])


def _render_keys() -> Iterator[str]:
    yield '# One key or a list: "x", "G", "?", "^x", "alt+x", "f5", "space", "PgDn"; "" for none.'
    yield "[keys]"
    for group, commands in groupby(COMMANDS, key=lambda command: command.group):
        yield f"# {group}"
        yield from map(_render_command, commands)


def _render_command(command: Command) -> str:
    return f"# {command.id} = {_write(list_keys(command.default_keys))}  # {command.label}"


def list_keys(keys: str) -> str | list[str]:
    """The keys of a command, as they are written in the file."""
    names = [_name(key) for key in keys.split(",")] if keys else []
    return names if len(names) > 1 else "".join(names)


def _name(key: str) -> str:
    """As short as it can be read back."""
    shown = print_key(key)
    return key if ("-" in shown[:2] and len(shown) > 1) or shown in "↑↓←→" else shown


def _render_table(table: str, values: View | Thresholds) -> Iterator[str]:
    yield f"[{table}]"
    for name in values.__struct_fields__:
        value = getattr(values, name)
        example = {"theme": "textual-dark", "split": 43, "tab": "Source"}.get(name, value)
        yield f"# {name} = {_write(example)}  # {MEANINGS[f'{table}.{name}']}"


def render_config(config: Config) -> str:
    """All that holds, as the file that would say it."""
    return tomlkit.dumps(_as_data(config))


def _as_data(config: Config) -> dict[str, Any]:
    import msgspec

    keys = {command.id: list_keys(config.keys.get(command.id, command.default_keys)) for command in COMMANDS}
    said = msgspec.to_builtins(config)
    return {
        "keys": keys,
        **{table: _without_none(said[table]) for table in TABLES if table != "keys"},
    }


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _without_none(value) if isinstance(value, dict) else value
        for name, value in values.items()
        if value is not None
    }


def _write(value: Any) -> str:
    return str(tomlkit.item(value).as_string())
