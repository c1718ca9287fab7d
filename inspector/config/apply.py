"""A configuration as what it is for takes it: the fields of a target, and the options of the app."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..value_text import read_share
from .schema import Config, TargetSettings, Texts

_UNTYPED = {"device": "auto"}
"""What an option is that was not typed, where that is not empty."""


def fill_target(fields: dict[str, Any], config: Config, said_no: bool = False) -> dict[str, Any]:
    """The fields of `records.Target` as they were typed, with what the configuration has for those that were not.

    Args:
        fields: As typed.
        config: Where more is looked for.
        said_no: `--eval` was typed, which is not the same as no `--train`.
    """
    settings = config.targets.get(fields["target"])
    if settings is None:
        return fields
    more = list_fields(settings)
    typed = {pair[0] for pair in fields["arguments"]}
    arguments = [pair for pair in more.pop("arguments") if pair[0] not in typed]
    if said_no:
        more.pop("training", None)
    if not fields["observe"]:  # --hook none
        more = {name: value for name, value in more.items() if name not in ("hooks", "recipe")}
    filled = {name: value for name, value in more.items() if name in fields and not _is_typed(name, fields[name])}
    return {**fields, **filled, "arguments": [*arguments, *fields["arguments"]]}


def _is_typed(name: str, value: Any) -> bool:
    return bool(value) and value != _UNTYPED.get(name)


def list_fields(settings: TargetSettings) -> dict[str, Any]:
    """The fields of `records.Target` that are said."""
    said = {
        "inputs": _list(settings.input),
        "weights": settings.weights,
        "renames": _list(settings.rename),
        "device": settings.device,
        "dtype": settings.dtype,
        "training": settings.train,
        "grad": settings.grad,
        "seed": settings.seed,
        "budget": read_share(settings.budget) if settings.budget else 0.0,
        "hooks": _list(settings.hooks),
        "recipe": settings.recipe,
    }
    arguments = [(name, str(value)) for name, value in settings.arguments.items()]
    return {"arguments": arguments, **{name: value for name, value in said.items() if value}}


def _list(texts: Texts) -> list[str]:
    return texts if isinstance(texts, list) else [texts] * bool(texts)


def find_place(target: str | None, config: Config) -> str:
    """The module to start at in this target, "" for any."""
    settings = config.targets.get(target or "")
    return settings.select if settings is not None else ""


def app_options(config: Config) -> dict[str, Any]:
    """The fields of `AppOptions` that a configuration has, as plain data."""
    view = config.view
    return {
        "theme": view.theme,
        "ascii": view.ascii,
        "mouse": view.mouse,
        "split": view.split or 0,
        "tab": view.tab,
        "readonly": view.readonly,
        "keys": config.keys,
        "thresholds": msgspec.to_builtins(config.thresholds),
        "themes": {name: _theme(msgspec.to_builtins(colours)) for name, colours in config.themes.items()},
        "targets": {name: list_fields(settings) for name, settings in config.targets.items()},
    }


def _theme(colours: Mapping[str, Any]) -> dict[str, Any]:
    """Textual makes the others."""
    return {name: value for name, value in colours.items() if value is not None}
