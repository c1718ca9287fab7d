"""Hooks and edits of a session as a TOML file that a person can read and write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from ...errors import UsageError
from ...text import encodable
from ..hooks.spec import parse_hook, with_code
from .applied import Addition
from .log import ChangeLog

SCHEMA = 1


@dataclass(frozen=True)
class Entry:
    """One hook or edit. `off` are the modules, by dotted path, on which a hook is switched off."""

    module: str
    do: str
    edit: bool = False
    code: str = ""
    off: tuple[str, ...] = ()


def render(entries: list[Entry], target: str) -> str:
    """The text of a recipe."""
    document = tomlkit.document()
    document.add(tomlkit.comment(f"Hooks for {encodable(target, 200)!r}: inspector TARGET --hooks THIS_FILE"))
    document["schema"] = SCHEMA
    for name in ("edit", "hook"):
        tables = tomlkit.aot()
        for entry in entries:
            if entry.edit == (name == "edit"):
                tables.append(_table(entry))
        if tables:
            document[name] = tables
    return tomlkit.dumps(document)


def _table(entry: Entry) -> Any:
    table = tomlkit.table()
    table["module"] = entry.module
    table["do"] = entry.do
    if entry.code:
        table["code"] = tomlkit.string(entry.code, multiline="'''" not in entry.code, literal="'''" not in entry.code)
    if entry.off:
        table["off"] = list(entry.off)
    return table


def read(name: str) -> list[Entry]:
    """The entries of a file, edits first.

    Raises:
        UsageError: It cannot be read, or is no recipe; the error names the entry.
    """
    try:
        data = tomlkit.parse(Path(name).expanduser().read_text("utf-8")).unwrap()
    except (OSError, ValueError, TOMLKitError) as error:
        raise UsageError(encodable(f"{name} cannot be read: {error}", 400)) from None
    if data.get("schema") != SCHEMA:
        raise UsageError(encodable(f"{name} is no recipe", 300), hint=f"it begins with schema = {SCHEMA}")
    unknown = set(data) - {"schema", "hook", "edit"}
    if unknown:
        raise UsageError(
            encodable(f"{name} has an unknown part {sorted(unknown)[0]!r}", 300), hint="[[hook]] or [[edit]]"
        )
    return [_entry(name, part, n, row) for part in ("edit", "hook") for n, row in enumerate(_rows(name, data, part), 1)]


def _rows(name: str, data: dict[str, Any], part: str) -> list[Any]:
    rows = data.get(part, [])
    if not isinstance(rows, list):
        raise UsageError(encodable(f"{name}: {part} is no list of tables", 300), hint=f"write [[{part}]]")
    return rows


def _entry(name: str, part: str, number: int, row: Any) -> Entry:
    where = f"{name}, {part} {number}"
    known = {"module": str, "do": str, "code": str, "off": list} if part == "hook" else {"module": str, "do": str}
    wrong = [key for key in row if not isinstance(row[key], known.get(key, ()))] if isinstance(row, dict) else ["?"]
    if wrong or "module" not in row or "do" not in row:
        what = f"{wrong[0]!r} does not belong there" if wrong else "module and do are needed"
        raise UsageError(encodable(f"{where}: {what}", 300), hint='module = "conv1" and do = "scale(2)"')
    off = tuple(str(path) for path in row.get("off", ()))
    return Entry(row["module"], row["do"], part == "edit", row.get("code", ""), off)


def collect(change_log: ChangeLog) -> list[Entry]:
    """What is in force, as a recipe says it: edits first. Raises `UsageError` where a hook has no text."""
    edits = [Entry(edit.where, str(edit.hook), edit=True) for edit in change_log.edits.made]
    hooks = [_hook_entry(addition) for addition in change_log.added.additions if addition.present]
    return [*edits, *hooks, *_observe_entries(change_log)]


def _hook_entry(addition: Addition) -> Entry:
    present = addition.present
    where = addition.where
    if len(present) < len(addition.members):
        where = ",".join(member.attached.path or "(root)" for member in present)
    off = tuple(member.attached.path for member in present if not member.on)
    addition.hook.check_text()
    return Entry(where, str(addition.hook), code=addition.hook.code, off=off)


def _observe_entries(change_log: ChangeLog) -> list[Entry]:
    """The observe hooks that look at a part only; those that look at everything are there anyway."""
    found: dict[str, list[str]] = {}
    for index, observe_filter in sorted(change_log.observers.filters.items()):
        found.setdefault(str(observe_filter.hook), []).append(".".join(change_log.tree.paths[index]) or "(root)")
    return [Entry(",".join(paths), hook) for hook, paths in found.items()]


def load_recipe(change_log: ChangeLog, name: str) -> None:
    """Add what a recipe says. Raises `UsageError`, with what came before it taken back."""
    before = len(change_log.changes())
    try:
        for entry in read(name):
            if entry.edit:
                change_log.edit(entry.module, parse_hook(entry.do, on="parameters"))
            else:
                change_log.add(entry.module, with_code(parse_hook(entry.do), entry.code))
                change_log.switch_off(entry.off)
    except UsageError:
        while sum(not change.undone for change in change_log.changes()) > before:
            change_log.undo()
        raise
