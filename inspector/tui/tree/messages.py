"""What the tree of modules says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

from ...records import CallRow

if TYPE_CHECKING:
    from .widget import ModuleTree


class OfModule(Message):
    """Something is done to the module in a row of a tree."""

    def __init__(self, tree: ModuleTree, index: int) -> None:
        self.tree = tree
        self.index = index
        super().__init__()

    @property
    def control(self) -> ModuleTree:
        return self.tree


class Highlighted(OfModule, namespace="module_tree"):
    """The cursor is on another line: where calls are shown, on this call."""

    def __init__(self, tree: ModuleTree, index: int, call: CallRow | None) -> None:
        self.call = call
        super().__init__(tree, index)

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts when keys come faster than details."""
        return isinstance(message, Highlighted)


class Opened(OfModule, namespace="module_tree"):
    """Enter or a double click: the details of this module are wanted."""
