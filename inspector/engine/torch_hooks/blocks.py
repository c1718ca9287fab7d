"""A `with` block of the library, and which calls it sees.

Threads and asyncio tasks that have open blocks of their own are seen by those alone, all of them. Whoever has none is
seen by every block: a worker that the model itself starts, an autograd thread. A task has the blocks that were open
where it was created.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar

from ...errors import InspectorError
from ..modules.tree import ModuleTree
from .eager import STANCE
from .strays import remove_strays


class Block:
    """One block, from `enter` to `leave`: which calls are its own, and that compiled models run eagerly meanwhile.

    Blocks overlap freely and are left in any order, from any thread.

    Args:
        tree: The model.
        strangers: Calls on threads that were there before the block are seen too, where those have no blocks.
    """

    def __init__(self, tree: ModuleTree, strangers: bool = True) -> None:
        self._tree = tree
        self._takes_strangers = strangers
        self._strangers: frozenset[threading.Thread] = frozenset()
        self._holds = False  # the stance
        self._open = False

    def enter(self) -> None:
        """From now on it is one of this thread's, or task's.

        Raises:
            InspectorError: It is open already; and see `Stance.take`.
        """
        if self._open:
            raise InspectorError("this block is open already", hint="make another one: they nest and overlap freely")
        STANCE.take()
        if not self._takes_strangers:
            self._strangers = frozenset(threading.enumerate()) - {threading.current_thread()}
        self._holds = self._open = True
        _BLOCKS.set((*_open_blocks(), self))

    def close(self) -> None:
        """From now on it sees nothing. To be called before its hooks are removed: torch still calls those that another
        thread is about to call, and without what it passes to hooks that are there."""
        self._open = False

    def leave(self) -> None:
        """When its hooks are removed: the end of it. A second one is nothing."""
        self._open = False
        _BLOCKS.set(_open_blocks())
        if self._holds:
            self._holds = False
            STANCE.give_back()
            remove_strays(self._tree.root)

    def sees(self) -> bool:
        """Whether what happens here and now is for this block."""
        if not self._open:
            return False
        here = _BLOCKS.get()
        if not here and self._strangers:
            return threading.current_thread() not in self._strangers
        return not here or self in here or not any(block._open for block in here)


_BLOCKS: ContextVar[tuple[Block, ...]] = ContextVar("open blocks", default=())


def _open_blocks() -> tuple[Block, ...]:
    return tuple(block for block in _BLOCKS.get() if block._open)
