"""The app's client of an engine: what it hears becomes Textual messages, no faster than a screen can take them."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Callable

from textual.message import Message

from ..client.ending import Ending
from ..client.engine_client import EngineClient
from ..client.process import Connection
from ..records import AnyEvent, Problem, Progress, Work
from .keys import say_key
from .messages import EngineGone, EngineOutput, EngineSaid
from .output_throttle import OutputThrottle

Post = Callable[[Message], object]

_ADVICE = f"{say_key('restart')} starts it again"
KILLED = Ending("was killed from here", "Killed", _ADVICE)
"""The end of an engine that a person killed in the middle of a pass."""
STOPPED = Ending("was stopped from here", "Stopped", _ADVICE)
"""The end of one that did not come to an end with loading."""

_PROGRESS_INTERVAL = 0.05
_THROTTLE_INTERVAL = 0.2


def make_client(connection: Connection, post: Post) -> EngineClient:
    """A client whose engine is heard through messages: `EngineSaid` and `EngineOutput` in order, and `EngineGone` for
    an end that was not asked for.

    Args:
        connection: The engine to talk to.
        post: Takes the messages, an app's `post_message`.
    """
    return EngineClient(connection, MessagePoster(post), _ADVICE)


class MessagePoster:
    """A `Listener` that posts messages."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._streams: dict[str, _Stream] = {}
        self._progress: Progress | Work | None = None
        self._progress_timer: asyncio.TimerHandle | None = None

    def on_event(self, event: AnyEvent) -> None:
        if isinstance(event, Progress | Work):
            self._hold_progress(event)
        else:
            self._progress = None  # it leads up to what came now
            self._post(EngineSaid(event))

    def on_output(self, stream: str, data: bytes) -> None:
        if stream not in self._streams:
            self._streams[stream] = _Stream(stream, self._post)
        self._streams[stream].feed(data)
        if not data:
            del self._streams[stream]

    def on_end(self, problem: Problem | None) -> None:
        self._progress = None
        if self._progress_timer is not None:
            self._progress_timer.cancel()
            self._progress_timer = None
        if problem is not None:
            self._post(EngineGone(problem))

    def _hold_progress(self, event: Progress | Work) -> None:
        """Hand on the newest progress a few times a second; a pass sends one for every module."""
        self._progress = event
        if self._progress_timer is None:
            loop = asyncio.get_running_loop()
            self._progress_timer = loop.call_later(_PROGRESS_INTERVAL, self._post_progress)

    def _post_progress(self) -> None:
        self._progress_timer = None
        if self._progress is not None:
            self._post(EngineSaid(self._progress))
            self._progress = None


class _Stream:
    """Posts what a person can take of one stream of output."""

    def __init__(self, name: str, post: Post) -> None:
        self._name = name
        self._post = post
        self._loop = asyncio.get_running_loop()
        self._throttle = OutputThrottle(self._loop.time())
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._timer: asyncio.TimerHandle | None = None

    def feed(self, data: bytes) -> None:
        """Take in bytes, none of them at the end of the stream."""
        if not data:
            self._finish()
            return
        self._show(self._throttle.feed(data, self._loop.time()))
        if self._throttle.holds_back and self._timer is None:
            self._timer = self._loop.call_later(_THROTTLE_INTERVAL, self._release)

    def _release(self) -> None:
        self._timer = None
        self._show(self._throttle.release(self._loop.time()))
        if self._throttle.holds_back:
            self._timer = self._loop.call_later(_THROTTLE_INTERVAL, self._release)

    def _finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._show(self._throttle.release(self._loop.time(), end=True))

    def _show(self, data: bytes) -> None:
        if text := self._decoder.decode(data):
            self._post(EngineOutput(self._name, text))
