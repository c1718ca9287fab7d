"""What the keys of a list of hooks ask for; the app does it."""

from __future__ import annotations

from abc import abstractmethod

from textual.message_pump import MessagePump

from ...records import HookRow
from ..messages import Deed, HookAsked


class HookKeys(MessagePump):
    """The actions of the context "hooks", for a widget or a screen that has a cursor on a hook."""

    @property
    @abstractmethod
    def hook(self) -> HookRow | None:
        """The hook under the cursor."""

    def action_toggle_hook(self) -> None:
        self._ask("toggle")

    def action_hook_source(self) -> None:
        self._ask("source")

    def action_change_hook(self) -> None:
        self._ask("change")

    def action_delete_hook(self) -> None:
        self._ask("delete")

    def _ask(self, deed: Deed) -> None:
        if self.hook is not None:
            self.post_message(HookAsked(deed, self.hook))
