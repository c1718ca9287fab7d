"""The app's side of an engine, with real processes that die, print and say nonsense."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from inspector.client.process import Connection, join_engine
from inspector.records import Done, Failed, Hello, Note, Open, Progress, Run, Target
from inspector.tui import engine_client as client
from inspector.tui.engine_client import EngineClient
from inspector.tui.messages import EngineGone, EngineOutput, EngineSaid

SMALL = Path(__file__).with_name("small_engine.py")


def start_small() -> Connection:
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, str(SMALL), str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
    assert process.stdout and process.stderr
    pipes = (("stdout", os.dup(process.stdout.fileno())), ("stderr", os.dup(process.stderr.fileno())))
    process.stdout.close()
    process.stderr.close()
    return Connection(ours, process, pipes)


class Heard(list):
    """The messages posted, and a way to wait for one of a kind."""

    def __init__(self) -> None:
        self._more = asyncio.Event()

    def post(self, message) -> None:
        self.append(message)
        self._more.set()

    def of(self, kind: type) -> list:
        said = [message.event for message in self if isinstance(message, EngineSaid)]
        return [each for each in (*self, *said) if isinstance(each, kind)]

    async def wait_for(self, kind: type):
        while not self.of(kind):
            self._more.clear()
            await asyncio.wait_for(self._more.wait(), 20)
        return self.of(kind)[0]


@asynccontextmanager
async def small_engine():
    heard = Heard()
    processes: dict[int, bool] = {}
    engine = EngineClient(start_small(), heard.post, processes.__setitem__)
    await engine.connect()
    await heard.wait_for(Hello)
    try:
        yield engine, heard, processes
    finally:
        await engine.close(patience=0.2)
        assert not any(processes.values())


def running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def test_every_request_gets_its_own_reply():
    async with small_engine() as (engine, _, _):
        first, second = await asyncio.gather(engine.ask(Open(Target("x"))), engine.ask(Run(1)))
        assert isinstance(first, Done) and isinstance(second, Failed)


async def test_a_name_that_is_no_text_is_refused_and_ends_nothing():
    async with small_engine() as (engine, _, _):
        assert isinstance(await engine.ask(Open(Target("\udcff"))), Failed)
        assert isinstance(await engine.ask(Open(Target("x"))), Done)


async def test_what_it_says_unasked_comes_in_order_and_progress_is_thinned():
    async with small_engine() as (engine, heard, _):
        await engine.ask(Open(Target("tell")))
        assert [note.text for note in heard.of(Note)] == [str(number) for number in range(1000)]
        assert len(heard.of(Progress)) < 100


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("die", "the engine was killed by SIGSEGV while loading the model"),
        ("exit", "the engine ended with exit code 3 while loading the model"),
        ("fork and die", "the engine was killed by SIGKILL while loading the model"),
        ("garbage", "a frame of 4294967295 bytes is over the limit"),
    ],
)
async def test_its_end_is_noticed_and_nothing_waits_for_ever(deed: str, words: str):
    async with small_engine() as (engine, heard, _):
        group = engine._connection.process.pid
        reply = await asyncio.wait_for(engine.ask(Open(Target(deed))), 20)
        gone = await heard.wait_for(EngineGone)
        assert words in gone.problem.what and isinstance(reply, Failed)
        assert not engine.alive
        assert isinstance(await engine.ask(Run(1)), Failed)
        assert not running(group)


async def test_what_it_printed_last_comes_before_its_end():
    async with small_engine() as (engine, heard, _):
        await engine.ask(Open(Target("die")))
        await heard.wait_for(EngineGone)
        kinds = [type(message) for message in heard]
        assert heard.of(EngineOutput)[0].text == "printed last"
        assert kinds.index(EngineOutput) < kinds.index(EngineGone)


async def test_a_flood_of_output_is_cut_in_the_middle():
    async with small_engine() as (engine, heard, _):
        await engine.ask(Open(Target("print")))
    printed = "".join(message.text for message in heard.of(EngineOutput))
    assert printed.startswith("first\n") and printed.endswith("\nlast\n")
    assert "bytes left out" in printed and len(printed) < 1_000_000


async def test_a_deaf_engine_is_closed_all_the_same():
    async with small_engine() as (engine, heard, processes):
        process = engine._connection.process
        asking = asyncio.ensure_future(engine.ask(Open(Target("stop answering"))))
        await asyncio.sleep(0)
        await engine.close(patience=0.1)
        assert isinstance(await asking, Failed)
        assert process.returncode is not None
        assert not heard.of(EngineGone)
        assert processes == {process.pid: False}


async def test_restart_ends_the_old_process_and_talks_to_a_new_one(monkeypatch):
    monkeypatch.setattr(client, "start_engine", start_small)
    async with small_engine() as (engine, heard, processes):
        old = engine._connection.process
        await engine.restart()
        assert old.returncode is not None
        assert isinstance(await engine.ask(Open(Target("x"))), Done)
        assert not heard.of(EngineGone)
        new = engine._connection.process
        assert processes == {old.pid: False, new.pid: True}


async def test_a_joined_engine_is_left_alive():
    ours, theirs = socket.socketpair()
    process = subprocess.Popen([sys.executable, str(SMALL), str(theirs.fileno())], pass_fds=(theirs.fileno(),))
    theirs.close()
    heard = Heard()
    engine = EngineClient(join_engine(ours.detach(), None), heard.post)
    await engine.connect()
    await heard.wait_for(Hello)
    assert not engine.ours
    await engine.close()
    assert await asyncio.to_thread(process.wait, 20) == 0
