"""Child processes of the app: how an engine is started, and ended with everything it started.

Imports the standard library only, so that the engine is on its way before the app imports anything else.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..postmortem.record import make_nameless_file

_MARK = "INSPECTOR_ENGINE"
_PACKAGE_PARENT = str(Path(__file__).resolve().parents[2])

# `-c` puts the current directory first on sys.path, where a local rich.py would shadow the real one. (`-P` needs 3.11.)
# Where this package lies in no folder of the path, its own goes first: the index has another `inspector`.
_BOOT = (
    "import sys; sys.path[:1] = [] if sys.path[:1] == [''] else sys.path[:1]; "
    "sys.argv[1] in sys.path or sys.path.insert(0, sys.argv[1]); "
    "from {module} import {function}; "
)


_KEEPER = (
    "import sys; sys.path.insert(0, sys.argv[1]); from inspector.client.keeper import main; "
    "main(int(sys.argv[2]), [int(fd) for fd in sys.argv[3:]])"
)


def build_python_command(module: str, function: str, call: str, *arguments: str) -> list[str]:
    """The command that imports `function` from `module` in a fresh interpreter and evaluates `call`, with nothing of
    the current directory on its path. The arguments are `sys.argv[2:]` there."""
    boot = _BOOT.format(module=module, function=function) + f"sys.exit({call})"
    return [sys.executable, "-c", boot, _PACKAGE_PARENT, *arguments]


def build_engine_command(fd: int, call_log: int) -> list[str]:
    """The command of an engine that talks over the inherited socket `fd` and leaves a `call_log`."""
    call = "main(int(sys.argv[2]), int(sys.argv[3]))"
    return build_python_command("inspector.engine.server", "main", call, str(fd), str(call_log))


class EngineProcess:
    """An engine and its keeper, which is a child of this process.

    `returncode` is how the engine ended, as `subprocess` gives it; None while anything of it is there.

    Args:
        keeper: Waits for the word what to run.
        lifeline: The socket to it.
        mark: Is in the environment of both, and of all that a model starts, where a model does not take it out.
    """

    def __init__(self, keeper: subprocess.Popen[bytes], lifeline: socket.socket, mark: str) -> None:
        self.pid = keeper.pid
        self.returncode: int | None = None
        self._keeper = keeper
        self._lifeline = lifeline
        self._mark = mark

    def run(self, command: Sequence[str]) -> None:
        """Say what to run."""
        with contextlib.suppress(OSError):  # a keeper that ended already is noticed as the end of an engine is
            self._lifeline.sendall(b"\0".join(map(os.fsencode, command)) + b"\0\0")

    def poll(self) -> int | None:
        """The `returncode`, looked at anew."""
        if self.returncode is None and self._keeper.poll() is not None:
            self._lifeline.setblocking(False)
            with contextlib.suppress(OSError, ValueError):
                self.returncode = int(self._lifeline.recv(64))
            if self.returncode is None:  # somebody killed the keeper, and the kernel the engine with it
                self.returncode = self._keeper.returncode
            self._lifeline.close()
        return self.returncode

    def wait(self, timeout: float) -> int | None:
        """The `returncode`, once there is one. Raises `subprocess.TimeoutExpired` after so many seconds."""
        self._keeper.wait(timeout)
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Hand a signal to the engine: SIGUSR2 to it alone; SIGTERM, SIGTSTP and SIGCONT to its group as well. Only for
        one that has greeted: before, its keeper may not know what to do with it."""
        if self.poll() is None:
            self._keeper.send_signal(number)

    def end(self) -> None:
        """Have the engine and everything that it started ended at once; `poll` tells when it is done."""
        with contextlib.suppress(OSError):
            self._lifeline.shutdown(socket.SHUT_WR)

    def end_by_force(self) -> None:
        """What the keeper did not end, where somebody stopped or killed it."""
        if self._keeper.poll() is None:
            self._keeper.kill()
        _kill_marked(self._mark)


@dataclass(frozen=True)
class Connection:
    """A way to an engine.

    `process` is None where the engine lives in somebody else's process; the pipes are the read ends of what its process
    prints, by name of the stream; `call_log` is the descriptor of what its passes leave behind, None where nobody would
    be left to read it."""

    sock: socket.socket
    process: EngineProcess | None
    pipes: tuple[tuple[str, int], ...]
    call_log: int | None = None


def start_engine() -> Connection:
    """An engine in a session of its own: no terminal, no input, its output piped."""
    call_log = make_nameless_file()
    return start_kept(lambda fd: build_engine_command(fd, call_log), call_log)


def start_kept(build_command: Callable[[int], Sequence[str]], call_log: int | None = None) -> Connection:
    """A process that speaks the engine's side of the channel, with a keeper between it and this one.

    Args:
        build_command: Given the descriptor of its socket.
        call_log: It inherits this as well.
    """
    ours, theirs = socket.socketpair()
    lifeline, end = socket.socketpair()
    mark = secrets.token_hex(8)
    with theirs, end:
        inherited = [theirs.fileno(), *([] if call_log is None else [call_log])]
        keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _KEEPER, _PACKAGE_PARENT, str(end.fileno()), *map(str, inherited)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(end.fileno(), *inherited),
            start_new_session=True,
            env={**os.environ, _MARK: mark},
        )
        process = EngineProcess(keeper, lifeline, mark)
        process.run(build_command(theirs.fileno()))
    assert keeper.stdout is not None and keeper.stderr is not None
    pipes = (("stdout", os.dup(keeper.stdout.fileno())), ("stderr", os.dup(keeper.stderr.fileno())))
    keeper.stdout.close()
    keeper.stderr.close()
    return Connection(ours, process, pipes, call_log)


def join_engine(fd: int, output_fd: int | None) -> Connection:
    """The engine at the other end of an inherited socket."""
    pipes = () if output_fd is None else (("output", output_fd),)
    return Connection(socket.socket(fileno=fd), None, pipes)


def _kill_marked(mark: str) -> None:
    """On Linux, kill every process with this mark in its environment."""
    if sys.platform != "linux":
        return
    wanted, user = f"{_MARK}={mark}".encode(), os.getuid()
    for entry in os.scandir("/proc"):
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == user:
                with open(f"/proc/{entry.name}/environ", "rb") as environment:
                    marked = wanted in environment.read().split(b"\0")
                if marked:
                    os.kill(int(entry.name), signal.SIGKILL)


def name_exit(code: int) -> str:
    """An exit status in a word that a program may compare: "SIGSEGV", "ProcessExit"."""
    try:
        return "ProcessExit" if code >= 0 else signal.Signals(-code).name
    except ValueError:
        return f"Signal{-code}"


def describe_exit(code: int) -> str:
    """An exit status as `subprocess` gives it, in words: "was killed by SIGSEGV", "ended with exit code 3"."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
