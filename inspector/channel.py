"""Framed messages between two processes on one machine, over a connected stream socket.

A frame is a length (4 bytes, big-endian) and a MessagePack body: `Asked` from the app, `Told` from the engine. Bodies
are validated against `records` and never guessed at: a request that cannot be read is refused, while an event that
cannot be, a length above the cap or a foreign version ends the conversation with a `ChannelError`. There is no pickle
and no port here: the socket is a socketpair that the child inherits.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import msgspec

from .errors import ChannelError
from .records import PROTOCOL, AnyEvent, Asked, Calls, Failed, Hello, Progress, Told, ToldCalls, Work
from .told_calls import hear, tell

FRAME_LIMIT = 32 * 1024 * 1024
"""Bytes of the largest frame either side accepts."""

PATIENCE = 1.0
"""Seconds that an engine waits for a client to read what was sent."""

_LENGTH = struct.Struct("!I")
_encoder = msgspec.msgpack.Encoder()

Message = TypeVar("Message", Asked, "_Sent")


class CutOff(ChannelError):
    """Whoever sends ended in the middle of a frame."""


def encode(message: Asked | Told) -> bytes:
    """One frame. Raises `ChannelError` where the body cannot be encoded or is larger than the other side accepts."""
    try:
        calls = message.body if isinstance(message.body, Calls) else None
        body = _encoder.encode(message if calls is None else _Sent(message.id, tell(calls)))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ChannelError(f"a message that cannot be sent: {error}") from None
    if len(body) > FRAME_LIMIT:
        raise ChannelError(f"a message of {len(body)} bytes is over the limit of {FRAME_LIMIT}")
    return _LENGTH.pack(len(body)) + body


def decode_asked(body: bytes) -> Asked:
    return _decode(Asked, body)


class _Sent(msgspec.Struct, frozen=True, array_like=True):
    """A `Told` on the wire."""

    id: int
    body: AnyEvent | ToldCalls


def decode_told(body: bytes) -> Told:
    sent = _decode(_Sent, body)
    if not isinstance(sent.body, ToldCalls):
        return Told(sent.id, sent.body)
    try:
        return Told(sent.id, hear(sent.body))
    except ValueError as error:
        raise ChannelError(f"calls that cannot be read: {error}") from None


class _Numbered(msgspec.Struct, array_like=True):
    """Any message, of which only the number is looked at."""

    id: int


def read_number(body: bytes) -> int:
    """The number of a message that cannot be read otherwise; 0 where that cannot be read either."""
    try:
        return msgspec.msgpack.decode(body, type=_Numbered).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0


def check_greeting(message: Told) -> Hello:
    """The engine's first message, or `ChannelError` when it is not a greeting of this version."""
    hello = message.body
    if not isinstance(hello, Hello):
        raise ChannelError(f"the engine did not greet: {type(hello).__name__} came first")
    if hello.protocol != PROTOCOL:
        raise ChannelError(
            f"the engine speaks protocol {hello.protocol}, this program {PROTOCOL}",
            hint="install the same version of torch-inspector on both sides",
        )
    return hello


@cache
def _decoder_of(kind: type[Message]) -> msgspec.msgpack.Decoder[Message]:
    """Made when the first message comes: it takes milliseconds, which the first frame need not wait for."""
    return msgspec.msgpack.Decoder(kind)


def _decode(kind: type[Message], body: bytes) -> Message:
    try:
        message: Message = _decoder_of(kind).decode(body)
        return message
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ChannelError(f"a message that cannot be read: {error}") from None


def _length(header: bytes) -> int:
    (length,) = _LENGTH.unpack(header)
    if length > FRAME_LIMIT:
        raise ChannelError(f"a frame of {length} bytes, which is over the limit of {FRAME_LIMIT}")
    return int(length)


def receive(sock: socket.socket) -> bytes | None:
    """The body of the next frame, None at a clean end of the stream. Blocks; the engine has a thread for it."""
    header = _exactly(sock, _LENGTH.size)
    if header is None:
        return None
    body = _exactly(sock, _length(header))
    if body is None:
        raise CutOff("the stream ended inside a frame")
    return body


def _exactly(sock: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = sock.recv(min(count - len(parts), 1 << 20))
        if not part:
            if parts:
                raise CutOff("the stream ended inside a frame")
            return None
        parts += part
    return bytes(parts)


async def receive_async(reader: asyncio.StreamReader) -> bytes | None:
    """As `receive`, without blocking the event loop."""
    try:
        header = await reader.readexactly(_LENGTH.size)
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise CutOff("the stream ended inside a frame") from None
        return None
    except ConnectionError:
        return None
    try:
        return await reader.readexactly(_length(header))
    except (asyncio.IncompleteReadError, ConnectionError):
        raise CutOff("the stream ended inside a frame") from None


class Outbox:
    """The engine's side of sending: a thread writes, and `put` waits for it, because what comes next may be the end of
    this process: a model that is imported, built, described or run.

    Replies, errors and chunks of a listing are always delivered, in order. A client that does not read is waited for
    once, and not again until it has read everything. A `Progress` or `Work` is not waited for, and one that was not
    sent yet is replaced by a newer one. So a slow or stopped client costs the engine neither time nor memory.
    """

    def __init__(
        self, sock: socket.socket, on_broken: Callable[[], None] = lambda: None, patience: float = PATIENCE
    ) -> None:
        self._sock = sock
        self._on_broken = on_broken
        self._patience = patience
        self._ready = threading.Condition()
        self._queue: deque[Told] = deque()
        self._progress: Progress | Work | None = None
        self._idle = True  # nothing is queued and nothing is being written
        self._stalled = False  # the client was waited for in vain
        self._closed = False
        self._thread = threading.Thread(target=self._write, name="inspector-outbox", daemon=True)
        self._thread.start()

    def put(self, event: AnyEvent, re: int = 0) -> None:
        """Send `event`, as the reply to request `re` unless that is 0. It is with the system on return, unless it is a
        `Progress` or `Work`, or the client does not read."""
        with self._ready:
            if self._closed:
                return
            self._idle = False
            if isinstance(event, Progress | Work) and re == 0:
                self._progress = event
                self._ready.notify_all()
                return
            self._progress = None  # it would arrive after what it leads up to
            self._queue.append(Told(re, event))
            self._ready.notify_all()
            if not self._stalled:
                self._stalled = not self._ready.wait_for(lambda: self._idle or self._closed, self._patience)

    def close(self, timeout: float = 2.0) -> None:
        """Send what is queued, for at most `timeout` seconds, and stop."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()
        self._thread.join(timeout)

    def _next(self) -> Told | None:
        with self._ready:
            while True:
                if self._queue:
                    return self._queue.popleft()
                if self._progress is not None:
                    progress, self._progress = self._progress, None
                    return Told(0, progress)
                self._idle, self._stalled = True, False
                self._ready.notify_all()
                if self._closed:
                    return None
                self._ready.wait()

    def _write(self) -> None:
        try:
            while (message := self._next()) is not None:
                self._sock.sendall(_encode_or_report(message))
        except OSError:
            with self._ready:
                self._closed = True  # nobody waits for it any more
                self._ready.notify_all()
            self._on_broken()


def _encode_or_report(message: Told) -> bytes:
    try:
        return encode(message)
    except ChannelError as error:
        return encode(Told(message.id, Failed(error.problem)))
