"""A terminal in memory: runs a command on a real pseudo-terminal, types keys and reads the screen.

Nothing here sleeps to be sure: `wait_for` reads what the program writes until a condition holds.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyte

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
"""Seconds after which a condition is taken for one that will not hold."""

_PRIVATE_COLOURS = re.compile(rb"\x1b\[[?>]\d*(;\d+)*m")  # of an editor; pyte fails on them
_MARK = b"\0all is read\0"

_START = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)
"""Makes the pseudo-terminal the controlling one of the command."""


class Terminal:
    """One command on one pseudo-terminal. Use as a context manager; at its end nothing of the command is left.

    Args:
        command: What to run; the first word is a path.
        columns: Width.
        lines: Height.
        environment: Variables over those of a plain 256-colour terminal.
        folder: The working directory.
        echo: Whether the terminal itself writes what is typed while no program has it in raw mode, and stops at ctrl+s.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        lines: int = 24,
        environment: Mapping[str, str] | None = None,
        folder: Path = ROOT,
        echo: bool = True,
    ) -> None:
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.written = b""
        self._begun = b""  # a sequence of which the rest is not read yet
        self._master, self._slave = pty.openpty()
        self.resize(columns, lines)
        os.set_blocking(self._master, False)
        self._set_attributes(echo)
        self.before = termios.tcgetattr(self._slave)
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", _START, *command],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            cwd=folder,
            env=plain_environment(environment or {}),
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            for process in self.children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
        self.hang_up()

    def hang_up(self) -> None:
        """The terminal goes away, as when its window is closed."""
        for fd in (self._master, self._slave):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._master = self._slave = -1

    def _set_attributes(self, echo: bool) -> None:
        """A terminal reads at once what is written, and this one when a test gets to it: what waits for it must outlive
        a ctrl+z, for which the kernel throws it away otherwise."""
        attributes = termios.tcgetattr(self._slave)
        attributes[3] |= termios.NOFLSH
        if not echo:
            attributes[3] &= ~termios.ECHO
            attributes[0] &= ~termios.IXON
        termios.tcsetattr(self._slave, termios.TCSANOW, attributes)

    def send(self, keys: str | bytes, timeout: float = PATIENCE) -> None:
        """Type; what a terminal sends for special keys is up to the caller ("\\x1b[B"). Where the command does not take
        it, what it writes is read: it may wait for that.

        Raises:
            TimeoutError: It took nothing for so many seconds.
        """
        rest = keys.encode() if isinstance(keys, str) else keys
        deadline = time.monotonic() + timeout
        while rest:
            if select.select([], [self._master], [], 0)[1]:
                rest = rest[self._type(rest) :]
                deadline = time.monotonic() + timeout
            elif time.monotonic() > deadline:
                raise TimeoutError(f"what is typed was not read for {timeout:.0f} s")
            else:
                self.read()

    def _type(self, keys: bytes) -> int:
        """How many of them the kernel took."""
        try:
            return os.write(self._master, keys)
        except BlockingIOError:
            return 0

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    def read(self, timeout: float = 0.05) -> bool:
        """Take in what was written meanwhile; whether there was anything."""
        ready, _, _ = select.select([self._master], [], [], timeout)
        if not ready:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            return False
        self._take(data)
        return bool(data)

    def _take(self, data: bytes) -> None:
        self.written += data
        whole, self._begun = _split_at_unfinished(self._begun + data)
        # pyte takes the private-mode queries and kitty's sequences for text or for other commands.
        self._stream.feed(_without_queries(whole))

    def wait_for(self, condition: Callable[[], Any], what: str = "", timeout: float = PATIENCE) -> Any:
        """Read until `condition` holds, and return what it gave."""
        deadline = time.monotonic() + timeout
        while not (result := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(f"not in {timeout} s: {what or condition}\n{self.text}")
            self.read()
        return result

    def wait_for_text(self, text: str, timeout: float = PATIENCE) -> None:
        self.wait_for(lambda: text in self.text, f"{text!r} on the screen", timeout)

    def wait_for_end(self, timeout: float = PATIENCE) -> int:
        """The exit code, once the command has ended and everything it wrote is read."""
        self.wait_for(lambda: self.process.poll() is not None, "the end of the command", timeout)
        self._read_the_rest()
        return self.process.returncode

    def _read_the_rest(self) -> None:
        """What was written before now: the kernel may hand it over late, but in order."""
        while self.read(0.1):
            pass
        os.write(self._slave, _MARK)
        left = bytearray()
        while not left.endswith(_MARK):
            select.select([self._master], [], [])
            left += os.read(self._master, 1 << 16)
        self._take(bytes(left.removesuffix(_MARK)))

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    @property
    def attributes(self) -> list[Any]:
        """The terminal's settings now."""
        return termios.tcgetattr(self._slave)

    def children(self) -> list[int]:
        """Every process below the command, in whatever session it is."""
        return find_below(self.process.pid)


def plain_environment(extra: Mapping[str, str]) -> dict[str, str]:
    unwanted = ("COLUMNS", "LINES", "TMUX", "NO_COLOR", "COLORTERM", "TEXTUAL", "VISUAL", "EDITOR", "TERM_PROGRAM")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {**kept, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "CI": "1", **extra}


def find_below(process: int) -> list[int]:
    """Every process that it, or one of them, started and did not leave behind."""
    parents = _parents()
    found = [process]
    for parent in found:
        found += [child for child, of in parents.items() if of == parent]
    return found[1:]


def _parents() -> dict[int, int]:
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                stat = (folder / "stat").read_text()
                found[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    return found


def is_running(process: int) -> bool:
    """Whether a process is there and not a zombie."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def find_app(terminal: Terminal) -> int:
    """The app's process, among those below a script that called `inspect`."""
    return next(process for process in terminal.children() if b"tui.start" in command_of(process))


def command_of(process: int) -> bytes:
    """The command line, its words separated by NUL."""
    return Path(f"/proc/{process}/cmdline").read_bytes()


def _split_at_unfinished(data: bytes) -> tuple[bytes, bytes]:
    """What is whole, and an escape sequence at the end that may not be."""
    last = data.rfind(b"\x1b")
    unfinished = last >= 0 and len(data) - last < 32 and re.fullmatch(rb"\x1b(\[[<=>?]?[\d;:]*[ -/]*)?", data[last:])
    return (data[:last], data[last:]) if unfinished else (data, b"")


def _without_queries(data: bytes) -> bytes:
    data = _PRIVATE_COLOURS.sub(b"", data)
    for query in (b"\x1b[?2026$p", b"\x1b[?2048$p", b"\x1b[>25u", b"\x1b[<u"):
        data = data.replace(query, b"")
    return data


def add_hook(terminal: Terminal, hook: str, then: str) -> None:
    """Type a hook for the selected module, and wait for what the screen says of it."""
    terminal.send("a")
    terminal.wait_for_text("narrow the list")
    terminal.send(hook)
    terminal.wait_for_text(hook)
    terminal.send("\r")
    terminal.wait_for_text(then)
