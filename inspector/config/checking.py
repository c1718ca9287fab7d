"""A configuration that was read, checked: an error says the file, the line, and what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, get_type_hints

import msgspec

from .document import Document, Key
from .keymap import read_keys
from .nearest import nearest
from .schema import PANELS, TABLES, THEMES, Config, TargetSettings, ThemeColours, Thresholds, View

Table = TypeVar("Table", bound=msgspec.Struct)
_TYPES = {
    "bool": "true or false", "int": "a whole number", "float": "a number", "str": "text", "array": "a list",
    "object": "a table", "null": "nothing",
}  # fmt: skip


def check(document: Document) -> Config:
    """Raises `UsageError` for the first thing that is wrong."""
    _check_names(document, (), document.data, TABLES)
    for table in TABLES:
        if not isinstance(document.data.get(table, {}), dict):
            raise document.refuse((table,), f"{table} is a table", f"write [{table}] on a line of its own")
    config = Config(
        keys=read_keys(document),
        view=_read_table(document, ("view",), document.data.get("view", {}), View),
        thresholds=_read_table(document, ("thresholds",), document.data.get("thresholds", {}), Thresholds),
        targets=_read_tables(document, "targets", TargetSettings),
        themes=_read_tables(document, "themes", ThemeColours),
    )
    _check_choice(document, ("view", "tab"), config.view.tab, PANELS)
    if config.view.theme not in THEMES:
        _check_choice(
            document, ("view", "theme"), config.view.theme, [*config.themes, *_list_themes(config.view.theme)]
        )
    _check_order(document, config.thresholds)
    return config


def _list_themes(wanted: str) -> Iterable[str]:
    """Textual's, of the version that is installed, where that matters."""
    if not wanted:
        return ()
    from textual.theme import BUILTIN_THEMES

    return BUILTIN_THEMES


def _check_choice(document: Document, place: Key, value: str, known: Sequence[str]) -> None:
    if value and value not in known:
        what = f"there is no {place[-1]} {value}"
        raise document.refuse(place, what, nearest(value, known, everything=", ".join(known)))


def _check_order(document: Document, limits: Thresholds) -> None:
    bounds = limits.delta_low, limits.delta_middle, limits.delta_high
    if not bounds[0] < bounds[1] < bounds[2]:
        what = "delta_low is below delta_middle, and that below delta_high"
        raise document.refuse(("thresholds",), what, "now {:g}, {:g} and {:g}".format(*bounds))


def _read_tables(document: Document, name: str, kind: type[Table]) -> dict[str, Table]:
    """Those below [name], each by a name that a person gave it."""
    found = document.data.get(name, {})
    return {each: _read_table(document, (name, each), values, kind) for each, values in found.items()}


def _read_table(document: Document, place: Key, values: Any, kind: type[Table]) -> Table:
    if not isinstance(values, dict):
        raise document.refuse(place, f"{_say(place)} is a table", f"write [{_say(place)}] on a line of its own")
    _check_names(document, place, values, kind.__struct_fields__)
    types = get_type_hints(kind, include_extras=True)
    for name, value in values.items():
        _check_value(document, (*place, name), value, types[name])
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:  # something that has to be there is not
        raise document.refuse(place, f"{_say(place)}: {_explain(error)}", "add it") from None


def _check_names(document: Document, place: Key, values: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in values:
        if name not in known:
            what = "setting" if place else "table"
            before = f"{_say(place)}." if place else ""
            raise document.refuse((*place, name), f"there is no {what} {before}{name}", nearest(name, known, before))


def _check_value(document: Document, place: Key, value: Any, kind: Any) -> None:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise document.refuse(
            place, f"{_say(place)}: {_explain(error)}", "inspector config --default has one of each"
        ) from None


def _explain(error: msgspec.ValidationError) -> str:
    """In the words of TOML: "expected true or false, got text"."""
    said = re.sub(r"`([^`]*)`", lambda found: _say_types(found[1]), str(error).partition(" - at `")[0])
    if "matching regex" not in said:
        return said[:1].lower() + said[1:]
    return "a share is a number and a sign, such as 10%" if "%" in said else "a colour is #rgb, #rrggbb or ansi_NAME"


def _say_types(types: str) -> str:
    return " or ".join(_TYPES.get(each, each) for each in types.split(" | ") if each != "null")


def _say(place: Key) -> str:
    """As it is written in TOML."""
    return ".".join(part if re.fullmatch(r"[\w-]+", part) else f'"{part}"' for part in place)
