"""What a shell with job control does to a program: stops it, lets it go on, and puts it in the background."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

from .lineage import parent_of


@contextlib.contextmanager
def stops_by_default() -> Iterator[None]:
    """Inside, a stop is the kernel's business alone. Only in the main thread."""
    before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, before if before is not None else signal.SIG_DFL)


def stop_process() -> None:
    """Stop here until somebody lets this process go on; nothing happens where nobody could. Only in the main thread."""
    with stops_by_default():
        os.kill(os.getpid(), signal.SIGTSTP)


def is_in_foreground(terminal: int) -> bool:
    """Whether this process may use the terminal now."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:  # it is gone, of which somebody else will tell
        return True


def has_shell() -> bool:
    """Whether a shell waits for this job, to which a stop leads back. The only program of a terminal window, or of a
    pane of tmux, has none: whoever stopped it could not let it go on."""
    group, process = os.getpgrp(), os.getpid()
    with contextlib.suppress(OSError):
        while (parent := parent_of(process)) > 0:
            if os.getpgid(parent) != group:
                return os.getsid(parent) == os.getsid(0)
            process = parent
    return False
