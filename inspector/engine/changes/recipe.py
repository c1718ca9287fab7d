"""Hooks and edits of a session as a TOML file that a person can read and write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tomlkit
from msgspec.structs import replace
from tomlkit.exceptions import TOMLKitError

from ...errors import InspectorError, UsageError
from ...files import read_file
from ...files.purposes import RECIPE
from ...records import Target
from ...text import encodable
from ..hooks.spec import parse_hook, split_place, with_code
from ..loading.renames import ARROW, parse_renames
from .applied import Addition
from .edits import Edit, Load, StateDictFile
from .log import ChangeLog

SCHEMA = 1
_HINT = f"a recipe is TOML as w writes it, and begins with schema = {SCHEMA}"
_ROOT = frozenset({"", "(root)"})
KEPT = "the recipe of last time"
"""What one is called that is in no file."""


@dataclass(frozen=True)
class Entry:
    """One hook or edit. `off` are the modules, by dotted path, on which a hook is switched off. An edit that loads a
    state dict has neither module nor what to do."""

    module: str = ""
    do: str = ""
    edit: bool = False
    code: str = ""
    off: tuple[str, ...] = ()
    load: StateDictFile | None = None


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
    if entry.load is not None:
        return _load_table(table, entry.load)
    table["module"] = entry.module
    table["do"] = entry.do
    if entry.code:
        table["code"] = tomlkit.string(entry.code, multiline="'''" not in entry.code, literal="'''" not in entry.code)
    if entry.off:
        table["off"] = list(entry.off)
    return table


def _load_table(table: Any, load: StateDictFile) -> Any:
    table["load"] = load.file
    if load.renames:
        table["rename"] = list(load.renames)
    if load.partial:
        table["partial"] = True
    return table


def read(name: str) -> list[Entry]:
    """The entries of a file, edits first.

    Raises:
        UsageError: It cannot be read, or is no recipe; the error names the entry.
    """
    try:
        text = read_file(name, RECIPE).decode("utf-8")
    except ValueError as error:
        raise UsageError(encodable(f"{name} cannot be read: {error}", 400), hint=_HINT) from None
    return parse(text, name)


def parse(text: str, name: str) -> list[Entry]:
    """The entries of a text, edits first; `name` is what errors call it. Raises `UsageError`."""
    try:
        data = tomlkit.parse(text).unwrap()
    except (ValueError, TOMLKitError) as error:
        raise UsageError(encodable(f"{name} cannot be read: {error}", 400), hint=_HINT) from None
    except RecursionError:
        raise UsageError(encodable(f"{name} cannot be read: it nests too deep", 400), hint=_HINT) from None
    if data.get("schema") != SCHEMA:
        raise UsageError(encodable(f"{name} is no recipe", 300), hint=_HINT)
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
    if part == "edit" and isinstance(row, dict) and "load" in row:
        return _load_entry(where, row)
    known = {"module": str, "do": str, "code": str, "off": list} if part == "hook" else {"module": str, "do": str}
    wrong = [key for key in row if not isinstance(row[key], known.get(key, ()))] if isinstance(row, dict) else ["?"]
    if wrong or "module" not in row or "do" not in row:
        what = f"{wrong[0]!r} does not belong there" if wrong else "module and do are needed"
        raise UsageError(encodable(f"{where}: {what}", 300), hint='module = "conv1" and do = "scale(2)"')
    off = tuple(str(path) for path in row.get("off", ()))
    return Entry(row["module"], row["do"], part == "edit", row.get("code", ""), off)


def _load_entry(where: str, row: dict[str, Any]) -> Entry:
    known = {"load": str, "rename": list, "partial": bool}
    wrong = [key for key in row if not isinstance(row[key], known.get(key, ()))]
    renames = tuple(row.get("rename", ()))
    if wrong or not all(isinstance(text, str) for text in renames):
        what = f"{(wrong or ['rename'])[0]!r} does not belong there"
        raise UsageError(encodable(f"{where}: {what}", 300), hint='load = "net.pt", rename = ["module.=>"]')
    parse_renames(renames)
    return Entry(edit=True, load=StateDictFile(row["load"], renames=renames, partial=row.get("partial", False)))


def collect(change_log: ChangeLog) -> list[Entry]:
    """What is in force, as a recipe says it: edits first. Raises `UsageError` where a hook has no text."""
    edits = [_edit_entry(edit) for edit in change_log.edits.made]
    hooks = [_hook_entry(addition) for addition in change_log.added.additions if addition.present]
    return [*edits, *hooks, *_observe_entries(change_log)]


def _edit_entry(edit: Edit | Load) -> Entry:
    if isinstance(edit, Load):
        return Entry(edit=True, load=edit.source)
    return Entry(edit.where, str(edit.hook), edit=True)


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


def add_entries(change_log: ChangeLog, entries: Sequence[Entry]) -> None:
    """Add what a recipe says. Raises `InspectorError`, with what came before it taken back."""
    before = len(change_log.changes())
    try:
        for entry in entries:
            if entry.load is not None:
                change_log.load(entry.load.file, entry.load.renames, entry.load.partial)
            elif entry.edit:
                change_log.edit(entry.module, parse_hook(entry.do, on="parameters"))
            else:
                change_log.add(entry.module, with_code(parse_hook(entry.do), entry.code))
                change_log.switch_off(entry.off)
    except InspectorError:
        while sum(not change.undone for change in change_log.changes()) > before:
            change_log.undo()
        raise


def with_renames_of_hooks(target: Target) -> Target:
    """A hook that renames the keys of a load acts on that of the target's own weights, before it is on the model.
    Raises `UsageError`."""
    if target.weights in ("", "none", "DEFAULT"):
        return target
    return replace(target, renames=(*target.renames, *find_renames_of_load(target.hooks, target.recipe)))


def find_renames_of_load(hooks: Sequence[str], recipe: str) -> tuple[str, ...]:
    """How the hooks of a target rename the keys of its weights, which are loaded before a hook can be put on.

    Args:
        hooks: "conv1:scale(2)", as typed.
        recipe: A file of more, or "".

    Raises:
        UsageError: One of them cannot be understood.
    """
    found = [split_place(text) for text in hooks]
    entries = read(recipe) if recipe else []
    found += [(entry.module, entry.do) for entry in entries if not (entry.edit or _ROOT.intersection(entry.off))]
    on_root = [parse_hook(hook) for where, hook in found if where in _ROOT]
    return tuple(
        f"{hook.arguments['old']}{ARROW}{hook.arguments['new']}"
        for hook in on_root
        if hook.kind.name == "rename" and hook.on == "load_state_dict"
    )
