"""The process the user started: it starts the app on this terminal and puts the terminal right whatever becomes of it.

A process that is killed cannot restore the terminal it changed, so the one that waits for it does. Imports the
standard library only: between the command and the first frame every millisecond shows.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from ...client.job import has_shell, is_in_foreground
from ...client.process import build_python_command, describe_exit
from . import lifeline

# Kitty keys (before leaving the alternate screen), synchronized output, mouse, focus, paste, resize reports, line
# wrap, alternate screen, cursor, colours.
RESTORE = (
    "\x1b[<u\x1b[?2026l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?1004l\x1b[?2004l"
    "\x1b[?2048l\x1b[?7h\x1b[?1049l\x1b[?25h\x1b[0m"
)

_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGTSTP)

_STOPS_WITHIN = 0.2  # seconds; the main thread takes the signal in, and another one goes on for a moment

_GOES_ON_WITHIN = 0.05  # seconds; a shell lets the processes of a job go on one after another


def supervise(
    argv: list[str],
    *,
    fds: tuple[int, ...] = (),
    started: Callable[[subprocess.Popen[bytes]], object] = lambda app: None,
) -> int:
    """Run the app as a child on this terminal until it ends, and return the exit code for this process.

    Args:
        argv: `AppOptions.to_argv()`.
        fds: What the app inherits besides the terminal.
        started: Told of the app, which leaves by a signal.
    """
    ours, theirs = socket.socketpair()
    with ours, _open_terminal() as terminal:
        attributes = termios.tcgetattr(terminal)
        with theirs:
            app = _start(argv, (*fds, theirs.fileno()), theirs.fileno(), terminal)
            started(app)
        words = lifeline.Words(ours)
        with _forward_signals(app):
            while (code := _wait(app)) is None:
                if has_shell() and not _goes_on(app):
                    _restore_terminal(terminal, attributes, words.app_has_left())
                    _stop_job()
                    if not _goes_on(app):
                        app.send_signal(signal.SIGCONT)
        _restore_terminal(terminal, attributes, words.app_has_left())
        if code >= 0:
            return code
        if code != -signal.SIGINT:
            _say(f"inspector: the app {describe_exit(code)}\n", terminal)
    return 128 - code


def _start(argv: list[str], fds: tuple[int, ...], lifeline_fd: int, terminal: int) -> subprocess.Popen[bytes]:
    def stream(fd: int) -> int | None:
        return None if is_terminal(fd) else terminal

    command = build_python_command(
        "inspector.tui.start.__main__", "main", "main(int(sys.argv[2]), sys.argv[3:])", str(lifeline_fd)
    )
    # Exported sizes would keep the app from following the window.
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    return subprocess.Popen(
        [*command, *argv], stdin=stream(0), stdout=stream(1), stderr=stream(2), pass_fds=fds, env=environment
    )


@contextlib.contextmanager
def _open_terminal() -> Iterator[int]:
    """The controlling terminal. Any of the standard streams may be redirected."""
    terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    try:
        yield terminal
    finally:
        os.close(terminal)


def is_terminal(fd: int) -> bool:
    """Whether `fd` is open and leads to a terminal."""
    try:
        return os.isatty(fd)
    except OSError:
        return False


@contextlib.contextmanager
def _forward_signals(app: subprocess.Popen[bytes]) -> Iterator[None]:
    """Hand on the signals that ask to leave or to stop; the app does it properly and this process after it."""

    def forward(number: int, frame: FrameType | None) -> None:
        app.send_signal(number)

    with contextlib.ExitStack() as undo:
        for number in _FORWARDED:
            undo.callback(_handle(number, forward))
        yield


def _handle(number: int, handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Callable[[], object]:
    """Install a signal handler and return what puts the old one back. Only the main thread may."""
    try:
        before = signal.signal(number, handler)
    except ValueError:
        return lambda: None
    return lambda: signal.signal(number, before if before is not None else signal.SIG_DFL)


def _say(words: str, terminal: int) -> None:
    """On standard error, or on the terminal where that leads somewhere else."""
    with contextlib.suppress(OSError):
        os.write(2 if is_terminal(2) else terminal, words.encode())


def _wait(app: subprocess.Popen[bytes]) -> int | None:
    """How the app ended; None when it was stopped."""
    if app.returncode is not None:
        return app.returncode
    try:
        _, status = os.waitpid(app.pid, os.WUNTRACED)
    except ChildProcessError:  # the program that called `inspect` has taken it in, or a signal was being handed on
        return app.wait()
    if os.WIFSTOPPED(status):
        return None
    app.returncode = os.waitstatus_to_exitcode(status)
    return app.returncode


def _goes_on(app: subprocess.Popen[bytes]) -> bool:
    """Whether the app that was stopped is let go on, or has ended. Where the whole job was stopped, of which the app
    alone can be seen, that is heard of when the shell has just let all of it go on."""
    time.sleep(_GOES_ON_WITHIN)
    try:
        process, status = os.waitpid(app.pid, os.WNOHANG | os.WCONTINUED)
    except ChildProcessError:
        return True
    if process and not os.WIFCONTINUED(status):
        app.returncode = os.waitstatus_to_exitcode(status)
    return process != 0


def _stop_job() -> None:
    """Stop with all of this job, as ctrl+z does, until the shell lets it go on."""
    undo = _handle(signal.SIGTSTP, signal.SIG_DFL)
    os.killpg(0, signal.SIGTSTP)
    if threading.current_thread() is not threading.main_thread():
        time.sleep(_STOPS_WITHIN)
    undo()


def _restore_terminal(terminal: int, attributes: list[Any], left: bool) -> None:
    if not is_in_foreground(terminal):  # it is the shell's, as it likes it
        return
    # A second "leave the alternate screen" would move the cursor, so it is sent only where the app did not send it.
    with contextlib.suppress(OSError, termios.error):
        if not left:
            os.write(terminal, RESTORE.encode())
        termios.tcsetattr(terminal, termios.TCSADRAIN, attributes)
        if not left:
            termios.tcflush(terminal, termios.TCIFLUSH)
