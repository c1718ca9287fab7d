"""What the command line makes of an engine that dies or is interrupted, without a model and without a screen."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from inspector.cli import reading
from inspector.cli.progress import Progress
from inspector.records import ModelInfo, ModuleRow, ModuleRows, Note, Opened, Problem, Target
from tests.client.small_engines import start_small

INFO = ModelInfo("net", "your model", "Net", 2, 2, 0, 0, 0, 0, False, "cpu", "2")
ROWS = (ModuleRow(0, -1, "", "Net", 0, 0, 0), ModuleRow(1, 0, "a", "Linear", 0, 0, 0))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "start_engine", start_small)
    monkeypatch.setattr(reading, "PATIENCE", 0.2)


@pytest.mark.parametrize(("deed", "kind"), [("die", "SIGSEGV"), ("exit", "ProcessExit"), ("fork and die", "SIGKILL")])
async def test_an_engine_that_dies_while_loading_leaves_its_problem(deed: str, kind: str) -> None:
    found = await reading.read(Target(deed), reading.Wanted(in_full=True))
    assert found.report is None and found.problem is not None and found.exit_code == 1
    assert found.problem.kind == kind and found.problem.what.endswith("while loading the model")
    assert found.problem.hint.endswith("the lines above are what it printed last")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_signals_interrupt_it_and_are_the_exit_code(number: signal.Signals, code: int) -> None:
    before = signal.getsignal(number)
    asyncio.get_running_loop().call_later(1.0, os.kill, os.getpid(), number)
    try:
        found = await reading.read(Target("stop answering"), reading.Wanted(in_full=True))
    finally:
        asyncio.get_running_loop().remove_signal_handler(number)
        signal.signal(number, before)
    assert found.problem is not None and found.exit_code == code
    assert found.problem.what == "the engine was interrupted while loading the model"


async def test_it_waits_for_all_modules_and_not_for_an_engine_that_is_gone() -> None:
    progress = Progress()
    waiting = asyncio.ensure_future(progress.wait_for_modules())
    for event in (Opened(1, INFO), ModuleRows(1, ROWS[:1], 2)):
        progress.on_event(event)
        await asyncio.sleep(0)
        assert not waiting.done()
    progress.on_event(ModuleRows(1, ROWS[1:], 2))
    await asyncio.wait_for(waiting, 10)
    assert progress.collector.complete
    gone = Progress()
    gone.on_end(Problem("gone"))
    await asyncio.wait_for(gone.wait_for_modules(), 10)


def test_output_and_notes_are_said_at_once_and_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    euro = "€".encode()
    for data in (b"\x1b[2Jone\n", euro[:1], euro[1:], b"\xff", b""):
        progress.on_output("stdout", data)
    progress.on_event(Note("info", "guessing\x07"))
    assert capsys.readouterr().err == "\\e[2Jone\n€\\xffinspector: guessing\\x07\n"


def test_output_that_nobody_reads_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w", buffering=1) as closed:
        monkeypatch.setattr("sys.stderr", closed)
        Progress().on_output("stdout", b"lost\n")
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), closed.fileno())
