"""A model and its process as they were before a pass, put back after it, bit for bit, and only where something changed.

`Snapshot` is taken before each pass; the contents of tensors it leaves to the `TensorBackup` of the session.
"""

from __future__ import annotations

from ..modules.tree import ModuleTree
from .backup import TensorBackup
from .hooks import KeptHooks
from .kept_tensor import LOST
from .modules import KeptModule
from .others import OtherThreads
from .process.state import ProcessState


class Snapshot:
    """What every module holds now, the hooks of tensors and of the process, and the settings of the process."""

    def __init__(self, tree: ModuleTree, backup: TensorBackup) -> None:
        self._backup = backup
        self.others = OtherThreads(tree)
        if self.others:
            backup.take_over(self.others)
        self._modules = [KeptModule(".".join(tree.paths[n.index]) or "(root)", n.module) for n in tree.objects()]
        self._hooks = KeptHooks(backup.named_tensors())
        self._process = ProcessState()
        self._restless: list[KeptModule] | None = None
        self._restless_tensors: set[int] | None = None
        self._left_to_others: list[str] = []

    def restore_restless(self) -> None:
        """Put back, of modules and tensors, what changed when this was called first, and what was written to since: for
        what is done again and again. `restore` finds the rest."""
        if self._restless is None:
            self._restless = [kept for kept in self._modules if kept.restore([])]
        for kept in self._restless:
            kept.restore([])
        self._left_to_others += self._leave_to_others()
        self._restless_tensors = self._backup.restore_restless(self._restless_tensors)

    def _leave_to_others(self) -> list[str]:
        return self._backup.leave_to(self.others) if self.others else []

    def restore(self) -> tuple[list[str], list[str]]:
        """Put everything back.

        Returns:
            What had changed and was put back, and what cannot be put back, in words.
        """
        changed, gone = self._process.restore()
        for kept in self._modules:
            changed += kept.restore(gone)
        changed += self._hooks.restore()
        changed += self._left_to_others + self._leave_to_others() + self._backup.restore()
        lost = [words for words in changed if words.endswith(LOST)]
        return [words for words in changed if words not in lost], [*gone, *lost]
