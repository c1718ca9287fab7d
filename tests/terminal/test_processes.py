"""Whoever is killed, nothing that a model started is left: whatever it did to get away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from .harness import PATIENCE, Terminal, command_of, find_app, is_running, plain_environment

MODEL = Path(__file__).with_name("starting.py")
COUNT = 10
"""Processes that the model starts."""
SECONDS = 5.0

Kill = Callable[[Terminal], object]


@contextmanager
def started(folder: Path, **environment: str) -> Iterator[tuple[Terminal, list[int]]]:
    """The app after a pass of the model, and the processes that it started."""
    file = folder / "started"
    terminal = Terminal(
        [sys.executable, "-m", "inspector", f"{MODEL}:build"],
        columns=100,
        lines=30,
        environment={"XDG_STATE_HOME": str(folder), "STARTED": str(file), **environment},
    )
    with terminal:
        terminal.wait_for(lambda: is_ready(file), "all that the model starts")
        processes = read_started(file)
        assert all(map(is_running, processes))
        try:
            yield terminal, processes
        finally:
            end(processes)


def is_ready(file: Path) -> bool:
    return file.exists() and "ready" in file.read_text()


def read_started(file: Path) -> list[int]:
    processes = [int(line) for line in file.read_text().split() if line.isdigit()]
    assert len(processes) == COUNT and 0 not in processes
    return processes


def end(processes: list[int]) -> None:
    """What a failed test leaves."""
    for process in processes:
        with suppress(OSError):
            os.kill(process, signal.SIGKILL)


def wait_for_ends(processes: list[int]) -> None:
    deadline = time.monotonic() + SECONDS
    while left := [process for process in processes if is_running(process)]:
        assert time.monotonic() < deadline, [command_of(process) for process in left]
        time.sleep(0.05)


def find_engine(terminal: Terminal) -> int:
    return next(process for process in terminal.children() if b"inspector.engine.server" in command_of(process))


def find_keeper(terminal: Terminal) -> int:
    return next(process for process in terminal.children() if b"client.keeper" in command_of(process))


def to_app(number: int) -> Kill:
    return lambda terminal: os.kill(find_app(terminal), number)


def to_launcher(number: int) -> Kill:
    return lambda terminal: terminal.process.send_signal(number)


def to_job(number: int) -> Kill:
    """As `kill %1` of a shell does it."""
    return lambda terminal: os.killpg(terminal.process.pid, number)


def at_once(*find: Callable[[Terminal], int]) -> Kill:
    def kill(terminal: Terminal) -> None:
        for process in [each(terminal) for each in find]:
            os.kill(process, signal.SIGKILL)

    return kill


ENDS: dict[str, Kill] = {
    "q": lambda terminal: (terminal.send("q"), terminal.wait_for_end()),  # which writes until a terminal has read it
    "app killed": to_app(signal.SIGKILL),
    "app asked": to_app(signal.SIGTERM),
    "app hung up": to_app(signal.SIGHUP),
    "app crashed": to_app(signal.SIGSEGV),
    "launcher killed": to_launcher(signal.SIGKILL),
    "launcher asked": to_launcher(signal.SIGTERM),
    "launcher hung up": to_launcher(signal.SIGHUP),
    "job killed": to_job(signal.SIGKILL),
    "app and engine killed": at_once(find_app, find_engine),
    "terminal closed": lambda terminal: terminal.hang_up(),
}
QUICK = ("app killed", "job killed", "q")


def some(names: dict[str, Kill]) -> list[object]:
    return [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.mark.parametrize("then", ["", pytest.param("stay", marks=pytest.mark.slow)])
@pytest.mark.parametrize("how", some(ENDS))
def test_nothing_is_left_of_a_program_that_ends(how: str, then: str, tmp_path: Path) -> None:
    with started(tmp_path, THEN=then) as (terminal, processes):
        ours = terminal.children()
        ENDS[how](terminal)
        if how == "terminal closed":
            terminal.process.wait(PATIENCE)
        else:  # and read, as a terminal does: who writes to one that is full waits
            terminal.wait_for_end()
        wait_for_ends([*processes, *ours])


@pytest.mark.parametrize("find", [find_engine, find_keeper])
def test_nothing_is_left_of_an_engine_that_is_killed(find: Callable[[Terminal], int], tmp_path: Path) -> None:
    with started(tmp_path) as (terminal, processes):
        terminal.wait_for_text("pass 1")
        engine, keeper = find_engine(terminal), find_keeper(terminal)
        os.kill(find(terminal), signal.SIGKILL)
        terminal.wait_for_text("the engine is gone")
        wait_for_ends([*processes, engine, keeper] if find is find_engine else [engine, keeper])


def test_a_restart_leaves_nothing_of_the_engine_before(tmp_path: Path) -> None:
    with started(tmp_path) as (terminal, processes):
        terminal.wait_for_text("pass 1")
        engine = find_engine(terminal)
        terminal.send("\x0b")
        wait_for_ends([*processes, engine])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_of_a_report_that_is_ended(number: int, tmp_path: Path) -> None:
    file = tmp_path / "started"
    command = [sys.executable, "-m", "inspector", f"{MODEL}:build", "--print", "tree"]
    environment = plain_environment({"STARTED": str(file), "THEN": "stay"})
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + PATIENCE
        while not is_ready(file):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        processes = read_started(file)
        try:
            process.send_signal(number)
            process.wait(PATIENCE)
            wait_for_ends(processes)
        finally:
            end(processes)
