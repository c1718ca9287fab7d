"""What a detail panel is. A new panel is one file here and one line in `PANELS` of this package."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

from textual.message import Message
from textual.widget import Widget

from ...client.model import Model
from ...records import AnyEvent, AnyRequest, Path, Problem
from ..keys import Context


class Panel(Widget):
    """Shows one side of the selected module.

    The app asks `request` what to send whenever the selection or the model's state changed while the panel is
    showing, and hands the reply to `show`. A panel that needs nothing returns None and draws in `select` alone.
    """

    class TabChanged(Message):
        """Its tab may look different now, though nothing else was selected and no pass has ended."""

    class KeysChanged(Message):
        """Other keys of its own do something now."""

    TITLE: ClassVar[str]
    """What it is called in full."""

    TAB: ClassVar[str] = ""
    """What its tab is called; "" for its title."""

    SHORT: ClassVar[str] = ""
    """The same where there is less room, in four letters at most; "" for the first ones of it."""

    OF_MODULE: ClassVar[bool] = True
    """Whether it shows a module, and nothing while none is selected."""

    STALE_AFTER_PASS: ClassVar[bool] = True
    """Whether a finished pass changes what it shows."""

    REPLY_MAY_TAKE_A_PASS: ClassVar[bool] = False
    """Whether the engine may run a pass for the reply, unless a `Look` asks for it. Such a reply is not waited for when
    something else is selected: the engine drops what nobody waits for."""

    CONTEXT: ClassVar[Context | None] = None
    """The context of its keys in `keys.COMMANDS`, where it has any."""

    def select(self, model: Model, index: int) -> None:
        """The module at row `index` of `model` is selected now. Called before `request`, and again after a pass."""

    def request(self, generation: int, path: Path) -> AnyRequest | None:
        """What to ask the engine for this module, None for nothing."""
        return None

    def show(self, event: AnyEvent) -> None:
        """The reply to `request`, for the module selected last."""

    def show_problem(self, problem: Problem) -> None:
        """The engine could not answer."""

    def holds_anything(self, model: Model, index: int) -> bool:
        """Whether there is anything to see for the module at row `index`, as far as that is known without asking."""
        return model.is_model

    def tab_mark(self, model: Model, index: int) -> str:
        """What stands behind its name on the tab: something there that a person may want to know of now."""
        return ""

    def idle_commands(self) -> Collection[str]:
        """Those of its context that do nothing now, by id: the line of keys leaves them out."""
        return ()

    def see(self) -> None:
        """A person looks at it: what was news is none any more."""

    def clear(self, model: Model) -> None:
        """Nothing is selected in `model`: it has no rows yet, or never will."""

    def draw_ascii(self) -> None:
        """Draw with ASCII characters only from now on."""
