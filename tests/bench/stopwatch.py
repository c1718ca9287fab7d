"""A pseudo-terminal that notes when each piece of output came, and is read as a screen only afterwards.

Drawing a screen in memory takes longer than what is measured here, so that is done when the clock has stopped.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Mapping, Sequence

import pyte

from tests.terminal.harness import PATIENCE, ROOT, Terminal

COLUMNS, LINES = 120, 36
_ASKS_FOR_FRAMES = b"\x1b[?2026$p"
_HAS_FRAMES = b"\x1b[?2026;2$y"
FRAME_END = b"\x1b[?2026l"
"""What Textual writes after each frame, once the terminal has said that it draws whole frames at once."""


class Stopwatch(Terminal):
    """Runs a command and keeps what it writes as `chunks` of (seconds since the start, bytes)."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.chunks: list[tuple[float, bytes]] = []
        super().__init__(command, columns=COLUMNS, lines=LINES, environment=environment, folder=ROOT)

    def __enter__(self) -> Stopwatch:
        super().__enter__()
        return self

    def read(self, timeout: float = 0.05) -> bool:
        ready, _, _ = select.select([self._master], [], [], timeout)
        if not ready:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            return False
        self.chunks.append((time.monotonic() - self.started, data))
        self.written += data
        if _ASKS_FOR_FRAMES in data:
            self.send(_HAS_FRAMES)
        return bool(data)

    def arrival(self, *texts: str) -> float:
        """Seconds from the start until every one of `texts` stood on the screen at once; waits for it."""
        while True:
            self.wait_for(lambda: all(text.encode() in self.written for text in texts), f"{texts}")
            if (seconds := self._find_arrival(texts)) is not None:
                return seconds
            assert self.read(PATIENCE), f"never together on the screen: {texts}"  # what is drawn before may be alike

    def _find_arrival(self, texts: tuple[str, ...]) -> float | None:
        """As far as it came."""
        screen = pyte.Screen(COLUMNS, LINES)
        stream = pyte.ByteStream(screen)
        for seconds, data in self.replayed():
            stream.feed(data)
            shown = "\n".join(screen.display)
            if all(text in shown for text in texts):
                return seconds
        return None

    def replayed(self) -> list[tuple[float, bytes]]:
        """The chunks without the queries that pyte takes for text."""
        queries = (b"\x1b[?2026$p", b"\x1b[?2048$p", b"\x1b[>25u", b"\x1b[<u")
        cleaned = []
        for seconds, data in self.chunks:
            for query in queries:
                data = data.replace(query, b"")
            cleaned.append((seconds, data))
        return cleaned

    def ended(self) -> float:
        """Seconds from the start to the end of the command, whose output is not read."""
        self.process.wait(PATIENCE)
        return time.monotonic() - self.started

    def read_for(self, seconds: float) -> None:
        """Read for `seconds`."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.read(left)
