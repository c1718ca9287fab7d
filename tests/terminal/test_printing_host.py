"""What the program prints that `inspect` was called in never makes it wait, whoever is gone or does not read."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from .harness import Terminal, find_app, is_running

SCRIPT = Path(__file__).with_name("printing_host.py")
WAYS = [
    "prints", "prints_much_at_once", "writes", "writes_with_the_lock", "prints_in_c", "has_a_child_that_prints",
    "has_a_thread_that_prints", "prints_into_a_small_pipe", "forks_a_worker",
]  # fmt: skip
QUICK = ("prints", "writes_with_the_lock", "forks_a_worker")
SECONDS = 30.0
"""For the script to go on, once its pass may; generous, for machines that test other things meanwhile."""


def start(folder: Path, way: str) -> Terminal:
    return Terminal(
        [sys.executable, str(SCRIPT), str(folder), way],
        columns=100,
        lines=30,
        environment={"XDG_STATE_HOME": str(folder)},
    )


def wait_in_pass(terminal: Terminal, folder: Path) -> int:
    """The app's process, once the pass is in its deed."""
    terminal.wait_for(lambda: (folder / "began").exists(), "the pass")
    terminal.wait_for_text("q Quit")
    return find_app(terminal)


def some(ways: list[str]) -> list[object]:
    return [way if way in QUICK else pytest.param(way, marks=pytest.mark.slow) for way in ways]


@pytest.mark.parametrize("way", some(WAYS))
def test_an_app_that_is_closed_during_a_pass_lets_it_print(way: str, tmp_path: Path) -> None:
    with start(tmp_path, way) as terminal:
        app = wait_in_pass(terminal, tmp_path)
        terminal.send("q")
        terminal.wait_for(lambda: not is_running(app), "the end of the app", SECONDS)
        (tmp_path / "go").touch()
        assert terminal.wait_for_end(SECONDS) == 0
        assert b"the script goes on 0 hooks" in terminal.written
        assert b"to standard error" in terminal.written
        assert b"said at the end of the deed" in terminal.written
        assert terminal.attributes == terminal.before


@pytest.mark.parametrize("way", some(WAYS))
def test_an_app_that_is_killed_during_a_pass_lets_it_print(way: str, tmp_path: Path) -> None:
    with start(tmp_path, way) as terminal:
        app = wait_in_pass(terminal, tmp_path)
        os.kill(app, signal.SIGKILL)
        (tmp_path / "go").touch()
        assert terminal.wait_for_end(SECONDS) == 0
        assert b"the script goes on 0 hooks" in terminal.written, terminal.written[-3000:]
        assert b"said at the end of the deed" in terminal.written
        assert terminal.attributes == terminal.before


@pytest.mark.parametrize("way", some(WAYS))
def test_an_app_that_is_stopped_lets_it_print(way: str, tmp_path: Path) -> None:
    """The app alone, by a signal that no program can catch. What it would have shown last is there when it goes on."""
    with start(tmp_path, way) as terminal:
        app = wait_in_pass(terminal, tmp_path)
        os.kill(app, signal.SIGSTOP)
        (tmp_path / "go").touch()
        terminal.wait_for(lambda: not (tmp_path / "go").exists(), "the deed")
        terminal.wait_for(lambda: (tmp_path / "done").exists(), "the end of the deed", SECONDS)
        os.kill(app, signal.SIGCONT)
        terminal.send("8")  # the Log, which follows its end
        terminal.wait_for_text("from a thread" if way == "has_a_thread_that_prints" else "said at the end of the deed")
        terminal.send("q")
        assert terminal.wait_for_end(SECONDS) == 0
        assert terminal.attributes == terminal.before


def test_a_pass_that_goes_on_after_the_app_can_be_interrupted(tmp_path: Path) -> None:
    with start(tmp_path, "prints") as terminal:
        wait_in_pass(terminal, tmp_path)
        terminal.send("q")
        terminal.wait_for(lambda: b"ends at its next module, or with ctrl+c" in terminal.written, "what it waits for")
        terminal.send("\x03")
        assert terminal.wait_for_end(SECONDS) == 0
        assert b"the script goes on 0 hooks" in terminal.written


def test_what_is_printed_before_the_app_is_there_makes_nobody_wait(tmp_path: Path) -> None:
    with start(tmp_path, "prints_at_once") as terminal:
        terminal.wait_for_text("q Quit")
        terminal.send("q")
        assert terminal.wait_for_end(SECONDS) == 0
        assert b"the script goes on 0 hooks" in terminal.written
