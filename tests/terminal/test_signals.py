"""Signals from outside, to every process there is and to the whole job, while a pass runs."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .harness import ROOT, Terminal, find_app, is_running

MODEL = """
import os, pathlib, time, torch

class Slow(torch.nn.Module):
    def forward(self, x):
        if os.path.exists("slow"):
            pathlib.Path("began").touch()
            time.sleep(1000)
        return x + 1

def build():
    return torch.nn.Sequential(torch.nn.Linear(4, 3), Slow()), (torch.ones(2, 4),)
"""
HOST = """
import inspector, slow
model, inputs = slow.build()
inspector.inspect(model, *inputs)
print("the script goes on", flush=True)
"""
NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Send = Callable[[Terminal, int], object]
TO: dict[str, Send] = {
    "launcher": lambda terminal, number: os.kill(terminal.process.pid, number),
    "app": lambda terminal, number: os.kill(find_app(terminal), number),
    "job": lambda terminal, number: os.killpg(terminal.process.pid, number),
}

QUICK = [("job", signal.SIGINT), ("launcher", signal.SIGINT), ("app", signal.SIGTERM)]
PAIRS = [
    pytest.param(to, number, marks=[] if (to, number) in QUICK else pytest.mark.slow) for to in TO for number in NUMBERS
]


def start(folder: Path, *arguments: str) -> Terminal:
    (folder / "slow.py").write_text(MODEL)
    (folder / "host.py").write_text(HOST)
    environment = {"XDG_STATE_HOME": str(folder), "PYTHONPATH": str(ROOT)}
    return Terminal([sys.executable, *arguments], columns=100, lines=30, environment=environment, folder=folder)


def begin_pass(terminal: Terminal, folder: Path) -> None:
    terminal.wait_for_text("pass 1")
    (folder / "slow").touch()
    terminal.send("r")
    terminal.wait_for((folder / "began").exists, "the pass")


def assert_left(terminal: Terminal, below: list[int]) -> None:
    """The terminal is as it was before, and nobody is left."""
    assert terminal.attributes == terminal.before
    left = terminal.written.rfind(b"\x1b[?1049l")
    assert left > terminal.written.rfind(b"\x1b[?1049h")
    for off in (b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l", b"\x1b[<u"):
        assert off in terminal.written
    assert b"Warning" not in terminal.written[left:] and b"itself failed" not in terminal.written
    terminal.wait_for(lambda: not any(map(is_running, below)), "the end of all", 10)


@pytest.mark.parametrize(("to", "number"), PAIRS)
def test_the_app_leaves(to: str, number: signal.Signals, tmp_path: Path) -> None:
    with start(tmp_path, "-m", "inspector", "slow.py:build") as terminal:
        begin_pass(terminal, tmp_path)
        below = terminal.children()
        TO[to](terminal, number)
        assert terminal.wait_for_end(30) == 128 + number
        assert_left(terminal, below)


@pytest.mark.parametrize(("to", "number"), PAIRS)
def test_a_script_that_called_inspect(to: str, number: signal.Signals, tmp_path: Path) -> None:
    with start(tmp_path, "host.py") as terminal:
        terminal.wait_for_text("pass 1")
        below = terminal.children()
        TO[to](terminal, number)
        code = terminal.wait_for_end(30)
        assert_left(terminal, below)
        if to == "app":  # which the script outlives
            assert code == 0 and b"the script goes on" in terminal.written
        else:
            assert code == -number
