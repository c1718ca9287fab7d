"""A model and its process as they were before a pass, put back after it, bit for bit, and only where something changed.

`Snapshot` is taken before each pass; the contents of tensors it leaves to the `TensorBackup` of the session.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..modules.tree import ModuleTree
from ..torch_hooks.ours import count_taken_off
from ..values.collector import without_collector
from .backup import TensorBackup
from .found import Found
from .hooks import KeptHooks
from .kept_tensor import LOST
from .kinds.kind import Change, Kept
from .others import OtherThreads
from .place import Place, say
from .process.state import ProcessState
from .reach import Reach

_DOUBT = "put back, and another thread may have set it"


class Snapshot:
    """What a model reaches as it is now, the hooks of tensors and of the process, and the settings of the process.

    Args:
        tree: The model.
        backup: Its tensors.
        again: Take over what the last such snapshot found, where that must be so still, and leave it to the next one.
    """

    def __init__(self, tree: ModuleTree, backup: TensorBackup, again: bool = False) -> None:
        self._backup = backup
        self._again = again and backup.is_alone
        found, backup.found = backup.found, None
        if not self._again or OtherThreads(tree) or (found is not None and found.taken_off != count_taken_off()):
            found = None
        if found is None:
            with without_collector():
                reach = Reach(tree, backup.modules)
            backup.meet(reach.tensors)
        self.others = OtherThreads(tree)
        backup.had_others = backup.had_others or bool(self.others)
        if backup.had_others:
            backup.take_over(self.others)
        self._found = found or Found(reach.groups, reach.kept, KeptHooks(backup.named_tensors()), count_taken_off())
        self._process = ProcessState()
        self._restless: list[Kept] | None = None
        self._restless_tensors: set[int] | None = None
        self._left_to_others: list[str] = []
        self._gone: dict[str, None] = {}

    def restore_restless(self) -> None:
        """Put back, of what the model reaches, what changed when this was called first, and what was written to since:
        for what is done again and again. `restore` finds the rest."""
        self._left_to_others += self._leave_to_others()
        if self._restless is None:
            self._restless = [kept for kept in self._find_suspects() if self._put_back(kept)]
        for kept in self._restless:
            self._put_back(kept)
        self._restless_tensors = self._backup.restore_restless(self._restless_tensors, self.others)

    def _find_suspects(self) -> Iterator[Kept]:
        """What may have changed. Where others may have done it, or took hooks of ours off, all is asked alone."""
        if self.others:
            self._backup.modules.forget()
        shared = self.others or count_taken_off() != self._found.taken_off
        for group in self._found.groups:
            if shared or not group.is_same():
                yield from group.members
        yield from self._found.kept

    def _put_back(self, kept: Kept) -> list[tuple[Place, Change]]:
        """What it had changed; of what cannot be put back, the words are kept, too."""
        changes = [(kept.place, change) for change in (*self._leave(kept), *map(self._doubt, _try_restore(kept)))]
        words = (f"{say(place, change.piece)} ({change.lost})" for place, change in changes if change.lost)
        self._gone.update(dict.fromkeys(words))
        return changes

    def _leave(self, kept: Kept) -> list[Change]:
        return list(kept.leave_to(self.others.theirs)) if self.others else []

    def _doubt(self, change: Change) -> Change:
        """Nothing tells of a plain attribute who set it: what was put back may have been another thread's."""
        doubtful = self.others and not change.lost and self.others.ran()
        return change._replace(lost=_DOUBT) if doubtful else change

    def _leave_to_others(self) -> list[str]:
        if not self.others:
            return []
        theirs = self.others.theirs
        left, hooks = self._backup.leave_to(self.others), self._found.hooks.leave_to(theirs)
        theirs.at_the_model |= bool(left or hooks) or self.others.called
        self._gone.update(dict.fromkeys(hooks))
        return left

    def restore_first(self) -> None:
        """Put back what code of ours would trip over. `restore` does the rest, and tells of this as well."""
        self._process.restore_first()

    def restore(self, error: BaseException | None = None) -> tuple[list[str], list[str]]:
        """Put everything back.

        Args:
            error: What the pass raised; where it left a mode on, the variables of its frames are cleared.

        Returns:
            What had changed and was put back, and what cannot be put back, in words.
        """
        changed, gone = self._process.restore()
        left = self._left_to_others + self._leave_to_others()
        changes = [found for kept in self._find_suspects() for found in self._put_back(kept)]
        hooks = self._found.hooks.restore()
        left += self._leave_to_others()
        tensors = self._backup.restore(self.others)
        changed += [say(place, change.piece) for place, change in changes if not change.lost] + hooks + left + tensors
        for found, words in zip((changed, gone), self._process.restore_modes(error), strict=True):
            found += words
        gone += self._gone
        gone += [words for words in changed if words.endswith(LOST)]
        if self._again and error is None and not (changes or hooks or left or self.others):
            self._keep_found(tensors)
        return list(dict.fromkeys(words for words in changed if not words.endswith(LOST))), list(dict.fromkeys(gone))

    def _keep_found(self, tensors: list[str]) -> None:
        """For the next snapshot. `tensors` is what was put back of those: their elements leave them where they are."""
        quiet = count_taken_off() == self._found.taken_off and not self._process.left_modes
        if quiet and all(words.endswith(": values") for words in tensors):
            self._backup.found = self._found


def _try_restore(kept: Kept) -> list[Change]:
    try:
        return list(kept.restore())
    except Exception as error:  # keys and setters of anybody's may raise anything; the rest is still put back
        return [Change("", f"{type(error).__name__} while it was compared or put back")]
