"""The app with models that do their worst: what it says, whether it still answers, and what it leaves behind."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .harness import Terminal, is_running
from .hostile import ENDS
from .test_session import assert_restored, processes

MODELS = Path(__file__).with_name("hostile.py")
QUITS_WITHIN = 3.0
"""Seconds from `q` to the prompt; generous, for machines that test other things meanwhile."""

Start = Callable[[str], Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    def start(deed: str) -> Terminal:
        command = [sys.executable, "-m", "inspector", f"{MODELS}:build_{deed}"]
        return Terminal(command, columns=200, lines=40, environment={"XDG_STATE_HOME": str(tmp_path)})

    return start


def said(terminal: Terminal) -> str:
    """What the right pane says, and the notice below both, without line breaks."""
    lines = terminal.text.splitlines()
    border = next((line.index("││") for line in lines if "││" in line), 0)
    right = (line[border + 2 :] if "│" in line else line for line in lines)
    return " ".join(re.sub("[│╭╰╮╯─▌]", " ", " ".join(right)).split())


def assert_leaves(terminal: Terminal) -> None:
    """`q` works, the terminal is as it was, and no process is left."""
    below = terminal.children()
    began = time.monotonic()
    terminal.send("q")
    terminal.wait_for_end()
    assert time.monotonic() - began < QUITS_WITHIN
    assert_restored(terminal)
    terminal.wait_for(lambda: not any(map(is_running, below)), "the end of every process", 5)
    for sequence in (b"\x1b]52;c", b"\x1b]0;", b"straight to the terminal"):
        assert sequence not in terminal.written


def has_row(terminal: Terminal, *words: str) -> bool:
    """Whether a line of the tree has all of these."""
    rows = [line.partition("││")[0] for line in terminal.text.splitlines()]
    return any(all(word in row for word in words) for row in rows)


def some(deeds: list[str], quick: tuple[str, ...]) -> list[object]:
    """Those that no test shall miss, and the others of the same kind as slow ones."""
    return [deed if deed in quick else pytest.param(deed, marks=pytest.mark.slow) for deed in deeds]


@pytest.mark.parametrize("deed", some(list(ENDS), ("segfault", "os_exit")))
def test_a_pass_that_ends_the_engine_leaves_what_it_had_seen(deed: str, start: Start) -> None:
    with start(deed) as terminal:
        terminal.wait_for_text("the engine is gone, ^k starts it again")
        terminal.wait_for(lambda: f"the engine {ENDS[deed]} during" in said(terminal), ENDS[deed])
        terminal.wait_for(lambda: has_row(terminal, "before", "2×4"), "the call that returned")
        terminal.wait_for(lambda: has_row(terminal, "deed", "unfinished"), "the call that did not")
        terminal.send("j2")
        terminal.wait_for_text("called once")
        assert_leaves(terminal)


@pytest.mark.parametrize("deed", some(["loop", "sleep", "stop", "deaf_loop", "join_for_ever"], ("stop",)))
def test_a_pass_without_end_can_be_quit(deed: str, start: Start) -> None:
    with start(deed) as terminal:
        terminal.wait_for_text("running")
        assert_leaves(terminal)


@pytest.mark.parametrize("deed", some(["loop", "sleep", "deaf_loop"], ("sleep",)))
def test_a_pass_without_end_says_where_it_is(deed: str, start: Start) -> None:
    with start(deed) as terminal:
        terminal.wait_for_text("running")
        terminal.send("\x03")
        terminal.wait_for(lambda: "ctrl+k kills it" in said(terminal), "how to kill it")
        terminal.wait_for(lambda: "does not answer in deed at hostile.py:" in said(terminal), "where it is")
        _, engine = processes(terminal)
        terminal.send("\x0b")
        words = "the engine was killed from here during the forward pass, in deed"
        terminal.wait_for(lambda: words in said(terminal), words)
        terminal.wait_for(lambda: not is_running(engine), "the end of the engine")
        terminal.wait_for(lambda: f"in {deed}" in said(terminal), "the function")
        terminal.send("\x0b")
        terminal.wait_for(lambda: len(terminal.children()) > 1 and "running" in terminal.text, "another engine")
        assert_leaves(terminal)


RAISES = {
    "keyboard_interrupt": "KeyboardInterrupt",
    "sys_exit": "the model called sys.exit(3)",
    "asks": "EOFError",
    "breaks": "BdbQuit",
    "debugger": "BdbQuit",
    "deep_recursion": "RecursionError",
    "too_large": "can't allocate memory",
    "tty": "/dev/tty",
    "tty_settings": "/dev/tty",
    "base_exception": "BaseException: \\e[2J[/red]",
    "no_words": "its message cannot be read",
    "warnings_are_errors": "UserWarning: a warning",
}


@pytest.mark.parametrize("deed", some(list(RAISES), ("asks", "tty")))
def test_a_pass_that_raises_says_what(deed: str, start: Start) -> None:
    with start(deed) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.send("8G")
        terminal.wait_for_text(RAISES[deed].split(" ", 1)[0][:20])
        assert_leaves(terminal)


GOES_ON = (
    "prints", "prints_a_lot", "writes_a_lot", "fork", "fork_and_both_go_on", "fork_a_daemon", "signals", "late_alarm",
    "closes_low", "closes_all", "chdir", "no_streams", "closed_streams", "thread_left", "thread_prints", "at_exit",
    "catches_alarm_later", "takes_sockets", "warns",
)  # fmt: skip


@pytest.mark.parametrize("deed", some(list(GOES_ON), ("fork_a_daemon", "closes_low", "prints_a_lot")))
def test_a_pass_that_goes_on_can_be_run_again(deed: str, start: Start) -> None:
    with start(deed) as terminal:
        terminal.wait_for_text("pass 1")
        terminal.send("r")
        terminal.wait_for_text("pass 2")
        assert_leaves(terminal)


def test_a_guess_that_ends_the_engine_leaves_the_model_on_the_screen(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "inspector", f"{MODELS}:unfed_segfault"]
    with Terminal(command, columns=200, lines=40, environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        terminal.wait_for_text("the engine is gone")
        terminal.wait_for(lambda: "during guessing the sample input (1×4 float32), in deed" in said(terminal), "where")
        terminal.wait_for(lambda: "--no-forward" in said(terminal), "what to do")
        terminal.wait_for(lambda: has_row(terminal, "before", "1×4"), "what was captured")
        assert_leaves(terminal)
