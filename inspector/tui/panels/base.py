"""What a detail panel is. A new panel is one file here and one line in `PANELS` of this package."""

from __future__ import annotations

from typing import ClassVar

from textual.widget import Widget

from ...client.model import Model
from ...records import AnyEvent, AnyRequest, Path, Problem
from ..keys import Context


class Panel(Widget):
    """Shows one side of the selected module.

    The app asks `request` what to send whenever the selection or the model's state changed while the panel is
    showing, and hands the reply to `show`. A panel that needs nothing returns None and draws in `select` alone.
    """

    TITLE: ClassVar[str]
    """The label on its tab."""

    STALE_AFTER_PASS: ClassVar[bool] = True
    """Whether a finished pass changes what it shows."""

    REPLY_MAY_TAKE_A_PASS: ClassVar[bool] = False
    """Whether the engine may run a pass for the reply. Such a reply is not waited for when something else is selected:
    the engine drops what nobody waits for."""

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

    def clear(self) -> None:
        """No model, or no selection."""

    def draw_ascii(self) -> None:
        """Draw with ASCII characters only from now on."""
