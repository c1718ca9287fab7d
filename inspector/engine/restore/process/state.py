"""What a forward pass may change outside the model: random states and settings of the whole process.

`ProcessState()` remembers them; `restore` puts back what changed, and says what that was and what is left.
"""

from __future__ import annotations

import gc
from traceback import clear_frames
from typing import Any

from ....raised import kind_of, message_of
from ....text import encodable
from .compiler_settings import COMPILER
from .context import KeptContext
from .leftovers import Leftovers
from .library_settings import LIBRARIES
from .python_settings import FIRST, PYTHON
from .random_states import random_states, restore_random
from .setting import Setting, find_changed, is_same
from .streams import STREAMS
from .system_settings import MAIN_THREAD, SYSTEM, in_main_thread
from .torch_modes import MODES
from .torch_settings import TORCH

SETTINGS: tuple[Setting, ...] = (*FIRST, *MODES, *TORCH, *COMPILER, *PYTHON, *SYSTEM, *LIBRARIES)
"""All that can be read and written in any thread, in the order in which they are put back."""

_SOON_SEEN = ("grad mode", "inference mode", "dispatch keys")
_NAMED = 3
"""Parts of a setting that are named where it changed."""


class ProcessState:
    """The settings of the process and of the thread that makes this, and what it has open and running. `left_modes`
    says that a mode of torch's was put back."""

    def __init__(self) -> None:
        settings = (*SETTINGS, *(MAIN_THREAD if in_main_thread() else ()), *STREAMS)
        self._kept = [_Kept(setting) for setting in settings]
        self._modes = self._kept[len(FIRST) : len(FIRST) + len(MODES)]
        self._soon_seen = [kept for kept in self._modes if kept.is_soon_seen]
        self._soon = self._kept[len(SETTINGS) :]
        self.left_modes = False
        self._restored: tuple[list[str], list[str]] = [], []
        self._left: list[str] | None = None
        self._context = KeptContext()
        self._random = random_states()
        self._leftovers = Leftovers()

    def restore_first(self) -> None:
        """Put back what would disturb code of ours, or run code of the model's in it, such as a timer; and look at what
        is left before anybody else opens files. `restore` does the rest, and tells of this as well."""
        modes = len(FIRST) + len(MODES)
        self.left_modes |= _restore_all(self._kept[:modes], *self._restored)
        _restore_all(self._soon, *self._restored)
        if self._left is None:
            self._left = self._leftovers.find()

    def restore(self) -> tuple[list[str], list[str]]:
        """Put back what changed; random states without a word.

        Returns:
            What was put back, and what cannot be, in words.
        """
        self.restore_first()
        changed, lost = self._restored
        _restore_all(self._kept[len(FIRST) + len(MODES) :], changed, lost)
        for found, words in zip((changed, lost), self._context.restore(), strict=True):
            found += words
        restore_random(self._random)
        return changed, lost + (self._left or [])

    def restore_modes(self, error: BaseException | None) -> tuple[list[str], list[str]]:
        """To be called once what the pass made is put back, and so gone: a guard that was entered and never left
        brings back, when it is freed, what was before it, in the middle of the pass.

        Args:
            error: What the pass raised, whose frames may hold one.

        Returns:
            As `restore` does.
        """
        if self.left_modes:
            _clear_frames(error)
            gc.collect()
        changed: list[str] = []
        lost: list[str] = []
        if self.left_modes or not all(kept.is_same() for kept in self._soon_seen):
            _restore_all(self._modes, changed, lost)
        return changed, lost


def _clear_frames(error: BaseException | None) -> None:
    """Of an exception and those that it came from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


class _Kept:
    """A setting and what was read of it."""

    __slots__ = ("_setting", "_then")

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._then: Any = _read(setting)

    @property
    def is_soon_seen(self) -> bool:
        """Whether it is one of those that tell of most guards, and are quickly read."""
        return self._setting.name in _SOON_SEEN

    def is_same(self) -> bool:
        now, then = _read(self._setting), self._then
        if now is then or type(then) is _Unreadable or (self._setting.plain and now == then):
            return True
        return is_same(self._comparable(now), then)

    def restore(self, changed: list[str], lost: list[str]) -> None:
        words = self._describe()
        try:
            self._setting.write(self._then)
            why = "" if self.is_same() else "it does not take its value again"
        except Exception as error:  # of many kinds: what the system refuses, what torch refuses, what is no more
            why = message_of(error) or kind_of(error)
        if why:
            lost.append(encodable(f"{words} ({why})", 200))
        elif self._setting.said:
            changed.append(words)

    def _comparable(self, now: Any) -> Any:
        if self._setting.grows and type(now) is dict:
            return {key: now[key] for key in self._then if key in now}
        return now

    def _describe(self) -> str:
        """The setting, and of one with named parts which of them changed."""
        now = self._comparable(_read(self._setting))
        if type(now) is not dict or type(self._then) is not dict:
            return self._setting.name
        keys = find_changed(now, self._then)
        more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
        return encodable(f"{self._setting.name}: {', '.join(keys[:_NAMED])}{more}", 200)


def _restore_all(settings: list[_Kept], changed: list[str], lost: list[str]) -> bool:
    """Whether anything had changed."""
    different = False
    for kept in settings:
        if not kept.is_same():
            kept.restore(changed, lost)
            different = True
    return different


class _Unreadable:
    """In the place of a value that could not be read."""


def _read(setting: Setting) -> Any:
    try:
        return setting.read()
    except Exception:  # torch refuses to read some while others are half set: what it says is no value to put back
        return _Unreadable()
