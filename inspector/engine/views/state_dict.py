"""How a state dict goes with a model, found out without loading it.

A load is rehearsed: torch's own steps, module by module with the load_state_dict pre-hooks of each, only that nothing
is copied into the model. Whatever hooks write to it is put back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from ...errors import InspectorError
from ...records import KeyRow, StateDictReport
from ...text import encodable
from ..loading.files.keys import Names, dtype_of, fits, may_lack, needless_prefix, shape_of
from ..loading.weights import read_state
from ..modules.tree import ModuleTree, walk
from ..restore.guard import Snapshot, TensorBackup
from ..source.running import type_name
from ..torch_hooks.dicts import hook_dict
from ..torch_hooks.rows import name_of, unwrap
from ..usercode.running import reported

MAX_ROWS = 2_000
MAX_NOTES = 40
_KEY_LIMIT = 300
_EXTRA = "_extra_state"
_SHOWN = 3

_ORDER = {"mismatched": 0, "missing": 1, "unexpected": 2, "fits": 3}

_PLAIN_LOADERS = (
    nn.Module._load_from_state_dict,
    nn.modules.batchnorm._NormBase._load_from_state_dict,
    nn.modules.instancenorm._InstanceNorm._load_from_state_dict,
)
"""Those that look for the parameters and buffers a module has, and for nothing else."""


def report_file(model: nn.Module, file: str, backup: TensorBackup | None = None) -> StateDictReport:
    """`report` on a file as it is named; on the model's own state dict where the name is empty.

    Raises:
        UsageError: There is no such file, or it holds no state dict.
    """
    if not file:
        return report(model, None, "", backup)
    state, nest = read_state(file)
    return report(model, state, file, backup, (f"this is the entry {nest!r} of the file",) if nest else ())


def report(
    model: nn.Module,
    state: Mapping[str, Any] | None,
    file: str,
    backup: TensorBackup | None = None,
    notes: tuple[str, ...] = (),
) -> StateDictReport:
    """How the keys of `state` go with those that loading it would look for.

    Args:
        model: Is as before when this returns.
        state: None for what the model itself would save.
        file: Where the state is from, for the report.
        backup: Copies of the model's tensors, where there are some already.
        notes: What to say first.
    """
    tree = walk(model)
    before = Snapshot(tree, backup if backup is not None else TensorBackup(tree))
    rehearsal = _Rehearsal(list(notes))
    try:
        own = _own_state(model, rehearsal.notes)
        if _contains_itself(tree):
            rehearsal.notes.append("a module contains itself: torch can neither save nor load it")
        else:
            rehearsal.load(model, own if state is None else state, own)
    finally:
        restored, lost = before.restore()
    rehearsal.notes += [f"hooks wrote to the model, and it was put back: {words}" for words in restored]
    rehearsal.notes += [f"hooks wrote to the model, and it stays so: {words}" for words in lost]
    rehearsal.notes += _hook_notes(tree)
    rows = rehearsal.rows()
    counts = {state: sum(row.state == state for row in rows) for state in _ORDER}
    said = tuple(encodable(note, 400) for note in dict.fromkeys(rehearsal.notes))[:MAX_NOTES]
    return StateDictReport(encodable(file, 400), tuple(_with_nearest(rows)), len(rows), counts, said)


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


class _Rehearsal:
    """A load that copies nothing. Hooks are handed the lists that torch hands them, and may edit them."""

    def __init__(self, notes: list[str]) -> None:
        self.notes = notes
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.errors: list[str] = []
        self._found: dict[str, tuple[Any, Any]] = {}  # key -> (in the file, in the model), of those in both
        self._wanted: dict[str, Any] = {}  # what the model looks for
        self._offered: dict[str, Any] = {}  # what the file has, after the hooks
        self._taken: list[str] = []
        self._put: list[str] = []

    def load(self, model: nn.Module, state: Mapping[str, Any], own: Mapping[str, Any]) -> None:
        metadata = getattr(state, "_metadata", None) or {}
        pending: list[tuple[nn.Module, str, dict[str, Any]]] = [(model, "", dict(state))]
        while pending:
            module, prefix, here = pending.pop()
            self._run_hooks(module, prefix, here, dict(metadata.get(prefix[:-1], {})))
            self._compare(here, _look_up_keys(module, prefix, own), prefix, module)
            pending.extend(reversed(list(_below(module, prefix, here))))
        self._conclude()

    def _run_hooks(self, module: nn.Module, prefix: str, here: dict[str, Any], metadata: dict[str, Any]) -> None:
        self._drop_what_is_no_name(here)
        names = set(here)
        for hook in list(hook_dict(module, "_load_state_dict_pre_hooks").values()):
            raised = self._run_hook(hook, here, prefix, metadata)
            if raised:
                what = f"the load_state_dict pre-hook {_name(hook)} of {prefix[:-1] or 'the model'}"
                self.notes.append(f"{what} raised {raised}, so loading would fail")
        self._drop_what_is_no_name(here)
        self._taken += [key for key in names if key not in here]
        self._put += [key for key in here if key not in names]
        if type(module)._load_from_state_dict not in _PLAIN_LOADERS:
            self.notes.append(f"{type_name(type(module))} loads in a way of its own, which was not rehearsed")

    def _run_hook(self, hook: Any, here: dict[str, Any], prefix: str, metadata: dict[str, Any]) -> str:
        """What it raised."""
        try:
            hook(here, prefix, metadata, True, self.missing, self.unexpected, self.errors)
        except (Exception, SystemExit) as error:  # it is other people's, and ends their load; the rest is still told
            return f"{type_name(type(error))}: {_first_line(error)}"
        return ""

    def _drop_what_is_no_name(self, here: dict[Any, Any]) -> None:
        for key in [key for key in here if not isinstance(key, str)]:
            self.notes.append(f"a key is no name but of the type {type_name(type(key))}, so loading would fail")
            del here[key]

    def _compare(self, here: dict[str, Any], wanted: dict[str, Any], prefix: str, module: nn.Module) -> None:
        for key, own in wanted.items():
            if key in here:
                self._found[key] = here[key], own
            elif not may_lack(key):
                self.missing.append(key)
        self._wanted |= wanted
        self._offered |= here
        self.unexpected += [key for key in here if key not in wanted and not _belongs_below(module, prefix, key)]

    def _conclude(self) -> None:
        self.notes += [f"loading would fail: {message}" for message in self.errors]
        for keys, did in ((self._taken, "took keys out"), (self._put, "put keys in")):
            if keys:
                self.notes.append(f"load_state_dict pre-hooks {did}, {len(keys)} in all: {_some(sorted(keys))}")
        self.notes += self._prefix_notes()
        converted = [
            f"{key}: {dtype_of(theirs)} to {dtype_of(own)}"
            for key, (theirs, own) in self._found.items()
            if fits(theirs, own) and dtype_of(theirs) != dtype_of(own)
        ]
        if converted:
            self.notes.append(f"{len(converted)} keys are of another dtype and would be converted: {_some(converted)}")

    def _prefix_notes(self) -> Iterator[str]:
        if not self.missing or not self.unexpected:
            return
        prefix, number = needless_prefix(self._offered, self._wanted)
        if prefix:
            yield f"every key of the file starts with {prefix!r}, and {number} are in the model without it"
        prefix, number = needless_prefix(self._wanted, self._offered)
        if prefix:
            yield f"every key of the model starts with {prefix!r}, and {number} are in the file without it"

    def rows(self) -> list[KeyRow]:
        """What does not fit comes first: no more than some rows are shown."""
        rows = [KeyRow(_key(key), "missing", "", _value(self._wanted.get(key))) for key in self.missing]
        rows += [KeyRow(_key(key), "unexpected", _value(self._offered.get(key)), "") for key in self.unexpected]
        both = [
            KeyRow(_key(key), "fits" if fits(theirs, own) else "mismatched", _value(theirs), _value(own))
            for key, (theirs, own) in self._found.items()
        ]
        return [
            *(row for row in both if row.state == "mismatched"),
            *rows,
            *(row for row in both if row.state == "fits"),
        ]


def _look_up_keys(module: nn.Module, prefix: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that loading this module alone looks for, and what it has there."""
    if type(module)._load_from_state_dict not in _PLAIN_LOADERS:  # what it saves is all that can be known
        return {key: own[key] for key in own if key.startswith(prefix) and not _belongs_below(module, prefix, key)}
    buffers = (item for item in module._buffers.items() if item[0] not in module._non_persistent_buffers_set)
    local = (*module._parameters.items(), *buffers)
    wanted: dict[str, Any] = {
        f"{prefix}{name}": value for name, value in local if value is not None and isinstance(name, str)
    }
    if type(module).set_extra_state is not nn.Module.set_extra_state:
        wanted[prefix + _EXTRA] = own.get(prefix + _EXTRA)
    return wanted


def _belongs_below(module: nn.Module, prefix: str, key: str) -> bool:
    head, dot, _ = key[len(prefix) :].partition(".")
    return bool(dot) and head in module._modules


def _below(module: nn.Module, prefix: str, here: dict[str, Any]) -> Iterator[tuple[nn.Module, str, dict[str, Any]]]:
    """The children, each with its part of the file's keys; what its hooks do to it, no other module sees."""
    parts: dict[str, dict[str, Any]] = {}
    for key, value in here.items():
        parts.setdefault(key[len(prefix) :].partition(".")[0], {})[key] = value
    for name, child in module._modules.items():
        if child is not None and isinstance(name, str):  # torch cannot load what is under any other key
            below = f"{prefix}{name}."
            part = here if "." in name else parts.get(name, {})
            yield child, below, {key: value for key, value in part.items() if key.startswith(below)}


def _with_nearest(rows: list[KeyRow]) -> Iterator[KeyRow]:
    sides = {state: Names(row.key for row in rows if row.state == state) for state in ("missing", "unexpected")}
    other = {"missing": sides["unexpected"], "unexpected": sides["missing"]}
    for row in rows[:MAX_ROWS]:
        near = other[row.state].nearest(row.key) if row.state in other else ""
        yield KeyRow(row.key, row.state, row.in_file, row.in_model, near) if near else row


def _hook_notes(tree: ModuleTree) -> Iterator[str]:
    """Which hooks had a part in it, and which had none."""
    for words, attributes in (
        ("ran {} state_dict hooks", ("_state_dict_pre_hooks", "_state_dict_hooks")),
        ("ran {} load_state_dict pre-hooks", ("_load_state_dict_pre_hooks",)),
        ("did not run {} load_state_dict post-hooks, which may change the outcome", ("_load_state_dict_post_hooks",)),
    ):
        names = [
            f"{_name(hook)} of {'.'.join(tree.paths[node.index]) or 'the model'}"
            for node in tree.objects()
            for attribute in attributes
            for hook in hook_dict(node.module, attribute).values()
        ]
        if names:
            yield f"{words.format(len(names))}: {_some(names)}"


def _name(hook: Any) -> str:
    return name_of(unwrap(hook))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _key(key: object) -> str:
    return encodable(str(key), _KEY_LIMIT)


def _value(value: Any) -> str:
    """Shape and dtype."""
    return encodable(f"{shape_of(value)} {dtype_of(value)}".strip(), 200) if value is not None else ""


def _first_line(error: BaseException) -> str:
    try:
        return str(error).strip().split("\n", 1)[0]
    except Exception:  # an exception whose own __str__ raises is still an exception
        return "(its message cannot be read)"
