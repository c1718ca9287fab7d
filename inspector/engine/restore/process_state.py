"""What a forward pass may change outside the model: random states and settings of the whole process.

`ProcessState()` remembers them, `restore` puts back what changed and says what that was.
"""

from __future__ import annotations

import builtins
import fcntl
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, cast

import torch


class Setting(NamedTuple):
    """One process-wide value: how it is called, read and written."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], Any]
    said: bool = True  # worth telling when a pass changed it: imports change some


def _write_cwd(path: str) -> None:
    if path:
        os.chdir(path)


def _read_cwd() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:  # the directory was removed under us
        return ""


def _write_filters(filters: list[Any]) -> None:
    warnings.resetwarnings()
    cast("list[Any]", warnings.filters).extend(filters)  # a list, whatever the stub says


def _attribute(name: str, owner: Any, attribute: str) -> Setting:
    return Setting(name, lambda: getattr(owner, attribute), lambda value: setattr(owner, attribute, value))


SETTINGS: tuple[Setting, ...] = (
    Setting("default dtype", torch.get_default_dtype, torch.set_default_dtype),
    Setting("grad mode", torch.is_grad_enabled, torch.set_grad_enabled),
    Setting("number of threads", torch.get_num_threads, torch.set_num_threads),
    Setting(
        "deterministic algorithms",
        lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        lambda value: torch.use_deterministic_algorithms(value[0], warn_only=value[1]),
    ),
    _attribute("cudnn.benchmark", torch.backends.cudnn, "benchmark"),
    _attribute("cudnn.deterministic", torch.backends.cudnn, "deterministic"),
    Setting("matmul precision", torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    Setting("working directory", _read_cwd, _write_cwd),
    _attribute("sys.stdout", sys, "stdout"),
    _attribute("sys.stderr", sys, "stderr"),
    _attribute("sys.excepthook", sys, "excepthook"),
    Setting("trace function", sys.gettrace, sys.settrace),
    Setting("recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    Setting("warning filters", lambda: list(warnings.filters), _write_filters, said=False),
)

_ABOVE = 200
"""Descriptors that no model closes by chance."""

_SIGNALS = (
    signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGALRM, signal.SIGUSR1, signal.SIGPIPE,
    signal.SIGTSTP,
)  # fmt: skip


class Builtins:
    """The names that all Python code here takes for granted. Put back before anything else is done, and without any of
    them: a model may have put something else in their place."""

    def __init__(self, names: dict[str, Any] = builtins.__dict__) -> None:
        self._names = names
        self._then = names.copy()

    def restore(self) -> bool:
        """Whether something had changed."""
        changed = False
        for name, value in self._then.items():
            if name != "_" and self._names.get(name) is not value:
                self._names[name] = value
                changed = True
        return changed


_streams: list[Setting] = []


def keep_streams() -> None:
    """From now on the standard descriptors are put back after every pass. For a process that is ours alone."""
    for fd, name in enumerate(("standard input", "standard output", "standard error")):
        kept = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _ABOVE)
        _streams.append(Setting(name, partial(_read_stream, fd), partial(_put_back, fd, kept)))


def _put_back(fd: int, kept: int, read: object) -> None:
    """Lead the descriptor to where `kept` leads, whatever was read of it."""
    os.dup2(kept, fd)


def _read_stream(fd: int) -> tuple[int, int] | None:
    """What the descriptor leads to; None where it is closed."""
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class ProcessState:
    def __init__(self) -> None:
        self._settings = [(setting, setting.read()) for setting in (*SETTINGS, *_streams)]
        self._random = random_states()
        self._handlers = {number: signal.getsignal(number) for number in _SIGNALS}
        self._alarm = signal.getitimer(signal.ITIMER_REAL)

    def restore(self) -> list[str]:
        """Put back what changed. Returns its names; random states are put back without a word."""
        changed = []
        for setting, value in self._settings:
            if setting.read() is not value and setting.read() != value:
                setting.write(value)
                changed += [setting.name] if setting.said else []
        if threading.current_thread() is threading.main_thread():
            for number, handler in self._handlers.items():
                if signal.getsignal(number) != handler and handler is not None:
                    signal.signal(number, handler)
                    changed.append(f"handler of {number.name}")
            if self._alarm == (0, 0) != signal.getitimer(signal.ITIMER_REAL):  # it would ring when nobody waits for it
                signal.setitimer(signal.ITIMER_REAL, 0)
                changed.append("an alarm")
        restore_random(self._random)
        return changed


def random_states() -> dict[str, Any]:
    """The states of every generator that is in use in this process: Python, numpy, torch, each accelerator."""
    states: dict[str, Any] = {"python": random.getstate(), "torch": torch.get_rng_state()}
    if "numpy" in sys.modules:
        states["numpy"] = sys.modules["numpy"].random.get_state()
    if cuda_in_use():
        states["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        states["mps"] = torch.mps.get_rng_state()
    return states


def cuda_in_use() -> bool:
    return torch.cuda.is_available() and bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def restore_random(states: dict[str, Any]) -> None:
    random.setstate(states["python"])
    torch.set_rng_state(states["torch"])
    if "numpy" in states:
        sys.modules["numpy"].random.set_state(states["numpy"])
    if "cuda" in states:
        torch.cuda.set_rng_state_all(states["cuda"])
    if "mps" in states:
        torch.mps.set_rng_state(states["mps"])


def seed_everything(seed: int) -> None:
    """Python, numpy where it is loaded, and torch on every device."""
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)
    torch.manual_seed(seed)
