"""How a state dict goes with a model, found out without loading it.

A load is rehearsed: torch's own steps, module by module with the load_state_dict pre-hooks of each, only that nothing
is copied into the model. Whatever hooks write to it is put back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal

from torch import nn

from ...errors import InspectorError
from ...records import KeyRow, StateDictReport
from ...text import encodable
from ..loading.files.keys import Names, dtype_of, shape_of
from ..loading.files.state import read_state
from ..modules.tree import ModuleTree, walk
from ..restore.backup import TensorBackup
from ..restore.guard import Snapshot
from ..source.running import type_name
from ..torch_hooks.dicts import hook_dict
from ..usercode.running import reported
from .load_offer import find_offer
from .rehearsal import Rehearsal, list_some, name_hook

MAX_ROWS = 2_000
MAX_NOTES = 40
_KEY_LIMIT = 300

_State = Literal["mismatched", "missing", "unexpected", "fits"]
_STATES: tuple[_State, ...] = ("mismatched", "missing", "unexpected", "fits")


def report_file(
    model: nn.Module, file: str, backup: TensorBackup | None = None, offers: bool = False
) -> StateDictReport:
    """`report` on a file as it is named; on the model's own state dict where the name is empty.

    Raises:
        UsageError: There is no such file, or it holds no state dict.
    """
    if not file:
        return report(model, None, "", backup)
    found = read_state(file)
    notes = (f"this is the entry {found.nest!r} of the file",) if found.nest else ()
    return report(model, found.values, file, backup, notes, offers)


def report(
    model: nn.Module,
    state: Mapping[str, Any] | None,
    file: str,
    backup: TensorBackup | None = None,
    notes: tuple[str, ...] = (),
    offers: bool = False,
) -> StateDictReport:
    """How the keys of `state` go with those that loading it would look for.

    Args:
        model: Is as before when this returns.
        state: None for what the model itself would save.
        file: Where the state is from, for the report.
        backup: Copies of the model's tensors, where there are some already.
        notes: What to say first.
        offers: Also find out how the file can be loaded.
    """
    tree = walk(model)
    before = Snapshot(tree, backup if backup is not None else TensorBackup(tree))
    rehearsal = Rehearsal(list(notes))
    offer = None
    try:
        own = _own_state(model, rehearsal.notes)
        if _contains_itself(tree):
            rehearsal.notes.append("a module contains itself: torch can neither save nor load it")
        else:
            rehearsal.load(model, own if state is None else state, own)
            offer = find_offer(rehearsal, model, state, own) if offers and state is not None else None
    finally:
        restored, lost = before.restore()
    rehearsal.notes += [f"hooks wrote to the model, and it was put back: {words}" for words in restored]
    rehearsal.notes += [f"hooks wrote to the model, and it stays so: {words}" for words in lost]
    rehearsal.notes += _hook_notes(tree)
    keys = _sort_keys(rehearsal)
    counts: dict[str, int] = {state: len(keys[state]) for state in _STATES}
    said = tuple(encodable(note, 400) for note in dict.fromkeys(rehearsal.notes))[:MAX_NOTES]
    rows = tuple(_rows(rehearsal, keys))
    return StateDictReport(encodable(file, 400), rows, sum(counts.values()), counts, said, offer)


def _contains_itself(tree: ModuleTree) -> bool:
    aliases = ((tree.paths[node.index], tree.paths[node.alias_of]) for node in tree.nodes if node.alias_of >= 0)
    return any(path[: len(first)] == first for path, first in aliases)


def _own_state(model: nn.Module, notes: list[str]) -> Mapping[str, Any]:
    """What the model saves, its state_dict hooks included."""
    try:
        with reported("your model could not give its state dict:"):
            own = model.state_dict()
    except InspectorError as error:
        notes.append(error.problem.what)
        return {}
    if not isinstance(own, Mapping):
        notes.append(f"a state_dict hook made the state dict a {type_name(type(own))}")
        return {}
    return own


def _sort_keys(rehearsal: Rehearsal) -> dict[_State, Sequence[str]]:
    """By state, what does not fit first."""
    mismatched = rehearsal.mismatched
    wrong = set(mismatched)
    fits = [key for key in rehearsal.found if key not in wrong]
    return {
        "mismatched": mismatched,
        "missing": rehearsal.missing,
        "unexpected": rehearsal.unexpected,
        "fits": fits,
    }


def _rows(rehearsal: Rehearsal, keys: Mapping[_State, Sequence[str]]) -> Iterator[KeyRow]:
    """Of the first keys of each state: no more than some are shown."""
    other = {"missing": Names(map(_key, keys["unexpected"])), "unexpected": Names(map(_key, keys["missing"]))}
    in_file, in_model = rehearsal.offered, rehearsal.wanted
    found = rehearsal.found
    listed = _share(keys)
    for state, key in ((each, key) for each in _STATES for key in islice(keys[each], listed[each])):
        theirs, own = found.get(key, (in_file.get(key), in_model.get(key)))
        near = other[state].nearest(_key(key)) if state in other else ""
        values = "" if state == "missing" else _value(theirs), "" if state == "unexpected" else _value(own)
        yield KeyRow(_key(key), state, *values, near)


def _share(keys: Mapping[_State, Sequence[str]]) -> dict[_State, int]:
    """How many of each state are listed: none crowds another out."""
    listed = {state: min(len(keys[state]), MAX_ROWS // len(_STATES)) for state in _STATES}
    for state in _STATES:
        spare = MAX_ROWS - sum(listed.values())
        listed[state] = min(len(keys[state]), listed[state] + spare)
    return listed


def _hook_notes(tree: ModuleTree) -> Iterator[str]:
    """Which hooks had a part in it, and which had none."""
    for words, attributes in (
        ("ran {} state_dict hooks", ("_state_dict_pre_hooks", "_state_dict_hooks")),
        ("ran {} load_state_dict pre-hooks", ("_load_state_dict_pre_hooks",)),
        ("did not run {} load_state_dict post-hooks, which may change the outcome", ("_load_state_dict_post_hooks",)),
    ):
        names = [
            f"{name_hook(hook)} of {'.'.join(tree.paths[node.index]) or 'the model'}"
            for node in tree.objects()
            for attribute in attributes
            for hook in hook_dict(node.module, attribute).values()
        ]
        if names:
            yield f"{words.format(len(names))}: {list_some(names)}"


def _key(key: object) -> str:
    return encodable(str(key), _KEY_LIMIT)


def _value(value: Any) -> str:
    """Shape and dtype."""
    return encodable(f"{shape_of(value)} {dtype_of(value)}".strip(), 200) if value is not None else ""
