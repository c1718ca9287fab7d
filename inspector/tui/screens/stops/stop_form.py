"""Asks when a pass shall stop at a module."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, cast, get_args

from textual.app import ComposeResult

from ....records import Stop, StopOn
from ... import format
from ..completions import complete_condition
from ..fields import Field
from ..forms.small_form import SmallForm, text
from .stop_list import name

_EVERY = "every module that runs it"
ON: tuple[str, ...] = tuple(on for on in get_args(StopOn) if on != "line")


class StopForm(SmallForm[Stop]):
    """Stays until the engine takes what was said.

    Args:
        stop: To start from.
        new: It is not set yet.
        take: Sets it; says what is wrong with it, "" for nothing.
    """

    help_page = "When to stop"
    hints: ClassVar[dict[str, str]] = {
        "accept": "Set", "complete": "Complete", "tick": "Choose", "leave": "Leave it",
    }  # fmt: skip

    def __init__(self, stop: Stop, new: bool, take: Callable[[Stop], Awaitable[str]]) -> None:
        super().__init__()
        self._stop = stop
        self._take_it = take
        is_line = stop.on == "line"
        self.heading = f"{'Stop' if new else 'Change the stop'} at {name(stop)}"
        self._on = Field("Stop", stop.on, "", choices=ON)
        if is_line:
            here = format.path(stop.path)
            self._on = Field("In", _EVERY if stop.everywhere else here, "", choices=(here, _EVERY))
        label, every = ("Time", "every time") if is_line else ("Call", "every call")
        self._call = Field(label, _write(stop.call), "the first is 0", every)
        self._step = Field("Step", _write(stop.step), "batch or token", "every step, 3, 2:5")
        about, example = ("of what is there", "x.max() > 9") if is_line else ("of a tensor there", "nan > 0")
        self._when = Field("When", stop.when, about, example, complete=complete_condition)
        self._log = Field("Only write", stop.log, "and do not stop", "output.shape")
        self._timeout = Field("Timeout", f"{stop.timeout:g}" if stop.timeout else "", "seconds, then on", "never")

    def fields(self) -> ComposeResult:
        yield from (self._on, self._call, self._step, self._when, self._log, self._timeout)
        if self._stop.on == "line":
            yield text("When and Only write: any expression of the variables there.")
            return
        yield text("When: nan > 0, std > 1e3, shape[1] != 64, abs(mean - baseline) > 1.")

    def read(self) -> Stop:
        is_line = self._stop.on == "line"
        return Stop(
            self._stop.id,
            "line" if is_line else cast(StopOn, self._on.value),
            self._stop.path,
            _read_count(self._call.value, "time" if is_line else "call"),
            _read_step(self._step.value),
            self._when.value.strip(),
            self._log.value.strip(),
            _read_seconds(self._timeout.value),
            self._stop.enabled,
            self._stop.file,
            self._stop.line,
            is_line and self._on.value == _EVERY,
        )

    def take(self, read: Stop) -> None:
        self.run_worker(self._set(read), name="set", exclusive=True)

    async def _set(self, stop: Stop) -> None:
        why = await self._take_it(stop)
        if why and self.is_shown:
            self.say_fault(why)
        elif not why:
            self.dismiss(stop)


def _write(value: int | str | None) -> str:
    return "" if value is None else str(value)


def _read_count(typed: str, what: str) -> int | None:
    typed = typed.strip()
    if typed and not (typed.isascii() and typed.isdigit()):
        raise ValueError(f"a {what} is a number, the first is 0")
    return int(typed) if typed else None


def _read_step(typed: str) -> int | str | None:
    return typed.strip() if ":" in typed else _read_count(typed, "step")


def _read_seconds(typed: str) -> float:
    try:
        return float(typed) if typed.strip() else 0.0
    except ValueError:
        raise ValueError("a timeout is a number of seconds") from None
