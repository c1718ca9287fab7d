"""What the operating system keeps for this process or thread."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from .setting import CannotWrite, Reading, Setting, attribute, is_same


def _read_cwd() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:  # the directory was removed under us
        return ""


def _write_cwd(path: str) -> None:
    if path:
        os.chdir(path)


def _read_umask() -> int:
    """There is no asking without setting it; meanwhile files of other threads are for their owner alone."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


_environ = os.environ


def _read_environment() -> dict[Any, Any]:
    """Its own dict where it has one: each look at `os.environ` encodes and decodes."""
    held: dict[Any, Any] = vars(_environ).get("_data", _environ)
    return held.copy()


def _write_environment(then: dict[Any, Any]) -> None:
    own = os.environb if any(type(name) is bytes for name in then) else _environ
    now = _read_environment()
    for name in [name for name in now if name not in then]:
        del own[name]
    for name, value in then.items():
        if now.get(name) != value:
            own[name] = value


def _read_time_zone() -> tuple[Any, ...]:
    return time.timezone, time.altzone, time.daylight, time.tzname


_LIMITS = {
    name.removeprefix("RLIMIT_"): getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")
}


def _read_limits() -> dict[str, tuple[int, int]]:
    return {name: resource.getrlimit(number) for name, number in _LIMITS.items()}


def _write_limits(then: dict[str, tuple[int, int]]) -> None:
    for name, (soft, hard) in then.items():
        if resource.getrlimit(_LIMITS[name]) != (soft, hard):
            _write_limit(_LIMITS[name], soft, hard)


def _write_limit(number: int, soft: int, hard: int) -> None:
    try:
        resource.setrlimit(number, (soft, hard))
    except ValueError:  # a hard limit that was lowered stays so; the soft one goes as high as that
        _, lowered = resource.getrlimit(number)
        resource.setrlimit(number, (lowered, lowered))


def in_main_thread() -> bool:
    """Where Python's signal handlers run, and can be set."""
    return threading.current_thread() is threading.main_thread()


_SIGNALS = tuple(sorted(set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}))
_NAMES = {number: getattr(number, "name", f"signal {int(number)}") for number in _SIGNALS}
_getsignal = getattr(sys.modules.get("_signal"), "getsignal", signal.getsignal)  # the same without enumerations


def _read_handlers() -> dict[str, Any]:
    return {name: _getsignal(number) for number, name in _NAMES.items()}


def _write_handlers(then: dict[str, Any]) -> None:
    for number, name in _NAMES.items():
        if not is_same(_getsignal(number), then[name]):
            if then[name] is None:
                raise CannotWrite(f"that of {name} was not Python's")
            signal.signal(number, then[name])


def _read_mask() -> list[int]:
    return sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ()))


def _write_mask(then: list[int]) -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, then)


_TIMERS: dict[str, tuple[int, Callable[[], float]]] = {
    "real": (signal.ITIMER_REAL, time.monotonic),
    "virtual": (signal.ITIMER_VIRTUAL, lambda: os.times().user),
    "profiling": (signal.ITIMER_PROF, time.process_time),
}
_NEAR = 0.1  # seconds


class _Timer(Reading):
    """When a timer rings by its own clock, None where it is off, and how often after that. Without an interval, off is
    what becomes of it in time."""

    def __init__(self, which: int, clock: Callable[[], float]) -> None:
        left, self.interval = signal.getitimer(which)
        self.clock = clock
        self.rings = clock() + left if left else None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Timer) or self.interval != other.interval:
            return False
        if self.rings is None and other.rings is None:
            return True
        if self.rings is None or other.rings is None:
            late = self.clock()
            return all(timer.rings is None or timer.rings <= late for timer in (self, other))
        return self.interval > 0 or abs(self.rings - other.rings) < _NEAR

    __hash__ = object.__hash__


def _read_timers() -> dict[str, _Timer]:
    return {name: _Timer(which, clock) for name, (which, clock) in _TIMERS.items()}


def _write_timers(then: dict[str, _Timer]) -> None:
    """One that the pass set would ring when nobody waits for it, and one that it ended would not ring any more."""
    for name, (which, clock) in _TIMERS.items():
        timer = then[name]
        if timer != _Timer(which, clock):
            left = max(timer.rings - clock(), 1e-6) if timer.rings is not None else 0
            signal.setitimer(which, left, timer.interval if left else 0)


def _write_priority(value: int) -> None:
    os.setpriority(os.PRIO_PROCESS, 0, value)


def _read_user() -> tuple[int, ...]:
    return os.geteuid(), os.getegid()


def _write_user(value: tuple[int, ...]) -> None:
    os.seteuid(value[0])
    os.setegid(value[1])


def _write_group(group: int) -> None:
    os.setpgid(0, group)


def _list_linux() -> list[Setting]:
    if not hasattr(os, "sched_getaffinity"):
        return []
    return [
        Setting("CPU affinity", lambda: sorted(os.sched_getaffinity(0)), lambda cpus: os.sched_setaffinity(0, cpus)),
    ]


SYSTEM: tuple[Setting, ...] = (
    Setting("resource limits", _read_limits, _write_limits, plain=True),
    Setting("working directory", _read_cwd, _write_cwd),
    attribute("os.environ", os, "environ"),
    Setting("environment", _read_environment, _write_environment, plain=True),
    Setting("time zone", _read_time_zone, lambda value: time.tzset()),
    Setting("umask", _read_umask, os.umask),
    Setting("priority", lambda: os.getpriority(os.PRIO_PROCESS, 0), _write_priority),
    Setting("user", _read_user, _write_user),
    Setting("process group", os.getpgrp, _write_group),
    Setting("blocked signals", _read_mask, _write_mask),
    *_list_linux(),
)

MAIN_THREAD: tuple[Setting, ...] = (
    Setting("signal handlers", _read_handlers, _write_handlers),
    Setting("timers", _read_timers, _write_timers, plain=True),
)
"""What can be written in the main thread alone."""
