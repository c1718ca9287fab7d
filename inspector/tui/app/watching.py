"""Looks whether the files that the model was made from are still what they were."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from textual.timer import Timer

from ...files import Stamp, is_file, read_stamps
from ...records import Target
from ..format import cut
from ..keys import say_key
from .host import Host
from .presenter import Presenter
from .state import AppState

INTERVAL = 0.5
"""Seconds between two looks. What two of them saw alike is not being written any more."""

Stamps = dict[str, Stamp | None]


@dataclass(eq=False)
class Watching:
    """Says so; `by_itself` also loads the model anew, when nothing else goes on."""

    state: AppState
    presenter: Presenter
    host: Host
    by_itself: bool
    _target: str = field(default="", init=False)
    _read: Stamps = field(default_factory=dict, init=False)  # when they were imported, or shortly after
    _last: Stamps = field(default_factory=dict, init=False)  # at the last look
    _told: tuple[str, ...] = field(default=(), init=False)
    _before: tuple[str, Stamps] = field(default=("", {}), init=False)  # the target before, with what was read for it
    _clock: Timer | None = field(default=None, init=False)

    def start(self) -> None:
        """The app runs."""
        self._clock = self.host.every(INTERVAL, lambda: self.host.spawn(self.look(), group="watch", exclusive=True))

    def begin(self, target: Target) -> None:
        """A target is loaded now, from what its files say now. Those that it imported before it will import again."""
        again = self._read if target.target == self._target else {}
        self._before = self._target, self._read
        self._target, self._told = target.target, ()
        self._read = read_stamps({*again, *name_files(target)})
        self._last = dict(self._read)
        self.presenter.show_changed_files("")
        self._go_on()

    def go_back(self) -> None:
        """The target could not be loaded, and the one before it is still there."""
        self._target, self._read = self._before
        self._last = dict(self._read)
        self._go_on()

    def take(self, files: Iterable[str]) -> None:
        """These are imported as well."""
        new = read_stamps(file for file in files if file not in self._read)
        self._read.update(new)
        self._last.update(new)
        self._go_on()

    def _go_on(self) -> None:
        if self._clock is not None and self._read:
            self._clock.resume()

    async def look(self) -> None:
        """Once. A file may lie on a disk that takes its time."""
        read, last = self._read, self._last
        now = await asyncio.to_thread(read_stamps, tuple(read))
        if read is not self._read:  # the model was loaded anew meanwhile
            return
        self._last = {**last, **now}
        if all(last.get(file) == stamp for file, stamp in now.items()):
            self._compare(now)

    def _compare(self, now: Stamps) -> None:
        changed = tuple(file for file, stamp in now.items() if stamp != self._read[file])
        if changed != self._told:
            self._tell(changed)
        if changed and self.by_itself and None not in now.values() and self._is_idle:
            self.host.perform("reload")

    def _tell(self, changed: tuple[str, ...]) -> None:
        self._told = changed
        self.presenter.show_changed_files(describe_files(changed))
        for file in changed:
            self.presenter.log("info", f"{file} changed on disk; {say_key('reload')} loads the model anew")

    @property
    def _is_idle(self) -> bool:
        """No pass runs, and the person is not typing anything into a layer."""
        return not (self.state.running or self.state.guessing or self.host.has_layers)


def name_files(target: Target) -> tuple[str, ...]:
    """The files that a target names itself: its own, and its weights."""
    named = (target.target, target.target.partition(":")[0], target.weights)
    return tuple(os.path.abspath(os.path.expanduser(name)) for name in named if is_file(name))


def describe_files(changed: tuple[str, ...]) -> str:
    """In two words; "" for none."""
    if len(changed) > 1:
        return f"{len(changed)} files changed"
    return f"{cut(os.path.basename(changed[0]), 24)} changed" if changed else ""
