"""The hook dicts of `nn.Module`: what kinds there are and where torch keeps them.

torch has no public way to list, disable or re-enable a hook (pytorch issues 2847 and 70455), so this module reads and
edits the dicts it keeps on each module. Everything that depends on their names is here.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from torch import nn


@dataclass(frozen=True)
class HookKind:
    """One of a module's hook dicts and the flag dicts that go with it, ids as keys in all of them."""

    name: str
    attribute: str
    flags: tuple[tuple[str, str], ...] = ()  # (flag, attribute of the dict that holds the ids that have it)


KINDS: tuple[HookKind, ...] = (
    HookKind("forward_pre", "_forward_pre_hooks", (("with_kwargs", "_forward_pre_hooks_with_kwargs"),)),
    HookKind(
        "forward",
        "_forward_hooks",
        (("with_kwargs", "_forward_hooks_with_kwargs"), ("always_call", "_forward_hooks_always_called")),
    ),
    HookKind("full_backward_pre", "_backward_pre_hooks"),
    HookKind("full_backward", "_backward_hooks"),
    HookKind("state_dict_pre", "_state_dict_pre_hooks"),
    HookKind("state_dict", "_state_dict_hooks"),
    HookKind("load_state_dict_pre", "_load_state_dict_pre_hooks"),
    HookKind("load_state_dict_post", "_load_state_dict_post_hooks"),
)

BY_NAME = {kind.name: kind for kind in KINDS}

DICTS: tuple[str, ...] = tuple(
    name for kind in KINDS for name in (kind.attribute, *(attribute for _, attribute in kind.flags))
)
"""Every dict of a module that registering or removing a hook changes."""

LEGACY = "backward (legacy)"
"""The kind torch keeps in the dict of the full backward hooks."""

BACKWARD_FLAG = "_is_full_backward_hook"
"""Turned from None to True by the first full backward hook and never back; it then refuses the legacy kind."""


def hook_dict(module: nn.Module, attribute: str) -> MutableMapping[int, Any]:
    """The dict itself, not a copy; an empty one where this torch version has no such kind."""
    held = vars(module).get(attribute)
    return held if held is not None else {}


def kind_name(module: nn.Module, kind: HookKind) -> str:
    """The kind's name for this module: torch keeps legacy backward hooks in the dict of the full ones."""
    legacy = kind.name == "full_backward" and vars(module).get(BACKWARD_FLAG) is False
    return LEGACY if legacy else kind.name
