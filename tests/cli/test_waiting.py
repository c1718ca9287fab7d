"""A report that does not come: it is said what is waited for, and ctrl+c ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from inspector.cli import reminders
from inspector.cli.reminders import delays, reminding
from tests.documents import read_document

from ..terminal.harness import command_of, find_below, is_running

IMPATIENT = (
    "import sys\nimport inspector.cli.reminders as reminders\nreminders.FIRST = 0.2\n"
    "from inspector.cli.main import main\nsys.exit(main())"
)
SLOW = """
import pathlib, time, torch

class Slow(torch.nn.Module):
    def forward(self, x):
        pathlib.Path("began").touch()
        time.sleep(1000)

def loads():
    pathlib.Path("began").touch()
    time.sleep(1000)

def runs():
    return torch.nn.Sequential(Slow()), (torch.ones(1),)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "slow.py").write_text(SLOW)
    return tmp_path


@contextlib.contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", IMPATIENT, *arguments]
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "XDG_STATE_HOME": str(folder)}
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder,
        env=environment, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def read_until(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    seen = []
    while words not in (line := process.stderr.readline()):
        assert line, "".join(seen)
        seen.append(line)
    assert "ctrl+c ends it" in line


@pytest.mark.parametrize("form", ["tree", "json"])
@pytest.mark.parametrize(
    ("target", "words"), [("loads", "the model, which is being loaded"), ("runs", "the pass of the model")]
)
def test_what_is_waited_for_is_said_and_ctrl_c_ends_it(target: str, words: str, form: str, folder: Path) -> None:
    with started(folder, f"slow.py:{target}", "--print", form) as process:
        read_until(process, f"still waiting for {words}")
        while not (folder / "began").exists():
            time.sleep(0.05)
        below = find_below(process.pid)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 128 + signal.SIGINT
        assert "interrupted" in err and "Traceback" not in err
        assert not any(map(is_running, below))
        if form == "json":
            assert read_document(out)["error"]["type"] == "Interrupted"


def test_a_terminal_that_goes_away_leaves_the_report_of_what_was_seen(folder: Path) -> None:
    with started(folder, "slow.py:runs", "--print", "json") as process:
        while not (folder / "began").exists():
            time.sleep(0.05)
        below = find_below(process.pid)
        process.send_signal(signal.SIGHUP)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 128 + signal.SIGHUP and not any(map(is_running, below))
        document = read_document(out)
        assert document["error"]["type"] == "Interrupted" and document["modules"]


@pytest.mark.parametrize("stopped", [b"inspector.engine.server", b"client.keeper"], ids=["engine", "its keeper"])
def test_an_engine_that_never_replies_can_be_left(stopped: bytes, folder: Path) -> None:
    with started(folder, "slow.py:loads", "--print", "tree") as process:
        while not (folder / "began").exists():
            time.sleep(0.05)
        below = find_below(process.pid)
        os.kill(next(each for each in below if stopped in command_of(each)), signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 128 + signal.SIGINT
        assert not any(map(is_running, below))


def test_a_sweep_says_it_where_nobody_sees_a_bar(folder: Path) -> None:
    with started(folder, "sweep", "slow.py:runs", "--over", "0", "--hook", "zero()", "--metric", "norm") as process:
        read_until(process, "still waiting for the sweep")


async def test_reminders_come_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(reminders, "delays", lambda: iter([0.0] * 3 + [1000.0]))
    async with reminding("a thing", said.append):
        while len(said) < 3:
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert said == ["inspector: still waiting for a thing, for 0 s now; ctrl+c ends it\n"] * 3
    assert len(asyncio.all_tasks()) == 1


def test_they_become_rare() -> None:
    assert list(islice(delays(), 5)) == [10, 50, 240, 600, 600]
