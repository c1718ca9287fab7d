"""What the app knows: plain data, written by the controllers and read by what draws or asks."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...client.model import Model
from ...client.pass_plan import FORWARD, Plan
from ...records import GoOn, Opened, Paused, StopRow, Target
from ..keys import key_of

QUICK = 1_000.0
"""Milliseconds below which a pass is run again after a change without being asked for."""

NO_MODEL = f"there is no model yet: {key_of('open')} opens one"


@dataclass
class AppState:
    """Empty until a model is open. `model` is replaced as a whole by another one."""

    model: Model = field(default_factory=Model)
    target: Target | None = None
    opened: Opened | None = None  # the engine's last word on the sample input
    ready: bool = False  # the model is complete and what was kept is applied
    quick: float = QUICK
    readonly: bool = False  # nothing can be changed in any model
    materialize: bool = False  # passes may give lazy modules their shapes: somebody said yes
    running: bool = False
    started: float = 0.0  # of the running pass or of what else is waited for, on time.monotonic's clock
    live: bool = False
    fresh: bool = False  # live passes draw the input anew
    stops: tuple[StopRow, ...] = ()
    paused: Paused | None = None  # where the running pass stands still, else the program around
    held: Paused | None = None  # where the program around stands still
    expects_held: bool = False  # that will be told of: keys for it may come before
    early: GoOn | None = None  # how it is to go on then
    stale: bool = False  # something was changed after the last pass began, and no pass follows by itself
    seed: int = 0  # of the last pass, of the target before it
    first_plan: Plan = FORWARD  # of a model that no target was typed for
    first: bool = True  # nothing was opened yet: what is wrong with it is said on the terminal
    exit_code: int = 0  # that what happened last asks for
    exit_messages: list[str] = field(default_factory=list)  # for the terminal, when the app has left it

    @property
    def generation(self) -> int:
        return self.model.generation

    @property
    def pass_stands(self) -> bool:
        """A pass stands still."""
        return self.paused is not None and not self.paused.program

    @property
    def why_no_pass(self) -> str:
        """What to say where there is nothing that could run, "" where there is."""
        if self.model.is_model:
            return "" if self.ready else NO_MODEL
        typed = f"; inspector NAME -w {self.target.target} opens them in a model" if self.target is not None else ""
        return f"weights without a model: there is nothing to run{typed}"

    @property
    def guessing(self) -> bool:
        """Whether the engine tries inputs."""
        return self.opened is not None and self.opened.guessing

    @property
    def lazy(self) -> int:
        """Modules that have no shapes before a pass."""
        return self.model.info.lazy if self.model.info is not None else 0

    @property
    def would_materialize(self) -> bool:
        """A pass would change lazy modules for as long as it takes, and nobody has said yes to that."""
        allowed = self.materialize or (self.target is not None and self.target.materialize)
        return bool(self.lazy) and not allowed
