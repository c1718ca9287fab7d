"""What a real engine said once, told again by a thread: as it was, or with lies in it, and to a sudden end."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from random import Random

import msgspec

from inspector.channel import decode_asked, decode_told, encode, receive
from inspector.client.process import Connection, start_engine
from inspector.errors import ChannelError
from inspector.records import (
    AnyRequest,
    Asked,
    CheckHook,
    Failed,
    GetAllHooks,
    GetAttributes,
    GetCalls,
    GetGradients,
    GetHistory,
    GetHooks,
    GetLocations,
    GetOutcomes,
    GetParameters,
    GetSource,
    GetTrace,
    HookMarks,
    ListKinds,
    ListTargets,
    Observe,
    Open,
    Problem,
    Run,
    SetInput,
    Shutdown,
    Target,
    Told,
)
from tests.mutants import mutate

TARGET = Target("tests/models.py:two_names", inputs=("2x4",), backward=True, hooks=("*:scale(2)",))

REQUESTS: tuple[AnyRequest, ...] = (
    Open(TARGET), Run(1, backward=True), GetTrace(1, 0, 200), GetLocations(1), GetOutcomes(1), GetGradients(1, 0, 200),
    GetCalls(1, ()), GetSource(1, (), "forward"), GetAttributes(1, ()), GetParameters(1, ()), GetHooks(1, ()),
    GetAllHooks(1), GetHistory(1, ()), ListKinds(), ListTargets(), Observe(1, ((),), True, True),
    CheckHook(1, "*", "scale(2)"), SetInput(1, ("2x4",)), Shutdown(),
)  # fmt: skip

Answers = dict[type[AnyRequest], list[Told]]
"""What was said to each kind of request; the greeting is said to `Told`."""

Lie = Callable[[Told], bytes]
"""The body that is sent in place of a message."""


def hear_out(requests: Iterable[AnyRequest] = REQUESTS) -> Answers:
    """What a real engine answers to each of these, one after the other."""
    connection = start_engine()
    assert connection.process is not None
    connection.sock.settimeout(60)
    try:
        answers: Answers = {Told: [_hear(connection.sock)]}  # type: ignore[dict-item]
        for number, request in enumerate(requests, 1):
            connection.sock.sendall(encode(Asked(number, request)))
            answers[type(request)] = list(_hear_answer(connection.sock, number, request))
        return answers
    finally:
        connection.process.end()
        connection.process.wait(20)


def _hear_answer(sock: socket.socket, number: int, request: AnyRequest) -> Iterator[Told]:
    """The reply, what comes before it, and of a model that is opened what follows."""
    missing = {number, 0 if isinstance(request, Open) else number}
    while missing:
        told = _hear(sock)
        missing -= {told.id} if told.id or isinstance(told.body, HookMarks) else set()
        yield told


def _hear(sock: socket.socket) -> Told:
    body = receive(sock)
    assert body is not None
    return decode_told(body)


def tell_truth(told: Told) -> bytes:
    return msgspec.msgpack.encode(told)


def lie_at_random(random: Random) -> Lie:
    """One lie at any moment, and a few more."""
    due = random.randrange(26)

    def lie(told: Told) -> bytes:
        nonlocal due
        due -= 1
        return make_lie(told, random) if due == -1 or random.random() < 0.02 else tell_truth(told)

    return lie


def make_lie(told: Told, random: Random) -> bytes:
    """One message with something in it that is not so."""
    if random.random() < 0.8:
        return mutate(told, random)
    body = bytearray(tell_truth(told))
    body[random.randrange(len(body))] = random.randrange(256)
    return bytes(body)


class RetoldEngine:
    """Has the outside of `EngineProcess`.

    Args:
        answers: What it says.
        lie: Makes something else of it.
        dies_of: How it ends, before it answers to one of the kinds `dies_at`; else of being ended, or by itself.
    """

    pid = 0

    def __init__(
        self,
        answers: Answers,
        lie: Lie = tell_truth,
        dies_at: tuple[type[AnyRequest], ...] = (),
        dies_of: int = -11,
    ) -> None:
        self.returncode: int | None = None
        self._answers = answers
        self._lie = lie
        self._dies_at = dies_at
        self._dies_of = dies_of
        ours, self._sock = socket.socketpair()
        self._ours = ours
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self, call_log: int | None = None) -> Connection:
        """Begin to talk, and give the way to it."""
        self._thread.start()
        return Connection(self._ours, self, (), call_log)  # type: ignore[arg-type]

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        pass

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    end_by_force = end

    def _serve(self) -> None:
        code = 0
        with self._sock, contextlib.suppress(OSError, ChannelError):  # whoever was lied to may be gone
            self._tell(self._answers[Told], 0)  # type: ignore[index]
            while (body := receive(self._sock)) is not None:
                asked = decode_asked(body)
                if isinstance(asked.body, self._dies_at):
                    code = self._dies_of
                    break
                self._tell(self._answers.get(type(asked.body), [Told(1, Failed(Problem("no")))]), asked.id)
                if isinstance(asked.body, Shutdown):
                    break
        self.returncode = code

    def _tell(self, said: list[Told], number: int) -> None:
        for told in said:
            body = self._lie(Told(number if told.id else 0, told.body))
            self._sock.sendall(len(body).to_bytes(4, "big") + body)
