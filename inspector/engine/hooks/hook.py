"""One hook as a person asks for it: a kind with its arguments, what it is put on, and when it acts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ...errors import UsageError
from ...text import encodable
from ..values.value_path import Step, parse_steps
from .conditions import Condition, parse_condition
from .recording import Recording
from .step_choice import StepChoice, parse_step

if TYPE_CHECKING:
    from .kind import Kind

_KEYWORD = inspect.Parameter.KEYWORD_ONLY
OPTIONS = {
    name: inspect.Parameter(name, _KEYWORD, default=default)
    for name, default in dict(on=None, where="", step=None, call=None, every=1, when="", at="").items()
}
"""What every kind takes besides its own arguments."""

PARAMETERS = "parameters"
MOMENTS = ("before", "after")
"""When a hook on parameters writes to them: before a call of its module, which sees it, or after the call."""


@dataclass(frozen=True, repr=False)
class Hook:
    """Made by calling a `Kind`. `str` gives the text that makes it again.

    On parameters `at` is "before" or "after", that of its kind where none is asked for; on anything else it is "".

    Raises:
        UsageError: An option cannot be understood.
    """

    kind: Kind
    arguments: Mapping[str, Any]
    on: str
    where: str = ""
    step: int | str | None = None
    call: int | None = None
    every: int = 1
    when: str = ""
    at: str = ""
    code: str = ""  # of a Python hook
    function: Callable[..., Any] | None = field(default=None, compare=False)  # in place of `code`, from the library
    looks: bool = field(default=False, compare=False)  # of such a function: it is not meant to change anything
    steps: tuple[Step, ...] = field(init=False, compare=False)
    condition: Condition | None = field(init=False, compare=False)
    choice: StepChoice = field(init=False, compare=False)  # of steps

    def __post_init__(self) -> None:
        for name, least in (("call", 0), ("every", 1)):
            value = getattr(self, name)
            wrong = not isinstance(value, int) or isinstance(value, bool) or value < least
            if value is not None and wrong:
                raise self.kind.refusal(f"{name} must be a whole number from {least}, not {encodable(repr(value), 80)}")
        object.__setattr__(self, "at", self._choose_moment())
        for name in ("where", "when"):
            if not isinstance(getattr(self, name), str):
                raise self.kind.refusal(f"{name} must be text")
        try:
            by_structure = self.on in ("output", "input", "grad", "both")
            object.__setattr__(self, "steps", parse_steps(self.where) if by_structure else ())
            object.__setattr__(self, "condition", parse_condition(self.when, self.on == "output" and not self.where))
            object.__setattr__(self, "choice", parse_step(self.step))
        except ValueError as error:
            raise UsageError(encodable(f"{self.kind.name}: {error}", 400), hint=_HINT) from None
        self._refuse_unread()
        if self.choice.last and not self.kind.takes_last:
            raise self.kind.refusal(
                "which step is the last is known only when it is over: step='last' is for observe and record"
            )

    def _refuse_unread(self) -> None:
        """A function of a person's own is given all there is, and decides itself."""
        python = self.kind.acts == "python"
        unread = ["when"] * bool(python and self.when) + ["where"] * bool(python and self.where and self.on != "grad")
        if unread:
            raise self.kind.refusal(f"{' and '.join(unread)} would not be looked at: the function is given all of it")

    def _choose_moment(self) -> str:
        if not self.at:
            return self.kind.moment if self.on == PARAMETERS else ""
        if self.on != PARAMETERS:
            raise self.kind.refusal(f"at is for on={PARAMETERS!r}; this one is on={self.on!r}")
        if self.at not in MOMENTS:
            raise self.kind.refusal(f"at must be 'before' or 'after', not {encodable(repr(self.at), 80)}")
        return self.at

    @property
    def alters(self) -> bool:
        return self.kind.group != "Look" and not self.looks

    def check_text(self) -> None:
        """Raises `UsageError` where its text does not make it again: an argument is an object that is in no file."""
        if any(write_argument(value).startswith("<") for value in self.arguments.values()):
            raise UsageError(
                encodable(f"{self} holds tensors that are in no file, and cannot be written", 300),
                hint="rec.save('clean.safetensors'), and patch('clean.safetensors')",
            )

    def __str__(self) -> str:
        parameters = self.kind.signature.parameters
        shown = []
        keyword = False
        for name in parameters:
            if name in self.arguments:
                text = write_argument(self.arguments[name])
                shown.append(f"{name}={text}" if keyword else text)
            else:
                keyword = True
        if self.on != self.kind.on[0]:
            shown.append(f"on={self.on!r}")
        shown += [f"{name}={value!r}" for name, value in self.options().items()]
        return f"{self.kind.name}({', '.join(shown)})"

    __repr__ = __str__

    def options(self) -> dict[str, Any]:
        """Those besides `on` that say something else than they do by themselves."""
        defaults = {name: option.default for name, option in OPTIONS.items() if name != "on"}
        if self.on == PARAMETERS:
            defaults["at"] = self.kind.moment
        return {name: getattr(self, name) for name in defaults if getattr(self, name) != defaults[name]}


_HINT = "where is like [0], [\"hidden\"], .logits or [..., 16:32]; when is like 'nan > 0' or 'std > 10 and max < 0'"


def write_argument(value: Any) -> str:
    """As it is typed; a tensor, and a recording that is in no file, in angle brackets."""
    if isinstance(value, Tensor):
        return f"<tensor {'×'.join(map(str, value.shape)) or 'scalar'}>"
    if isinstance(value, Mapping):
        file = value.file if isinstance(value, Recording) else ""
        return repr(file) if file else f"<recording of {len(value)}>"
    return repr(value)
