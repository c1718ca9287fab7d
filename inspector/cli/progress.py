"""What a person at a pipe or in a CI log sees while an engine works, and what it told until then."""

from __future__ import annotations

import asyncio
import codecs

from ..records import AnyEvent, Note, Problem
from ..report.collector import Collector
from ..text import visible
from .wait_bar import WaitBar


class Progress:
    """A `Listener` that says on standard error what the model prints and what the engine notes, and collects the rest.

    What the model prints can never spoil the report, which goes to standard output.
    """

    def __init__(self) -> None:
        self.collector = Collector()
        self.bar = WaitBar()
        self._decoders: dict[str, codecs.IncrementalDecoder] = {}
        self._complete = asyncio.Event()

    async def wait_for_modules(self) -> None:
        """Until every module that was announced is here, or none comes any more."""
        await self._complete.wait()

    def on_event(self, event: AnyEvent) -> None:
        self.collector.take(event)
        self.bar.take(event)
        if self.collector.complete:
            self._complete.set()
        if isinstance(event, Note):
            self.bar.print(f"inspector: {visible(event.text)}\n")

    def on_output(self, stream: str, data: bytes) -> None:
        decoder = self._decoders.setdefault(stream, codecs.getincrementaldecoder("utf-8")("backslashreplace"))
        self.bar.print(visible(decoder.decode(data), keep="\n\t\r"))

    def on_end(self, problem: Problem | None) -> None:
        self._complete.set()
