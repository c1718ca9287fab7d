"""A script that opens the app on a model which prints between two of its modules, once a file says so.

    python printing_host.py FOLDER WAY

`FOLDER/began` is written when the pass waits for `FOLDER/go`. WAY is how it prints, a function of this file.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import torch
from torch import nn

import inspector

FOLDER, WAY = Path(sys.argv[1]), sys.argv[2]
LINE = "printed by the model".ljust(79, ".") + "\n"
MUCH = LINE * (1_000_000 // len(LINE))


def prints() -> None:
    print(MUCH, end="")


def prints_much_at_once() -> None:
    print(MUCH * 4, end="")


def writes() -> None:
    left = MUCH.encode()
    while left:
        left = left[os.write(2, left) :]


def writes_with_the_lock() -> None:
    """As C++ code that is called without letting go of the interpreter's lock."""
    write, left = ctypes.PyDLL(None).write, MUCH.encode()
    while left:
        left = left[write(1, left, len(left)) :]


def prints_in_c() -> None:
    libc = ctypes.CDLL(None)
    for _ in range(20_000):
        libc.printf(b"%s", LINE.encode())
    libc.fflush(None)


def has_a_child_that_prints() -> None:
    subprocess.run([sys.executable, "-S", "-c", f"print({LINE!r} * 12_500, end='')"], check=True)


def has_a_thread_that_prints() -> None:
    def talk() -> None:
        while True:
            print("from a thread", "." * 1000)

    threading.Thread(target=talk, daemon=True).start()
    time.sleep(0.5)


def prints_into_a_small_pipe() -> None:
    prints()


def forks_a_worker() -> None:
    """It inherits every descriptor of this process, and stays."""
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)
    prints()


class Wait(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if WAY == "prints_into_a_small_pipe":
            fcntl.fcntl(1, 1031, 4096)  # F_SETPIPE_SZ; macOS has small ones
        (FOLDER / "began").touch()
        while not (FOLDER / "go").exists():
            time.sleep(0.01)
        (FOLDER / "go").unlink()
        globals()[WAY]()
        print("said at the end of the deed")
        (FOLDER / "done").touch()
        return x


class Never(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise AssertionError("the pass was cancelled")


class AtOnce(nn.Module):
    """Prints whenever it runs, as when its input is guessed."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        prints()
        return x


if __name__ == "__main__":
    if WAY == "prints_at_once":
        model = nn.Sequential(nn.Linear(4, 4), AtOnce())
        inspector.inspect(model)
    else:
        model = nn.Sequential(nn.Linear(4, 4), Wait(), Never())
        inspector.inspect(model, torch.ones(2, 4))
    count = sum(len(module._forward_hooks) for module in model.modules())
    os.write(1, f"the script goes on {count} hooks\n".encode())  # whole, beside what still comes out of the passes
    print("to standard error", file=sys.stderr, flush=True)
    os._exit(0)
