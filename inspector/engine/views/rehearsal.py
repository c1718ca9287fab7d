"""A load that copies nothing: torch's own steps, module by module with the load_state_dict pre-hooks of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import nn

from ...raised import message_of
from ..loading.files.keys import dtype_of, fits, may_lack, needless_prefix
from ..source.running import type_name
from ..torch_hooks.dicts import hook_dict
from ..torch_hooks.rows import name_of, unwrap

_EXTRA = "_extra_state"
_SHOWN = 3

_PLAIN_LOADERS = (
    nn.Module._load_from_state_dict,
    nn.modules.batchnorm._NormBase._load_from_state_dict,
    nn.modules.instancenorm._InstanceNorm._load_from_state_dict,
)
"""Those that look for the parameters and buffers a module has, and for nothing else."""


class Rehearsal:
    """A load that copies nothing. Hooks are handed the lists that torch hands them, and may edit them."""

    def __init__(self, notes: list[str]) -> None:
        self.notes = notes
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.errors: list[str] = []  # why a load would fail that is not about one key
        self.found: dict[str, tuple[Any, Any]] = {}  # key -> (in the file, in the model), of those in both
        self.fails = False  # whatever the keys are
        self.wanted: dict[str, Any] = {}  # what the model looks for
        self.offered: dict[str, Any] = {}  # what the file has, after the hooks
        self._taken: list[str] = []
        self._put: list[str] = []

    @property
    def mismatched(self) -> list[str]:
        """Keys that are in both, and cannot be loaded."""
        return [key for key, (theirs, own) in self.found.items() if not fits(theirs, own)]

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
                what = f"the load_state_dict pre-hook {name_hook(hook)} of {prefix[:-1] or 'the model'}"
                self._refuse(f"{what} raised {raised}, so loading would fail")
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
            self._refuse(f"a key is no name but of the type {type_name(type(key))}, so loading would fail")
            del here[key]

    def _refuse(self, why: str) -> None:
        self.fails = True
        self.notes.append(why)

    def _compare(self, here: dict[str, Any], wanted: dict[str, Any], prefix: str, module: nn.Module) -> None:
        for key, own in wanted.items():
            if key in here:
                self.found[key] = here[key], own
            elif not may_lack(key):
                self.missing.append(key)
        self.wanted |= wanted
        self.offered |= here
        self.unexpected += [key for key in here if key not in wanted and not _belongs_below(module, prefix, key)]

    def _conclude(self) -> None:
        self.fails = self.fails or bool(self.errors)
        self.notes += [f"loading would fail: {message}" for message in self.errors]
        for keys, did in ((self._taken, "took keys out"), (self._put, "put keys in")):
            if keys:
                self.notes.append(f"load_state_dict pre-hooks {did}, {len(keys)} in all: {list_some(sorted(keys))}")
        self.notes += self._prefix_notes()
        converted = [
            f"{key}: {dtype_of(theirs)} to {dtype_of(own)}"
            for key, (theirs, own) in self.found.items()
            if fits(theirs, own) and dtype_of(theirs) != dtype_of(own)
        ]
        if converted:
            self.notes.append(
                f"{len(converted)} keys are of another dtype and would be converted: {list_some(converted)}"
            )

    def _prefix_notes(self) -> Iterator[str]:
        if not self.missing or not self.unexpected:
            return
        prefix, number = needless_prefix(self.offered, self.wanted)
        if prefix:
            yield f"every key of the file starts with {prefix!r}, and {number} are in the model without it"
        prefix, number = needless_prefix(self.wanted, self.offered)
        if prefix:
            yield f"every key of the model starts with {prefix!r}, and {number} are in the file without it"


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


def name_hook(hook: Any) -> str:
    return name_of(unwrap(hook))


def list_some(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _first_line(error: BaseException) -> str:
    return message_of(error).strip().split("\n", 1)[0]
