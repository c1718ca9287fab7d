"""Models whose forward does its worst. Each runs one layer, then its deed, then another layer.

`Deed(layer)` is one class for all, so that a test can say where it must have happened: in `deed`, after `before`.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import ctypes
import os
import pdb
import signal
import socket
import sys
import termios
import threading
import time
import warnings
from collections.abc import Callable

import torch
from torch import nn

Act = Callable[[torch.Tensor], object]


class Deed(nn.Module):
    """Does something, and hands its input on."""

    def __init__(self, act: Act) -> None:
        super().__init__()
        self.act, self.inner = act, nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.inner(x)
        self.act(x)
        return x


class Hostile(nn.Module):
    def __init__(self, act: Act) -> None:
        super().__init__()
        self.before, self.deed, self.after = nn.Linear(4, 4), Deed(act), nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(self.deed(self.before(x)))


def built(act: Act) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    return Hostile(act), (torch.ones(2, 4),)


def segfault(x):
    ctypes.string_at(0)


def abort(x):
    os.abort()


def os_exit(x):
    os._exit(7)


def sigterm(x):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)


def kill_group(x):
    os.kill(0, signal.SIGTERM)
    time.sleep(60)


def killpg(x):
    os.killpg(os.getpgrp(), signal.SIGKILL)


def alarm(x):
    signal.alarm(1)
    time.sleep(60)


def bus(x):
    os.kill(os.getpid(), signal.SIGBUS)


def stack_overflow_in_c(x):
    thread_free = ctypes.CFUNCTYPE(None)
    box: list[object] = []

    def again() -> None:
        box[0]()

    sys.setrecursionlimit(10**9)
    box.append(thread_free(again))
    again()


def loop(x):
    while True:
        pass


def sleep(x):
    time.sleep(10**6)


def stop(x):
    os.kill(os.getpid(), signal.SIGSTOP)


def deaf_loop(x):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    while True:
        pass


def join_for_ever(x):
    thread = threading.Thread(target=time.sleep, args=(10**6,))
    thread.start()
    thread.join()


def keyboard_interrupt(x):
    raise KeyboardInterrupt


def sys_exit(x):
    sys.exit(3)


def asks(x):
    input("value? ")


def debugger(x):
    pdb.set_trace()


def breaks(x):
    breakpoint()


def recursion(x):
    recursion(x)


def deep_recursion(x):
    sys.setrecursionlimit(10**6)
    recursion(x)


def too_large(x):
    torch.empty(10**15)


def tty(x):
    with open("/dev/tty", "w") as terminal:
        terminal.write("\x1b[2Jstraight to the terminal")


def tty_settings(x):
    fd = os.open("/dev/tty", os.O_RDWR)
    termios.tcsetattr(fd, termios.TCSANOW, [0, 0, 0, 0, 0, 0, [b"\0"] * 32])


def base_exception(x):
    raise BaseException("\x1b[2J[/red]")


def no_words(x):
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    raise Mute


def warnings_are_errors(x):
    warnings.simplefilter("error")
    warnings.warn("a warning", stacklevel=1)


def prints(x):
    print("\x1b[2J\x1b[Hhello from forward \x1b]52;c;cHduZWQ=\x07\x1b]0;title\x07")
    sys.stderr.write("stderr line\n")
    os.write(1, b"raw fd 1\n")


def prints_a_lot(x):
    print("y" * 50_000_000)


def writes_a_lot(x):
    left = memoryview(b"z" * 50_000_000)
    while left:
        left = left[os.write(2, left) :]


def fork(x):
    process = os.fork()
    if process == 0:
        os._exit(0)
    os.waitpid(process, 0)


def fork_and_both_go_on(x):
    os.fork()


def fork_a_daemon(x):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(10**6)
        os._exit(0)


def signals(x):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)


def late_alarm(x):
    signal.setitimer(signal.ITIMER_REAL, 0.2)


def closes_low(x):
    os.closerange(0, 10)


def closes_all(x):
    os.closerange(3, 256)


def chdir(x):
    os.chdir("/")


def no_streams(x):
    sys.stdout = sys.stderr = sys.stdin = None  # type: ignore[assignment]
    sys.excepthook = None  # type: ignore[assignment]


def closed_streams(x):
    sys.stdout.close()
    sys.stderr.close()


def thread_left(x):
    threading.Thread(target=time.sleep, args=(10**6,)).start()


def thread_prints(x):
    def talk() -> None:
        while True:
            print("still here")
            time.sleep(0.01)

    threading.Thread(target=talk).start()


def at_exit(x):
    atexit.register(os.abort)


def shadows_builtins(x):
    builtins.print = builtins.len = builtins.isinstance = builtins.open = None  # type: ignore[assignment]


def traces(x):
    sys.settrace(lambda *_: 1 / 0)


def catches_alarm_later(x):
    signal.signal(signal.SIGALRM, lambda *_: 1 / 0)
    signal.alarm(1)


def takes_sockets(x):
    for fd in range(3, 64):
        with contextlib.suppress(OSError):
            socket.socket(fileno=os.dup(fd)).shutdown(socket.SHUT_RDWR)


def warns(x):
    warnings.warn("a warning", stacklevel=1)


ENDS = {
    "segfault": "was killed by SIGSEGV",
    "abort": "was killed by SIGABRT",
    "os_exit": "ended with exit code 7",
    "sigterm": "was killed by SIGTERM",
    "kill_group": "was killed by SIGTERM",
    "killpg": "was killed by SIGKILL",
    "alarm": "was killed by SIGALRM",
    "bus": "was killed by SIGBUS",
    "stack_overflow_in_c": "was killed by SIGSEGV",
}
"""Deeds that end the process, and how."""


def __getattr__(name: str) -> Callable[[], tuple[nn.Module, tuple[torch.Tensor, ...]]]:
    """`build_NAME` is a factory for every deed."""
    act = globals().get(name.removeprefix("build_"))
    if not name.startswith("build_") or act is None:
        raise AttributeError(name)
    return lambda: built(act)


def unfed_segfault() -> nn.Module:
    """Without an input of its own, so that one is guessed first."""
    return Hostile(segfault)
