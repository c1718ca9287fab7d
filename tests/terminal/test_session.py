"""The program on a real terminal: what it paints, what keys do, and how it leaves, whoever dies."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .harness import PATIENCE, Terminal, is_running

MODELS = Path(__file__).with_name("models.py")
LEFT = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?2004l", b"\x1b[<u")
"""What a terminal needs to be told to be as before."""

Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts the program with nothing kept from before."""

    def start(*arguments: str, columns: int = 80, lines: int = 24, **environment: str) -> Terminal:
        command = [sys.executable, "-m", "inspector", *arguments]
        environment["XDG_STATE_HOME"] = str(tmp_path)
        return Terminal(command, columns=columns, lines=lines, environment=environment)

    return start


def opened(start: Start, name: str) -> Terminal:
    """The program after its first pass of one of the models."""
    terminal = start(f"{MODELS}:{name}", columns=100, lines=30)
    terminal.wait_for_text("pass 1")
    return terminal


def processes(terminal: Terminal) -> tuple[int, int]:
    """The app and its engine."""
    app, engine = terminal.wait_for(lambda: (found := terminal.children()) and len(found) >= 2 and found[:2], "both")
    return app, engine


def assert_restored(terminal: Terminal) -> None:
    for sequence in LEFT:
        assert sequence in terminal.written, sequence
    last_entered = terminal.written.rindex(b"\x1b[?1049h")
    assert terminal.written.rindex(b"\x1b[?1049l") > last_entered
    assert terminal.attributes == terminal.before


def test_the_first_frame_is_there_before_the_model(start: Start) -> None:
    with start(f"{MODELS}:tiny") as terminal:
        terminal.wait_for_text("q Quit")
        assert "loading" in terminal.text
        assert "No modules yet: the model is" in terminal.text


def test_keys_move_and_quit_restores_the_terminal(start: Start) -> None:
    with opened(start, "tiny") as terminal:
        app, engine = processes(terminal)
        terminal.send("j")
        terminal.wait_for_text("first › Linear")
        terminal.send("2")
        terminal.wait_for_text("called once")
        terminal.send("\x1b[B")
        terminal.wait_for(lambda: re.search(r"▌\s+second", terminal.text), "the cursor on second")
        terminal.send("r")
        terminal.wait_for_text("pass 2")
        terminal.send("q")
        assert terminal.wait_for_end() == 0
        assert_restored(terminal)
        assert not is_running(app) and not is_running(engine)


def test_ctrl_c_asks_once(start: Start) -> None:
    with opened(start, "tiny") as terminal:
        terminal.send("\x03")
        terminal.wait_for_text("press ctrl+c again to quit")
        terminal.send("\x03")
        assert terminal.wait_for_end() == 0
        assert_restored(terminal)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_killed_app_leaves_the_terminal_as_it_was(start: Start, number: signal.Signals) -> None:
    with opened(start, "tiny") as terminal:
        app, engine = processes(terminal)
        os.kill(app, number)
        assert terminal.wait_for_end() == 128 + number
        assert_restored(terminal)
        assert f"inspector: the app was killed by {number.name}".encode() in terminal.written
        terminal.wait_for(lambda: not is_running(engine), "the end of the engine")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_launcher_ends_everything_properly(start: Start, number: signal.Signals) -> None:
    with opened(start, "tiny") as terminal:
        app, engine = processes(terminal)
        terminal.process.send_signal(number)
        assert terminal.wait_for_end() == 128 + number
        assert_restored(terminal)
        assert b"killed by" not in terminal.written
        assert not is_running(app) and not is_running(engine)


def test_a_killed_launcher_takes_the_app_and_the_engine_with_it(start: Start) -> None:
    with opened(start, "tiny") as terminal:
        app, engine = processes(terminal)
        terminal.process.kill()
        terminal.wait_for(lambda: not is_running(app) and not is_running(engine), "the end of both")
        while terminal.read(0.1):
            pass
        assert_restored(terminal)


def test_a_terminal_that_goes_away_ends_everything(start: Start) -> None:
    with opened(start, "tiny") as terminal:
        app, engine = processes(terminal)
        terminal.hang_up()
        terminal.process.wait(PATIENCE)
        assert not is_running(app) and not is_running(engine)


def test_a_killed_engine_is_said_and_started_again(start: Start) -> None:
    with opened(start, "dying") as terminal:
        _, engine = processes(terminal)
        terminal.send("8")  # Source would fetch values by a pass of its own, the second one, which ends it too
        terminal.send("r")
        terminal.wait_for_text("the engine was killed by SIGSEGV")
        terminal.wait_for(lambda: not is_running(engine), "the end of the engine")
        terminal.send("\x0b")
        terminal.wait_for_text("pass 1")
        app, another = processes(terminal)
        assert another != engine
        terminal.send("q")
        terminal.wait_for_end()
        assert_restored(terminal)
        assert not is_running(app) and not is_running(another)


def test_a_pass_that_never_ends_can_be_left_behind(start: Start) -> None:
    with opened(start, "endless") as terminal:
        _, engine = processes(terminal)
        terminal.send("r")
        terminal.wait_for(lambda: "running" in terminal.text or "▕" in terminal.text, "a running pass")
        terminal.send("\x03")
        terminal.wait_for_text("the engine does not answer in (root) at")
        terminal.send("\x0b")
        terminal.wait_for(lambda: not is_running(engine), "the end of the engine")
        terminal.wait_for_text("the engine is gone, ^k starts it again")
        terminal.send("\x0b")
        terminal.wait_for_text("pass 1")


def test_what_a_model_prints_goes_to_the_log(start: Start) -> None:
    with opened(start, "loud") as terminal:
        terminal.wait_for_text("written to 1")
        terminal.wait_for_text("written to 2")
        assert b"\x1b]0;title" not in terminal.written
        assert b"past-the-app" not in terminal.written


def test_a_mistyped_target_is_said_on_the_terminal(start: Start) -> None:
    with start("resnet81") as terminal:
        assert terminal.wait_for_end() == 2
        assert_restored(terminal)
        after = terminal.written[terminal.written.rindex(b"\x1b[?1049l") :]
        assert b"resnet81" in after


def test_bytes_that_are_no_text_do_not_end_it(start: Start) -> None:
    with opened(start, "tiny") as terminal:
        terminal.send(b"\x1b[M \xff\xff")

        def moved() -> object:
            terminal.send("j")  # the first one may be read together with the bytes, and lost with them
            return re.search(r"▌\s+(first|second)", terminal.text)

        terminal.wait_for(moved, "the cursor further down")


@pytest.mark.parametrize(
    ("environment", "unwanted"),
    [
        ({"TERM": "xterm-256color"}, rb"[34]8;2;"),
        ({"TERM": "xterm"}, rb"[34]8;[25];"),
        ({"NO_COLOR": "1", "COLORTERM": "truecolor"}, rb"[34]8;2;(\d+);(?!\1;\1[;m])"),
    ],
    ids=["256 colours", "16 colours", "greys"],
)
def test_colours_are_those_that_the_terminal_has(start: Start, environment: dict[str, str], unwanted: bytes) -> None:
    with start(f"{MODELS}:tiny", **environment) as terminal:
        terminal.wait_for_text("q Quit")
        assert not re.search(rb"\x1b\[[\d;]*" + unwanted, terminal.written)


def test_a_terminal_that_is_too_small_says_so(start: Start) -> None:
    with opened(start, "tiny") as terminal:
        terminal.resize(30, 10)
        terminal.process.send_signal(signal.SIGWINCH)
        app, _ = processes(terminal)
        os.kill(app, signal.SIGWINCH)
        terminal.wait_for_text("40×12 is needed")


def test_keys_of_a_panel_work_from_the_tree_and_a_filter_finds_what_is_shown(start: Start) -> None:
    with opened(start, "long") as terminal:

        def cursor_on(word: str) -> None:
            terminal.wait_for(lambda: re.search(rf"▌\W*{word}\b", terminal.text), f"the cursor on {word}")

        terminal.wait_for_text("v  c")
        terminal.send("v")
        terminal.wait_for_text("Long.__init__")
        for text, found, name in (
            ("batchnorm", "1 of 45 match", "odd"), ("nan", "of 45 match", "Long"), ("layers.39", "1 of 45 match", "39"),
        ):  # fmt: skip
            terminal.send("f")
            terminal.wait_for_text("filter ")
            terminal.send(text)
            terminal.wait_for_text(f"Modules / {text}")
            terminal.wait_for_text(found)
            terminal.send("\r")
            terminal.wait_for_text("q Quit")
            cursor_on(name)
            terminal.send("\x1b")
            terminal.wait_for_text("of 45 shown")
            cursor_on(name)
