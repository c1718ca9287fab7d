"""Requests as a malicious app would send them: each is refused in words, and the engine answers the next one."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, get_args

import msgspec
import pytest
import torch
from torch import nn

from inspector.channel import encode
from inspector.records import (
    AnyRequest,
    Asked,
    Cancel,
    Done,
    Failed,
    Kinds,
    ListKinds,
    Open,
    Run,
    RunSweep,
    Shutdown,
    Target,
)
from tests.mutants import make_record, mutate

from .test_server import Client, Running

REQUESTS = [kind for kind in get_args(AnyRequest) if kind not in (Shutdown, Open, RunSweep)]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.chdir(tmp_path)  # for what it is asked to write
    server = Running(nn.Sequential(nn.Linear(3, 3), nn.ReLU()), (torch.ones(1, 3),))
    yield server.client
    server.stop()


def send(client: Client, body: bytes) -> None:
    client.sock.sendall(struct.pack("!I", len(body)) + body)


def assert_alive(client: Client) -> None:
    assert isinstance(client.ask(ListKinds()), Kinds)
    bugs = [event.problem for event in client.of(Failed) if "itself failed" in event.problem.what]
    assert not bugs, bugs
    client.events.clear()


@pytest.mark.parametrize(
    "body",
    [b"", b"\xc1", b"\x91" * 5_000, b"\x92\x05\x81\xa4type\xa4None", msgspec.msgpack.encode([7, {"type": "Nothing"}])],
)
def test_what_cannot_be_read_is_refused_by_its_number(body: bytes, client: Client) -> None:
    send(client, body)
    assert_alive(client)


def test_an_unknown_request_is_answered(client: Client) -> None:
    send(client, msgspec.msgpack.encode([7, {"type": "Nothing"}]))
    reply = client.reply(7)
    assert isinstance(reply, Failed) and "cannot be read" in reply.problem.what


@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
def test_any_request_is_answered_or_refused(kind: type[Any], client: Client) -> None:
    random = Random(kind.__name__)
    for _ in range(25):
        request = make_record(kind, random)
        if kind is Run:
            request = msgspec.structs.replace(request, batches=1, generate=0)
        if hasattr(request, "generation"):
            request = msgspec.structs.replace(request, generation=1)
        client.number += 1
        asked = Asked(client.number, request)
        send(client, mutate(asked, random) if kind is not Run else encode(asked)[4:])
    assert_alive(client)


def test_ten_thousand_at_once_are_all_answered(client: Client) -> None:
    numbers = range(1_000, 11_000)
    client.sock.sendall(b"".join(encode(Asked(number, Cancel())) for number in numbers))
    assert all(isinstance(client.reply(number), Done) for number in numbers)
    assert_alive(client)


class _Leaving(nn.Linear):
    def train(self, mode: bool = True) -> Any:
        raise SystemExit(9)


def leaving() -> nn.Module:
    return _Leaving(3, 3)


def test_code_that_leaves_where_no_pass_is_run_is_told_of(client: Client) -> None:
    reply = client.ask(Open(Target(f"{__name__}:leaving")))
    assert isinstance(reply, Failed) and "SystemExit: 9" in reply.problem.what
    assert any("raise SystemExit(9)" in line.text for line in reply.problem.traceback)
    assert_alive(client)
