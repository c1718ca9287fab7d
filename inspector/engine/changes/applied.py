"""A hook that was added to modules, what of all that was changed is in force, and what went wrong in a hook."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...raised import kind_of
from ...records import Path, Problem
from ...text import encodable
from ..hooks.attached import Attached
from ..hooks.hook import Hook
from ..hooks.outcomes import describe_error
from ..modules.tree import Node
from ..torch_hooks.ours import OurHandle

_TORCH_KINDS = {
    "input": "forward_pre",
    "state_dict": "state_dict",
    "load_state_dict": "load_state_dict_pre",
}  # torch's dict for what a hook is put on; the rest are forward hooks


Foreign = tuple[int, str, str, int]
"""Somebody else's hook: node (-1 for the process), kind, the tensor that holds it ("" for the module), id."""


@dataclass
class AppliedHook:
    """One hook on one module. `present` is False when it was removed or its addition undone."""

    node: Node
    attached: Attached
    handle: OurHandle
    on: bool = True
    present: bool = True

    @property
    def kind(self) -> str:
        hook = self.attached.hook
        return "forward_pre" if hook.at == "before" else _TORCH_KINDS.get(hook.on, "forward")

    @property
    def id(self) -> int:
        return int(self.handle.id)

    @property
    def active(self) -> bool:
        return self.on and self.present

    @property
    def alters(self) -> bool:
        return self.attached.hook.alters


@dataclass
class Addition:
    """One hook as it was asked for, on every module that it named."""

    where: str
    hook: Hook
    members: list[AppliedHook] = field(default_factory=list)

    @property
    def present(self) -> list[AppliedHook]:
        """Those that were not removed."""
        return [member for member in self.members if member.present]


@dataclass(frozen=True)
class State:
    """What is in force: hooks of ours that act, hooks of others that are off, and how many edits."""

    active: frozenset[int] = frozenset()  # id(Attached)
    off: frozenset[Foreign] = frozenset()
    edits: int = 0


def describe_fault(hook: Hook, path: Path, error: BaseException) -> Problem:
    """What went wrong in a hook on the module at this path, with the line of a person's own code."""
    return Problem(
        encodable(f"{hook} on {'.'.join(path) or '(root)'} failed: {describe_error(error)}", 700),
        hint="the pass went on as if the hook were off",
        kind=encodable(kind_of(error), 120),
        path=path,
    )
