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


def build_python_command(module: str, function: str, call: str, *arguments: str) -> list[str]:
    """The command that imports `function` from `module` in a fresh interpreter and evaluates `call`, with nothing of
    the current directory on its path. The arguments are `sys.argv[2:]` there."""
    boot = _BOOT.format(module=module, function=function) + f"sys.exit({call})"
    return [sys.executable, "-c", boot, _PACKAGE_PARENT, *arguments]


def build_engine_command(fd: int, call_log: int) -> list[str]:
    """The command of an engine that talks over the inherited socket `fd` and leaves a `call_log`."""
    call = "main(int(sys.argv[2]), int(sys.argv[3]))"
    return build_python_command("inspector.engine.server", "main", call, str(fd), str(call_log))


@dataclass(frozen=True)
class Connection:
    """A way to an engine.

    `process` is None where the engine lives in somebody else's process; the pipes are the read ends of what its process
    prints, by name of the stream; `call_log` is the descriptor of what its passes leave behind, None where nobody would
    be left to read it; `mark` is in the environment of the engine and of all that it starts."""

    sock: socket.socket
    process: subprocess.Popen[bytes] | None
    pipes: tuple[tuple[str, int], ...]
    call_log: int | None = None
    mark: str = ""

    def end_everything(self) -> None:
        """End the engine at once, and whatever it started, in whatever session that is."""
        if self.process is not None:
            kill_group(self.process.pid)
        if self.mark:
            _kill_marked(self.mark)


def start_engine() -> Connection:
    """An engine in a session of its own: no terminal, no input, its output piped."""
    ours, theirs = socket.socketpair()
    mark = secrets.token_hex(8)
    call_log = make_nameless_file()
    with theirs:
        process = subprocess.Popen(
            build_engine_command(theirs.fileno(), call_log),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(theirs.fileno(), call_log),
            start_new_session=True,
            env={**os.environ, _MARK: mark},
        )
    assert process.stdout is not None and process.stderr is not None
    pipes = (("stdout", os.dup(process.stdout.fileno())), ("stderr", os.dup(process.stderr.fileno())))
    process.stdout.close()
    process.stderr.close()
    return Connection(ours, process, pipes, call_log, mark)


def join_engine(fd: int, output_fd: int | None) -> Connection:
    """The engine at the other end of an inherited socket."""
    pipes = () if output_fd is None else (("output", output_fd),)
    return Connection(socket.socket(fileno=fd), None, pipes)


def _kill_marked(mark: str) -> None:
    """On Linux, kill every process with this mark in its environment: a daemon that a model started is in no group of
    ours, and of nobody's children."""
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


def kill_group(process_group: int, number: int = signal.SIGKILL) -> None:
    """Signal a whole process group; that it is gone already is as good."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process_group, number)


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
