"""A client with real processes that die, print and say nonsense, and with the engine itself."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time

import pytest

from inspector.client import engine_client as client
from inspector.client.ending import Ending
from inspector.client.engine_client import EngineClient
from inspector.client.process import join_engine, start_engine
from inspector.postmortem.read import Postmortem
from inspector.postmortem.record import make_nameless_file
from inspector.records import (
    CallRows,
    Calls,
    Choices,
    Failed,
    GetTrace,
    Hello,
    ModuleRows,
    Note,
    Open,
    Opened,
    PassEnded,
    Problem,
    Run,
    Target,
)

from .small_engines import SMALL, Heard, small_engine, start_small


def running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


async def test_every_request_gets_its_own_reply():
    async with small_engine() as (engine, _):
        first, second = await asyncio.gather(engine.ask(Open(Target("x"))), engine.ask(Run(1)))
        assert isinstance(first, Choices) and isinstance(second, Failed)


async def test_a_name_that_is_no_text_is_refused_and_ends_nothing():
    async with small_engine() as (engine, _):
        assert isinstance(await engine.ask(Open(Target("\udcff"))), Failed)
        assert isinstance(await engine.ask(Open(Target("x"))), Choices)


async def test_what_it_says_unasked_comes_in_order():
    async with small_engine() as (engine, heard):
        await engine.ask(Open(Target("tell")))
        assert [note.text for note in heard.of(Note)] == [str(number) for number in range(1000)]


async def test_whatever_else_there_is_to_do_gets_its_turn_between_what_it_says(monkeypatch):
    monkeypatch.setattr(client, "_TURN", 0)
    turns, at = 0, []

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with small_engine() as (engine, heard):
        turning = asyncio.create_task(turn())
        hear = heard.on_event
        heard.on_event = lambda event: (at.append(turns), hear(event))
        await engine.ask(Open(Target("tell")))
        turning.cancel()
        assert len(at) >= 1000 and len(set(at)) == len(at)


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("die", "the engine was killed by SIGSEGV while loading the model"),
        ("exit", "the engine ended with exit code 3 while loading the model"),
        ("fork and die", "the engine was killed by SIGKILL while loading the model"),
        ("die while telling", "the engine was killed by SIGKILL while loading the model"),
        ("garbage", "a frame of 4294967295 bytes, which is over the limit"),
    ],
)
async def test_its_end_is_noticed_and_nothing_waits_for_ever(deed: str, words: str):
    async with small_engine() as (engine, heard):
        group = engine._connection.process.pid
        reply = await asyncio.wait_for(engine.ask(Open(Target(deed))), 20)
        problem = await heard.wait_for(Problem)
        assert words in problem.what and reply == Failed(problem)
        assert not engine.alive
        assert isinstance(await engine.ask(Run(1)), Failed)
        assert not running(group)


async def test_everything_is_heard_that_it_sent_before_its_end_by_a_loop_that_has_much_to_do(monkeypatch):
    monkeypatch.setattr(client, "_POLL", 0.01)
    async with small_engine() as (engine, heard):
        busy = asyncio.create_task(do_much_else())
        await engine.ask(Open(Target("tell and die")))
        await heard.wait_for(Problem)
        busy.cancel()
        assert [note.text for note in heard.of(Note)] == [str(number) for number in range(20)]


async def do_much_else():
    while True:
        time.sleep(0.35)
        await asyncio.sleep(0)


async def test_what_it_printed_last_comes_before_its_end():
    async with small_engine() as (engine, heard):
        await engine.ask(Open(Target("die")))
        await heard.wait_for(Problem)
        printed = [item for item in heard.all if isinstance(item, tuple) and item[1]]
        assert printed == [("stderr", b"printed last")]
        assert isinstance(heard.all[-1], Problem) and heard.all.count(("stderr", b"")) == 1


async def test_a_deaf_engine_is_closed_all_the_same():
    async with small_engine() as (engine, heard):
        process = engine._connection.process
        asking = asyncio.ensure_future(engine.ask(Open(Target("stop answering"))))
        await asyncio.sleep(0)
        await engine.close(patience=0.1)
        assert isinstance(await asking, Failed)
        assert process.returncode is not None
        assert heard.all[-1] is None and not heard.of(Problem)


async def test_an_interruption_is_told_in_the_words_of_whoever_made_it():
    async with small_engine() as (engine, heard):
        asking = asyncio.ensure_future(engine.ask(Open(Target("stop answering"))))
        await asyncio.sleep(0)
        await engine.interrupt(Ending("was interrupted", "Interrupted", "wait longer"))
        reply = await asking
        assert isinstance(reply, Failed) and reply.problem == await heard.wait_for(Problem)
        assert reply.problem.what == "the engine was interrupted while loading the model"
        assert (reply.problem.kind, reply.problem.hint) == ("Interrupted", "wait longer")


async def test_an_engine_that_ends_while_it_is_looked_at_has_left_what_it_has():
    async with small_engine(make_nameless_file()) as (engine, _):
        looking = asyncio.ensure_future(engine.look())
        await asyncio.sleep(0)
        await engine.kill()
        assert await looking == Postmortem()


async def test_restart_ends_the_old_process_and_talks_to_a_new_one(monkeypatch):
    monkeypatch.setattr(client, "start_engine", start_small)
    async with small_engine() as (engine, heard):
        old = engine._connection.process
        await engine.restart()
        assert old.returncode is not None
        assert isinstance(await engine.ask(Open(Target("x"))), Choices)
        assert not heard.of(Problem)
        assert engine._connection.process.pid != old.pid


async def test_a_listener_that_fails_is_seen_and_nothing_waits_for_ever(monkeypatch):
    async with small_engine() as (engine, heard):
        monkeypatch.setattr(heard, "on_event", lambda event: heard.missing)
        reply = await asyncio.wait_for(engine.ask(Open(Target("tell"))), 20)
        assert isinstance(reply, Failed) and "has no attribute 'missing'" in reply.problem.what
        assert any("on_event" in line.text for line in reply.problem.traceback)
        assert await heard.wait_for(Problem) == reply.problem and not engine.alive


async def test_a_joined_engine_is_left_alive():
    ours, theirs = socket.socketpair()
    process = subprocess.Popen([sys.executable, str(SMALL), str(theirs.fileno())], pass_fds=(theirs.fileno(),))
    theirs.close()
    heard = Heard()
    engine = EngineClient(join_engine(ours.detach(), None), heard, "start it again")
    await engine.connect()
    await heard.wait_for(Hello)
    assert not engine.ours
    await engine.close()
    assert await asyncio.to_thread(process.wait, 20) == 0


async def test_a_pass_that_ends_the_engine_itself_is_told_and_answered_from_what_it_left():
    heard = Heard()
    engine = EngineClient(start_engine(), heard, "start it again")
    await engine.connect()
    try:
        opened = await engine.ask(Open(Target("tests/models.py:segfault", inputs=("2x4",))))
        assert isinstance(opened, Opened)
        assert (await heard.wait_for(ModuleRows)).total == opened.info.rows
        reply = await engine.ask(Run(opened.generation))
        problem = await heard.wait_for(Problem)
        assert reply == Failed(problem) and "was killed by SIGSEGV during the forward pass" in problem.what
        assert [row.status for row in heard.of(CallRows)[0].rows] == ["ok", "unfinished"]
        assert heard.of(PassEnded)[0].summary.problem == problem
        trace = await engine.ask(GetTrace(opened.generation, 0, 10))
        assert isinstance(trace, Calls) and [call.path for call in trace.calls] == [("lin",), ()]
    finally:
        await engine.close()
