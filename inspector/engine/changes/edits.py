"""Parameters changed by hand: written in place, undone bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from ...errors import UsageError
from ...text import encodable
from ..hooks.hook import Hook
from ..hooks.parameters import find_parameters
from ..loading.renames import describe_renames, parse_renames
from ..modules.tree import Node
from ..restore.backup import TensorBackup
from ..restore.bits import same_bits


@dataclass(frozen=True)
class ParameterWrite:
    """One parameter of one edit, with its elements before and after."""

    node: int
    name: str
    tensor: Tensor
    before: Tensor
    after: Tensor


@dataclass(frozen=True)
class Edit:
    """One change of parameters. `where` and `hook` say it again in a recipe."""

    where: str
    hook: Hook
    writes: tuple[ParameterWrite, ...]


@dataclass(frozen=True)
class StateDictFile:
    """A state dict that was loaded.

    Args:
        file: As it was named.
        entry: The one of a checkpoint that it was, or "".
        renames: Of its keys, "module.=>", one after the other.
        partial: What did not fit was left out.
    """

    file: str
    entry: str = ""
    renames: tuple[str, ...] = ()
    partial: bool = False

    def __str__(self) -> str:
        words = describe_renames(parse_renames(self.renames))
        return f"load {Path(self.file).name}{' ' if words else ''}{words}{' in part' if self.partial else ''}"


@dataclass(frozen=True)
class Load:
    """What loading a file wrote."""

    source: StateDictFile
    writes: tuple[ParameterWrite, ...]


class Edits:
    """The edits in force, in order.

    Args:
        backup: Is told of each, so that a pass restores the edited model.
        leave: Is told of what is not taken back, or not made again, since somebody else wrote there: a trainer.
    """

    def __init__(self, backup: TensorBackup, leave: Callable[[ParameterWrite], None]) -> None:
        self.made: list[Edit | Load] = []
        self._backup = backup
        self._leave = leave
        self._loaded: dict[int, tuple[ParameterWrite, Tensor]] = {}  # id(tensor) -> first change, elements before it

    def plan(self, where: str, hook: Hook, nodes: list[Node]) -> Edit:
        """What an edit would write; nothing is written yet.

        Raises:
            UsageError: Nothing can be edited so.
        """
        act = hook.kind.make(**hook.arguments)
        writes: dict[int, ParameterWrite] = {}
        for node in nodes:
            for name, tensor in _find_named(node, hook.where, strict=len(nodes) == 1):
                if id(tensor) not in writes and not tensor.is_meta and not is_lazy(tensor):
                    before = tensor.detach().clone()
                    with torch.no_grad():
                        after = act(before.clone())
                    writes[id(tensor)] = ParameterWrite(node.index, name, tensor, before, after)
        if not writes:
            raise UsageError(
                "there are no parameters to edit here", hint="add a hook with on='parameters' further down"
            )
        return Edit(where, hook, tuple(writes.values()))

    def make(self, edit: Edit | Load) -> None:
        self._backup.complete()  # of what shares memory with what is written, too
        for each in edit.writes:
            self._loaded.setdefault(id(each.tensor), (each, each.before))
            self._write(each.tensor, each.after)
        self.made.append(edit)

    def make_again(self, edit: Edit | Load) -> None:
        """After `unmake`, where the tensors are as it left them."""
        for each in edit.writes:
            self._turn(each, each.before, each.after)
        self.made.append(edit)

    def unmake(self) -> None:
        """Take back the last edit, where the tensors are as it left them."""
        for each in reversed(self.made.pop().writes):
            self._turn(each, each.after, each.before)

    def rewind(self, count: int) -> list[Edit | Load]:
        """Take back all but the first `count`; they are returned for `make_again`, in order."""
        undone = self.made[count:]
        while len(self.made) > count:
            self.unmake()
        return undone

    def find_edited(self) -> list[ParameterWrite]:
        """The parameters that are not what was loaded."""
        return [w for w, loaded in self._loaded.values() if not same_bits(w.tensor.detach(), loaded)]

    def _turn(self, write: ParameterWrite, there: Tensor, wanted: Tensor) -> None:
        if _holds(write.tensor, there):
            self._write(write.tensor, wanted)
        else:
            self._leave(write)

    def _write(self, tensor: Tensor, elements: Tensor) -> None:
        tensor.data.copy_(elements)  # through `.data`: no graph is alive, and the version counter stays
        self._backup.accept(tensor)


def _holds(tensor: Tensor, elements: Tensor) -> bool:
    """Whether it is as it was when these were copied into it, bit for bit."""
    tensor = tensor.detach()
    if (elements.shape, elements.dtype, elements.device) != (tensor.shape, tensor.dtype, tensor.device):
        elements = tensor.clone().copy_(elements)
    return same_bits(tensor, elements)


def _find_named(node: Node, pattern: str, strict: bool) -> list[tuple[str, Tensor]]:
    try:
        return find_parameters(node.module, pattern)
    except LookupError as error:
        if strict:
            raise UsageError(
                encodable(str(error), 300), hint="where names a parameter of the module, or a glob"
            ) from None
        return []
