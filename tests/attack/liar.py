"""An engine that speaks the protocol and lies: rows out of order, replies of other kinds, numbers that are not so."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from random import Random
from typing import Any, NoReturn, get_args

import msgspec

from inspector.channel import decode_asked, receive
from inspector.client.process import Connection
from inspector.errors import ChannelError
from inspector.records import PROTOCOL, AnyEvent, Hello, Shutdown, Told
from tests.tui.fake_engine import FakeEngine

from .drawn_records import change, draw_record
from .warm_engine import fork_engine

_EVENTS: tuple[type[Any], ...] = get_args(AnyEvent)
_RAW = msgspec.msgpack.Encoder()


def start_liar(random: Random, share: float) -> Callable[[], Connection]:
    """What starts an engine that lies in so many of the things it says."""

    def start(call_log: int | None = None) -> Connection:
        seed = random.random()
        return fork_engine(lambda fd, call_log: _Liar(socket.socket(fileno=fd), Random(seed), share).serve())

    return start


class _Liar:
    def __init__(self, sock: socket.socket, random: Random, share: float) -> None:
        self._sock = sock
        self._random = random
        self._share = share
        self._engine = FakeEngine()
        self._engine.post = self._say

    def serve(self) -> NoReturn:
        self._send(Told(0, Hello(PROTOCOL, os.getpid(), "3")))
        try:
            while (body := receive(self._sock)) is not None:
                asked = decode_asked(body)
                if isinstance(asked.body, Shutdown):
                    break
                self._send(Told(asked.id, asyncio.run(self._engine.ask(asked.body))))
                self._say_something()
        except (OSError, ChannelError):
            pass  # who was lied to has gone
        os._exit(0)

    def _say(self, message: Any) -> None:
        self._send(Told(0, message.event))

    def _say_something(self) -> None:
        """Unasked."""
        if self._random.random() < self._share:
            self._send(Told(0, draw_record(self._random, self._random.choice(_EVENTS))))

    def _send(self, told: Told) -> None:
        if self._random.random() < self._share:
            told = self._lie(told)
        body = _RAW.encode(told)
        if self._random.random() < self._share / 10:
            at = self._random.randrange(len(body))
            body = body[:at] + self._random.randbytes(1) + body[at + self._random.choice((0, 1)) :]
        self._sock.sendall(len(body).to_bytes(4, "big") + body)

    def _lie(self, told: Told) -> Told:
        random = self._random
        other = draw_record(random, random.choice(_EVENTS))
        return random.choice((
            Told(told.id, change(random, told.body)), Told(told.id, change(random, change(random, told.body))),
            Told(told.id, draw_record(random, type(told.body))), Told(told.id, other),
            Told(random.choice((told.id + 1, told.id + 2, 2**40)), told.body),  # 0 would be silence, as of a long pass
        ))  # fmt: skip
