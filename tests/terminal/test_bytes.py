"""The app on a real terminal that sends what no terminal should."""

from __future__ import annotations

import os
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path
from random import Random

import pytest

from .harness import Terminal
from .sequences import make_sequence
from .test_session import MODELS, assert_restored, processes


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """The app after its first pass."""
    command = [sys.executable, "-m", "inspector", f"{MODELS}:tiny"]
    with Terminal(command, columns=100, lines=30, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for_text("pass 1")
        yield terminal


def assert_answers(terminal: Terminal) -> None:
    """A key does something: the help comes and goes."""
    terminal.send("?")
    terminal.wait_for_text("q Close")
    terminal.send("q")
    terminal.wait_for(lambda: "q Close" not in terminal.text, "the app without its help")


def assert_leaves(terminal: Terminal, code: int = 0) -> None:
    terminal.send("q")
    assert terminal.wait_for_end() == code
    assert_restored(terminal)


@pytest.mark.parametrize("sequence", [b"\x1b[1;1:3u", b"\x1b[:H", b"\x1b[;:~", b"\x1b[99999999999999999999u"], ids=repr)
def test_what_ended_the_app_once_does_nothing(terminal: Terminal, sequence: bytes) -> None:
    terminal.send(sequence)
    assert_answers(terminal)
    assert_leaves(terminal)


def test_a_paste_that_never_ends_gives_the_keys_back(terminal: Terminal) -> None:
    terminal.send(b"\x1b[200~pasted")
    terminal.wait_for_text("a paste that did not end")
    assert_answers(terminal)
    assert_leaves(terminal)


@pytest.mark.parametrize(("columns", "rows"), [(99_999, 24), (65_535, 65_535), (0, 0)])
def test_a_window_of_any_size_can_be_quit(terminal: Terminal, columns: int, rows: int) -> None:
    """Told in the stream and by the system."""
    app, _ = processes(terminal)
    terminal.send(f"\x1b[48;{rows};{columns};{rows};{columns}t")
    ioctl(terminal._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows % 65_536, columns % 65_536, 0, 0))
    os.kill(app, signal.SIGWINCH)
    terminal.send("q")
    assert terminal.wait_for_end(20) == 0


def test_a_flood_of_reports_does_not_fill_the_app(terminal: Terminal) -> None:
    flood = b"\x1b[I\x1b[O\x1b[<35;5;5M\x1b[<35;6;6M" * 100
    for _ in range(25):
        terminal.wait_for(lambda: terminal.read(0) or _takes(terminal, flood), "room for a report")
    assert_answers(terminal)
    assert_leaves(terminal)


def _takes(terminal: Terminal, data: bytes) -> bool:
    terminal.send(data)
    return True


def test_what_is_typed_as_it_leaves_is_not_echoed_into_a_frame(terminal: Terminal) -> None:
    """The terminal is given back when it has taken all that was written to it."""
    terminal.resize(250, 70)
    terminal.wait_for(lambda: "q Quit" in terminal.screen.display[69], "the whole window")
    terminal.send("t" * 40 + "q")  # more frames than a terminal takes before somebody reads
    until = time.monotonic() + 2
    while time.monotonic() < until:
        assert not terminal.attributes[3] & termios.ECHO
        time.sleep(0.01)
    assert terminal.wait_for_end() == 0
    assert_restored(terminal)


def test_random_bytes_end_the_app_only_as_keys_do(tmp_path: Path) -> None:
    assert_survives(tmp_path, seed=1, count=200)


def assert_survives(folder: Path, seed: int, count: int) -> None:
    """Send so many sequences; where some of them quit the app, start it again for the rest."""
    random = Random(seed)
    sequences = [make_sequence(random).replace(b"q", b"j").replace(b"\x03", b"k") for _ in range(count)]
    while sequences:
        command = [sys.executable, "-m", "inspector", f"{MODELS}:tiny"]
        with Terminal(
            command, environment={"XDG_STATE_HOME": str(folder), "VISUAL": "true"}, folder=folder
        ) as terminal:
            terminal.wait_for_text("pass 1")
            while sequences and terminal.process.poll() is None:
                terminal.send(sequences.pop())
                terminal.read(0)
            assert_ends(terminal)


def assert_ends(terminal: Terminal) -> None:
    """It leaves when it is asked to, as it does without all that, and no bug was said."""
    if terminal.process.poll() is None:
        terminal.process.send_signal(signal.SIGTERM)
    code = terminal.wait_for_end()
    assert b"itself failed" not in terminal.written, terminal.written[-4000:].decode("utf-8", "replace")
    assert code in (0, 128 + signal.SIGTERM)
    assert_restored(terminal)
