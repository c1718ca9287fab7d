"""Clients of a small engine that misbehaves on request."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from inspector.client.engine_client import EngineClient
from inspector.client.process import Connection, start_kept
from inspector.records import AnyEvent, Hello, Problem

SMALL = Path(__file__).with_name("small_engine.py")


def start_small(call_log: int | None = None) -> Connection:
    """As `start_engine`, without torch. It writes nothing to a `call_log`."""
    return start_kept(lambda fd: [sys.executable, str(SMALL), str(fd)], call_log)


class Heard:
    """A listener that keeps what it hears, in order: events, `(stream, data)`, and `Problem` or None at an end."""

    def __init__(self) -> None:
        self.all: list[AnyEvent | tuple[str, bytes] | Problem | None] = []
        self._more = asyncio.Event()

    def on_event(self, event: AnyEvent) -> None:
        self._add(event)

    def on_output(self, stream: str, data: bytes) -> None:
        self._add((stream, data))

    def on_end(self, problem: Problem | None) -> None:
        self._add(problem)

    def _add(self, item: AnyEvent | tuple[str, bytes] | Problem | None) -> None:
        self.all.append(item)
        self._more.set()

    def of(self, kind: type) -> list:
        return [item for item in self.all if isinstance(item, kind)]

    async def wait_for(self, kind: type):
        """The first of this kind."""
        while not self.of(kind):
            self._more.clear()
            await asyncio.wait_for(self._more.wait(), 60)
        return self.of(kind)[0]


@asynccontextmanager
async def small_engine(call_log: int | None = None) -> AsyncIterator[tuple[EngineClient, Heard]]:
    """A client that was greeted, and what it heard."""
    heard = Heard()
    engine = EngineClient(start_small(call_log), heard, "start it again")
    await engine.connect()
    await heard.wait_for(Hello)
    try:
        yield engine, heard
    finally:
        await engine.close(patience=0.2)
