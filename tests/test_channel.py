"""Frames between two processes: sent and read back, refused where they cannot be, never blocking the engine."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector import channel, records
from inspector.channel import Outbox, check_greeting, decode_asked, decode_told, encode, receive, receive_async
from inspector.errors import ChannelError
from inspector.records import Asked, Cancel, Done, Hello, Note, Progress, Run, Stage, Told

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    a, b = socket.socketpair()
    with a, b:
        b.settimeout(20)
        yield a, b


def told(sock: socket.socket) -> Told:
    body = receive(sock)
    assert body is not None
    return decode_told(body)


text = st.text(st.characters(exclude_categories=["Cs"]))
paths = st.lists(text, max_size=4).map(tuple)
values = st.recursive(
    st.builds(records.NoneValue)
    | st.builds(records.ScalarValue, type=text, value=st.booleans() | st.integers(-(2**63), 2**63 - 1) | text)
    | st.builds(records.OtherValue, type=text, text=text)
    | st.builds(
        records.TensorValue,
        shape=st.lists(st.integers(-1, 2**40)).map(tuple),
        dtype=text,
        device=text,
        statistics=st.none() | st.builds(records.Statistics, min=st.floats(allow_nan=False) | st.none()),
        histogram=st.just(records.Histogram(0.0, 1.0, (1, 2))),
        preview=st.just(records.Preview((0,), ((1.5, 2, True, "1+2j"),))),
    ),
    lambda inner: (
        st.builds(lambda items: records.SequenceValue("list", tuple(items), len(items)), st.lists(inner, max_size=4))
        | st.builds(
            lambda items: records.MappingValue("dict", tuple(items), tuple(items.values()), len(items)),
            st.dictionaries(text, inner, max_size=4),
        )
    ),
    max_leaves=10,
)
requests = st.builds(records.GetCalls, generation=st.integers(0, 9), path=paths, values=st.booleans()) | st.builds(
    records.Observe,
    generation=st.integers(0, 9),
    paths=st.lists(paths).map(tuple),
    subtree=st.booleans(),
    on=st.booleans(),
)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 2**40), requests)
def test_a_request_comes_out_as_it_went_in(number: int, request: records.AnyRequest) -> None:
    assert decode_asked(encode(Asked(number, request))[4:]) == Asked(number, request)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**40), values, text)
def test_an_event_comes_out_as_it_went_in(number: int, value: records.Value, words: str) -> None:
    row = records.CallRow(1, 0, 2, 3, 1, 0.5, "ok", records.Brief((len(words),), 1, words))
    detail = records.CallDetail(row, (words,), words, (value,), records.MappingValue("dict", (), (), 0), value)
    event = Told(number, records.Calls(1, 2, (detail,), 1))
    assert decode_told(encode(event)[4:]) == event


def test_every_record_has_its_own_tag() -> None:
    """A union that the decoder accepts; every member crosses by its class name."""
    for union in (records.AnyRequest, records.AnyEvent):
        tags = [member.__struct_config__.tag for member in union.__args__]
        assert tags == [member.__name__ for member in union.__args__]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode([1, {"type": "NoSuchRequest"}]),
        msgspec.msgpack.encode([1, {"type": "Run"}]),
        msgspec.msgpack.encode([1, {"type": "Run", "generation": "one"}]),
        msgspec.msgpack.encode([1, {"type": "Run", "generation": 1, "unknown": 2}]),
        msgspec.msgpack.encode({"id": 1}),
        msgspec.msgpack.encode([1, {"type": "PassEnded"}]),
    ],
)
def test_what_is_not_a_request_is_refused(body: bytes) -> None:
    with pytest.raises(ChannelError, match="cannot be read"):
        decode_asked(body)


@pytest.mark.parametrize(
    "event",
    [
        Note("info", "\ud800"),
        records.Calls(2**64, 0, (), 0),
        records.Calls(-(2**63) - 1, 0, (), 0),
    ],
    ids=["surrogate", "too large", "too small"],
)
def test_what_cannot_be_encoded_is_refused(event: records.AnyEvent) -> None:
    with pytest.raises(ChannelError, match="cannot be sent"):
        encode(Told(0, event))


def test_a_body_over_the_limit_is_refused_by_the_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "FRAME_LIMIT", 100)
    with pytest.raises(ChannelError, match="over the limit"):
        encode(Told(0, Stage("x" * 200)))


def test_a_length_over_the_limit_is_refused_before_anything_is_read(pair: Pair) -> None:
    pair[0].sendall(struct.pack("!I", channel.FRAME_LIMIT + 1))
    with pytest.raises(ChannelError, match="over the limit"):
        receive(pair[1])


@pytest.mark.parametrize("sent", [b"\x00\x00", struct.pack("!I", 10) + b"half"])
def test_a_stream_that_ends_inside_a_frame(sent: bytes, pair: Pair) -> None:
    pair[0].sendall(sent)
    pair[0].shutdown(socket.SHUT_WR)
    with pytest.raises(ChannelError, match="ended inside a frame"):
        receive(pair[1])


def test_a_clean_end(pair: Pair) -> None:
    pair[0].sendall(encode(Told(0, Done())))
    pair[0].shutdown(socket.SHUT_WR)
    assert told(pair[1]) == Told(0, Done())
    assert receive(pair[1]) is None


def test_greetings() -> None:
    assert check_greeting(Told(0, Hello(records.PROTOCOL, 1, "3.12"))).pid == 1
    with pytest.raises(ChannelError, match="did not greet"):
        check_greeting(Told(0, Done()))
    with pytest.raises(ChannelError, match="protocol 99"):
        check_greeting(Told(0, Hello(99, 1, "3.12")))


async def test_the_app_reads_as_the_engine_does() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(encode(Told(3, Done())))
    reader.feed_data(struct.pack("!I", 10) + b"half")
    reader.feed_eof()
    body = await receive_async(reader)
    assert body is not None and decode_told(body) == Told(3, Done())
    with pytest.raises(ChannelError, match="ended inside a frame"):
        await receive_async(reader)
    assert await receive_async(reader) is None


def test_an_outbox_delivers_in_order(pair: Pair) -> None:
    outbox = Outbox(pair[0])
    for number in range(200):
        outbox.put(Note("info", str(number)), number)
    outbox.close()
    assert [told(pair[1]) for _ in range(200)] == [Told(n, Note("info", str(n))) for n in range(200)]


def test_a_client_that_does_not_read_costs_neither_time_nor_memory(pair: Pair) -> None:
    outbox = Outbox(pair[0], patience=0)
    outbox.put(Stage("x" * 4_000_000))  # more than the socket holds: the writer is stuck from here on
    for calls in range(100_000):
        outbox.put(Progress(1, calls, 100_000, 0, 0.0))
    outbox.put(Done(), 7)
    assert len(outbox._queue) <= 2
    assert [type(told(pair[1]).body).__name__ for _ in range(2)] == ["Stage", "Done"]


def test_the_newest_progress_is_told(pair: Pair) -> None:
    outbox = Outbox(pair[0], patience=0)
    outbox.put(Stage("x" * 4_000_000))
    for calls in range(50):
        outbox.put(Progress(1, calls, 50, 0, 0.0))
    assert isinstance(told(pair[1]).body, Stage)
    assert told(pair[1]).body == Progress(1, 49, 50, 0, 0.0)


@pytest.mark.parametrize("event", [Note("info", "\ud800"), records.Calls(2**64, 0, (), 0)])
def test_what_cannot_be_sent_is_answered_and_the_outbox_lives(event: records.AnyEvent, pair: Pair) -> None:
    outbox = Outbox(pair[0])
    outbox.put(event, 5)
    outbox.put(Done(), 6)
    failed = told(pair[1])
    assert failed.id == 5 and isinstance(failed.body, records.Failed)
    assert told(pair[1]) == Told(6, Done())


def test_a_client_that_is_gone_is_noticed(pair: Pair) -> None:
    gone = threading.Event()
    outbox = Outbox(pair[0], gone.set)
    pair[1].close()
    outbox.put(Done())
    assert gone.wait(20)
    outbox.put(Done())  # nobody minds


class SlowSocket:
    """Sends after a while, as a thread does that gets no time."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def sendall(self, data: bytes) -> None:
        time.sleep(0.1)
        self._sock.sendall(data)


def test_what_was_put_is_on_its_way_whatever_ends_this_process_next(pair: Pair) -> None:
    outbox = Outbox(SlowSocket(pair[0]))  # type: ignore[arg-type]
    pair[1].setblocking(False)
    for number in range(3):
        outbox.put(Note("info", str(number)))
        assert told(pair[1]).body == Note("info", str(number))


def test_a_client_that_does_not_read_is_waited_for_once(pair: Pair) -> None:
    outbox = Outbox(pair[0], patience=0.2)
    began = time.monotonic()
    outbox.put(Stage("x" * 4_000_000))
    for _ in range(100):
        outbox.put(Note("info", "more"))
    assert 0.2 <= time.monotonic() - began < 5
    assert [type(told(pair[1]).body) for _ in range(101)] == [Stage] + [Note] * 100
    while outbox._stalled:
        time.sleep(0.01)
    outbox.put(Note("info", "again"))  # it reads: it is waited for as before
    pair[1].setblocking(False)
    assert told(pair[1]).body == Note("info", "again")


def test_nobody_waits_for_a_client_that_is_gone(pair: Pair) -> None:
    outbox = Outbox(pair[0], patience=60)
    pair[1].close()
    for _ in range(3):
        outbox.put(Done())


def test_nothing_is_queued_after_the_end(pair: Pair) -> None:
    outbox = Outbox(pair[0])
    outbox.put(Done(), 1)
    outbox.close()
    outbox.put(Done(), 2)
    pair[0].shutdown(socket.SHUT_WR)
    assert told(pair[1]).id == 1 and receive(pair[1]) is None


def test_requests_are_small() -> None:
    assert len(encode(Asked(1, Cancel()))) < 32 and len(encode(Asked(1, Run(1)))) < 48
