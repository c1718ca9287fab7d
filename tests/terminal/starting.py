"""A model that starts processes of every kind in its pass, none of which wants to end.

Their numbers are appended to the file that the environment variable `STARTED` names, and `ready` once all are there.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from queue import SimpleQueue

import torch
from torch import nn
from torch.utils.data import DataLoader

SLEEP = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(1000)"]
SLEEP_DEAF = [
    sys.executable, "-I", "-S", "-c",
    "import signal, time\nfor number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)\ntime.sleep(1000)",
]  # fmt: skip
SLEEP_BELOW = [
    sys.executable, "-I", "-S", "-c",
    "import os, subprocess, sys, time; p = subprocess.Popen(['sleep', '1000'], start_new_session=True, env={});"
    " os.write(int(sys.argv[1]), b'%d\\n' % p.pid); time.sleep(1000)",
]  # fmt: skip

kept: SimpleQueue[object] = SimpleQueue()
"""A list would be emptied after the pass, and end what it holds."""


def note(file: int, process: int | None) -> None:
    os.write(file, b"%d\n" % (process or 0))


def start_with_subprocess(file: int) -> None:
    """Plain; in a session of its own; without an environment; deaf; one below another."""
    for options in ({}, {"start_new_session": True}, {"start_new_session": True, "env": {}}):
        kept.put(child := subprocess.Popen(SLEEP, **options))
        note(file, child.pid)
    kept.put(child := subprocess.Popen(SLEEP_DEAF, start_new_session=True, env={}))
    note(file, child.pid)
    kept.put(child := subprocess.Popen([*SLEEP_BELOW, str(file)], pass_fds=(file,), env={}))
    note(file, child.pid)


def start_daemon(file: int) -> None:
    """As daemons do it: forked twice, in a session of its own, with nothing open and no environment."""
    if (child := os.fork()) == 0:
        os.setsid()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if os.fork() == 0:
            note(file, os.getpid())
            os.closerange(0, 256)
            os.execve(sys.executable, SLEEP, {})
        os._exit(0)
    os.waitpid(child, 0)


def start_workers(file: int) -> None:
    """Those of `multiprocessing` and of a DataLoader."""
    for method in ("fork", "spawn"):
        worker = multiprocessing.get_context(method).Process(target=time.sleep, args=(1000,))
        worker.start()
        note(file, worker.pid)
        kept.put(worker)
    kept.put(batches := iter(DataLoader(torch.ones(8, 1), num_workers=1, persistent_workers=True)))
    note(file, batches._workers[0].pid)


class Starts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if kept.empty():
            file = os.open(os.environ["STARTED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            start_with_subprocess(file)
            start_daemon(file)
            start_workers(file)
            time.sleep(0.3)
            os.write(file, b"ready\n")
        if os.environ.get("THEN") == "stay":
            time.sleep(1000)
        return self.layer(x)


def build() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    return Starts(), (torch.ones(2, 4),)
