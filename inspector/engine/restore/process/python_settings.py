"""Settings of Python itself."""

from __future__ import annotations

import faulthandler
import gc
import multiprocessing
import sys
import threading
import tracemalloc
from collections.abc import Callable
from typing import Any

from .setting import CannotWrite, Setting, attribute, find_pairs, list_attribute

_VALUES = (
    "excepthook", "displayhook", "unraisablehook", "breakpointhook", "stdin", "dont_write_bytecode",
    "pycache_prefix", "tracebacklimit", "ps1",
)  # fmt: skip
_PAIRS = (
    ("switch interval", "getswitchinterval", "setswitchinterval"),
    ("digits of int", "get_int_max_str_digits", "set_int_max_str_digits"),
    ("dlopen flags", "getdlopenflags", "setdlopenflags"),
    ("coroutine origins", "get_coroutine_origin_tracking_depth", "set_coroutine_origin_tracking_depth"),
)


def _read_asyncgen_hooks() -> tuple[Any, ...]:
    return tuple(sys.get_asyncgen_hooks())


def _write_gc(on: bool) -> None:
    (gc.enable if on else gc.disable)()


_frozen: list[bool] = []


def keep_frozen() -> None:
    """Objects of this process are frozen, and stay so: to count them takes as long as there are many."""
    _frozen[:] = [True]


def _read_frozen() -> bool:
    """Counts them no more than once."""
    if not _frozen and gc.get_freeze_count() > 0:
        keep_frozen()
    return bool(_frozen)


def _write_frozen(some: bool) -> None:
    gc.unfreeze()
    _frozen.clear()


_faults: list[Callable[[], object]] = []


def keep_faults(enable: Callable[[], object]) -> None:
    """How the fault handler is switched on in this process; it is on."""
    _faults[:] = [enable]


def _write_faults(on: bool) -> None:
    if not on:
        faulthandler.disable()
    elif _faults:
        _faults[0]()
    else:
        raise CannotWrite("the file that it wrote to is not known")


def _read_tracing() -> int:
    """Frames that are kept of every allocation; 0 while none are."""
    return tracemalloc.get_traceback_limit() if tracemalloc.is_tracing() else 0


def _write_tracing(frames: int) -> None:
    tracemalloc.stop()
    if frames:
        tracemalloc.start(frames)
        raise CannotWrite("it was started anew, and what it had seen is gone")


def _write_start_method(method: str | None) -> None:
    multiprocessing.set_start_method(method, force=True)


FIRST: tuple[Setting, ...] = (
    Setting("trace function", sys.gettrace, sys.settrace),
    Setting("profile function", sys.getprofile, sys.setprofile),
    Setting("recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
)
"""What would disturb the writing of the others."""

PYTHON: tuple[Setting, ...] = (
    attribute("sys.stdout", sys, "stdout"),
    attribute("sys.stderr", sys, "stderr"),
    *(attribute(f"sys.{name}", sys, name) for name in _VALUES),
    *(list_attribute(f"sys.{name}", sys, name) for name in ("path", "meta_path", "path_hooks", "argv", "warnoptions")),
    *find_pairs(sys, _PAIRS),
    Setting("hooks of async generators", _read_asyncgen_hooks, lambda hooks: sys.set_asyncgen_hooks(*hooks)),
    attribute("threading.excepthook", threading, "excepthook"),
    Setting("trace function of threads", threading.gettrace, threading.settrace),
    Setting("profile function of threads", threading.getprofile, threading.setprofile),
    Setting("stack size of threads", threading.stack_size, threading.stack_size),
    Setting("garbage collection", gc.isenabled, _write_gc),
    Setting("thresholds of gc", gc.get_threshold, lambda value: gc.set_threshold(*value)),
    Setting("debugging of gc", gc.get_debug, gc.set_debug),
    Setting("gc.freeze", _read_frozen, _write_frozen),
    list_attribute("gc.callbacks", gc, "callbacks"),
    Setting("fault handler", faulthandler.is_enabled, _write_faults),
    Setting("tracemalloc", _read_tracing, _write_tracing),
    Setting("start method of processes", lambda: multiprocessing.get_start_method(allow_none=True),
            _write_start_method),
)  # fmt: skip
