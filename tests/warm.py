"""The command as a shell runs it, forked from a process that has torch: most tests of what it prints would else be
imports. Those of processes, signals and descriptors run the real one.

python -m tests.warm SOCKET     serves runs until its standard input ends
"""

from __future__ import annotations

import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).parents[1]
_LONGEST = 200  # seconds
_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []  # removed when this process ends


def run(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """What `inspector ARGUMENTS` prints and returns, in the folder of the repository and without an input.

    Raises:
        TimeoutError: It took longer than any report does.
    """
    with socket.socket(socket.AF_UNIX) as connection, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        connection.settimeout(_LONGEST)
        connection.connect(_serve())
        body = json.dumps((arguments, environment or {})).encode()
        socket.send_fds(connection, [len(body).to_bytes(4, "big") + body], [out.fileno(), err.fileno()])
        code = int(connection.recv(16))
        out.seek(0), err.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read().decode(), err.read().decode())


@functools.cache
def _serve() -> str:
    """Start the process that has torch, once; the socket it listens on. It ends with this one."""
    _FOLDERS.append(tempfile.TemporaryDirectory())
    place = _FOLDERS[0].name
    command = [sys.executable, "-m", "tests.warm", f"{place}/socket"]
    server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)
    while not os.path.exists(f"{place}/socket"):
        if server.poll() is not None:
            raise RuntimeError(f"the process that runs the command ended with {server.returncode}")
        time.sleep(0.01)
    return f"{place}/socket"


def main(place: str) -> None:
    """Serve."""
    from tests.attack import warm_engine

    assert warm_engine
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{place}.new")
    listener.listen()
    os.rename(f"{place}.new", place)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children here
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _answer(connection)
        connection.close()


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def _answer(connection: socket.socket) -> None:
    """Run one command in a process of its own, and tell how it ended."""
    head, fds, _, _ = socket.recv_fds(connection, 1 << 16, 2)
    while len(head) < 4 + int.from_bytes(head[:4], "big"):
        head += connection.recv(1 << 16)
    arguments, environment = json.loads(head[4:])
    child = os.fork()
    if child == 0:
        connection.close()
        _be_the_command(arguments, environment, fds)
    connection.sendall(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
    os._exit(0)


def _be_the_command(arguments: list[str], environment: dict[str, str], fds: list[int]) -> None:
    from inspector.cli.main import main as inspector
    from tests.attack.warm_engine import engines_from

    for number, fd in enumerate((os.open(os.devnull, os.O_RDONLY), *fds)):
        os.dup2(fd, number)
    os.closerange(3, 1024)
    os.environ.update(environment)
    sys.stdin, sys.stdout = (open(number, mode, closefd=False) for number, mode in enumerate("rw"))  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    sys.argv = ["inspector", *arguments]
    code: object = 1
    try:
        with engines_from():
            code = inspector(arguments)
    except SystemExit as leaving:
        code = leaving.code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    main(sys.argv[1])
