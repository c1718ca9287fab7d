"""What a forward pass may change outside the model: random states and settings of the whole process.

`ProcessState()` remembers them, `restore` puts back what changed and says what that was.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import torch


class Setting(NamedTuple):
    """One process-wide value: how it is called, read and written."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], Any]
    said: bool = True  # worth telling when a pass changed it


def _write_cwd(path: str) -> None:
    if path:
        os.chdir(path)


def _read_cwd() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:  # the directory was removed under us
        return ""


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
)

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class ProcessState:
    def __init__(self) -> None:
        self._settings = [(setting, setting.read()) for setting in SETTINGS]
        self._random = random_states()
        self._handlers = {number: signal.getsignal(number) for number in _SIGNALS}

    def restore(self) -> list[str]:
        """Put back what changed. Returns its names; random states are put back without a word."""
        changed = []
        for setting, value in self._settings:
            if setting.read() is not value and setting.read() != value:
                setting.write(value)
                changed.append(setting.name)
        if threading.current_thread() is threading.main_thread():
            for number, handler in self._handlers.items():
                if signal.getsignal(number) != handler and handler is not None:
                    signal.signal(number, handler)
                    changed.append(f"handler of {number.name}")
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
