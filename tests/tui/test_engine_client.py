"""What the app hears of an engine: messages, in order and no faster than a screen can take them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.message import Message

from inspector.client.engine_client import EngineClient
from inspector.records import AnyEvent, Hello, Note, Open, Progress, Target
from inspector.tui.engine_client import KILLED, make_client
from inspector.tui.messages import EngineGone, EngineOutput, EngineSaid
from tests.client.small_engines import start_small


class Posted(list[Message]):
    """The messages posted, and a way to wait for one of a kind."""

    def __init__(self) -> None:
        self._more = asyncio.Event()

    def post(self, message: Message) -> None:
        self.append(message)
        self._more.set()

    def of(self, kind: type[Message]) -> list:
        return [message for message in self if isinstance(message, kind)]

    def said(self, kind: type[AnyEvent]) -> list:
        return [message.event for message in self.of(EngineSaid) if isinstance(message.event, kind)]

    async def wait_for(self, kind: type[Message]):
        while not self.of(kind):
            self._more.clear()
            await asyncio.wait_for(self._more.wait(), 20)
        return self.of(kind)[0]


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[EngineClient, Posted]]:
    posted = Posted()
    engine = make_client(start_small(), posted.post)
    await engine.connect()
    await posted.wait_for(EngineSaid)
    try:
        yield engine, posted
    finally:
        await engine.close(patience=0.2)


async def test_what_it_says_unasked_comes_in_order_and_progress_is_thinned():
    async with connected() as (engine, posted):
        assert posted.said(Hello)
        await engine.ask(Open(Target("tell")))
        assert [note.text for note in posted.said(Note)] == [str(number) for number in range(1000)]
        assert len(posted.said(Progress)) < 100


async def test_what_it_printed_last_comes_before_its_end():
    async with connected() as (engine, posted):
        await engine.ask(Open(Target("die")))
        gone = await posted.wait_for(EngineGone)
        kinds = [type(message) for message in posted]
        assert posted.of(EngineOutput)[0].text == "printed last"
        assert kinds.index(EngineOutput) < kinds.index(EngineGone)
        assert gone.problem.hint == "ctrl+k starts it again"


async def test_a_flood_of_output_is_cut_in_the_middle():
    async with connected() as (engine, posted):
        await engine.ask(Open(Target("print")))
    printed = "".join(message.text for message in posted.of(EngineOutput))
    assert printed.startswith("first\n") and printed.endswith("\nlast\n")
    assert "bytes left out" in printed and len(printed) < 1_000_000


async def test_an_engine_that_was_asked_to_go_is_not_told_as_gone():
    async with connected() as (engine, posted):
        await engine.kill()
        assert not posted.of(EngineGone)


async def test_one_that_a_person_killed_is_told_as_killed():
    async with connected() as (engine, posted):
        asking = asyncio.ensure_future(engine.ask(Open(Target("stop answering"))))
        await asyncio.sleep(0)
        await engine.interrupt(KILLED)
        gone = await posted.wait_for(EngineGone)
        assert gone.problem.what == "the engine was killed from here while loading the model"
        assert gone.problem.kind == "Killed"
        await asking
