"""What an engine of its own does at its start, for the case that a model ends it: say where Python was, keep the client
in reach, and leave the client alive.
"""

from __future__ import annotations

import contextlib
import faulthandler
import fcntl
import os
import resource
import signal
from typing import NoReturn

from ..postmortem.record import ASK

_DEADLY = (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGUSR1, signal.SIGXCPU)
"""Signals that end a process which does nothing about them; faulthandler knows of SIGSEGV and its like by itself."""


def move_out_of_the_way(fd: int) -> int:
    """The same under a high number: models that tidy up close the low descriptors, or all that may be open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, min(soft, 1024) - 64)
    os.close(fd)
    return high


_faults: list[int] = []
"""The descriptor that faults are written to."""


def enable_faults() -> None:
    """Write what Python was at when a fault ends this process; again, where a model switched that off."""
    for descriptor in _faults:
        faulthandler.enable(descriptor, all_threads=False)


def write_faults_to(call_log: int) -> None:
    """However this process ends, and whenever it is asked: the lines that Python is at go to `call_log`."""
    _faults[:] = [call_log]
    enable_faults()
    faulthandler.register(ASK, call_log, all_threads=False)
    for number in _DEADLY:
        faulthandler.register(number, call_log, all_threads=False, chain=True)
    _tell_exits(call_log)


def _tell_exits(call_log: int) -> None:
    """Nothing runs after `os._exit`, so the lines are written before it."""
    leave, engine = os._exit, os.getpid()

    def _exit(status: int) -> NoReturn:
        if os.getpid() == engine:  # and not in a child that was forked
            with contextlib.suppress(OSError):
                faulthandler.dump_traceback(call_log, all_threads=False)
        leave(status)

    os._exit = _exit


def be_killed_first() -> None:
    """Where memory runs out, Linux shall end the process that has the model and not the one that can say so."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("800")
