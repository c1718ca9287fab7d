"""A whole conversation over a socket, with the server in a thread of this process."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from inspector.channel import FRAME_LIMIT, check_greeting, decode_told, encode, receive
from inspector.client.process import start_engine
from inspector.engine.server import Server
from inspector.engine.session import Session
from inspector.records import (
    AnyEvent,
    AnyRequest,
    Asked,
    Attributes,
    CallRows,
    Calls,
    Cancel,
    Changes,
    Choices,
    Done,
    Failed,
    GetAttributes,
    GetCalls,
    GetFrameSource,
    GetHooks,
    GetLocations,
    GetParameters,
    GetSource,
    GetTrace,
    GoOnWith,
    Hello,
    HookMarks,
    Hooks,
    ListTargets,
    Locations,
    ModuleRows,
    Note,
    Observe,
    Open,
    Opened,
    Parameters,
    PassEnded,
    Run,
    SetHook,
    SetInput,
    Shutdown,
    Source,
    Stage,
    Target,
    Work,
)
from tests.models import build


class Client:
    """Asks one thing at a time and keeps what is told meanwhile."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(60)
        self.events: list[AnyEvent] = []
        self.number = 0

    def send(self, request: AnyRequest) -> int:
        self.number += 1
        self.sock.sendall(encode(Asked(self.number, request)))
        return self.number

    def reply(self, number: int) -> Any:
        while True:
            body = receive(self.sock)
            assert body is not None, "the server went away"
            told = decode_told(body)
            if told.id == number:
                return told.body
            self.events.append(told.body)

    def ask(self, request: AnyRequest) -> Any:
        return self.reply(self.send(request))

    def until(self, kind: type[Any]) -> Any:
        while not (self.events and isinstance(self.events[-1], kind)):
            body = receive(self.sock)
            assert body is not None
            self.events.append(decode_told(body).body)
        return self.events[-1]

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


class Running:
    """A server on a thread, and the client of it."""

    def __init__(self, model: Any = None, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> None:
        ours, theirs = socket.socketpair()
        self.sock = ours
        self.server = Server(ours, own_process=False)
        self.server.session = Session(self.server.outbox.put, self.server.busy)
        if model is not None:
            self.server.session.adopt(model, args, kwargs or {}, "toy")
        self.thread = threading.Thread(target=self.server.serve, daemon=True)
        self.thread.start()
        self.client = Client(theirs)
        self.client.until(Hello)

    def stop(self) -> None:
        self.client.sock.close()
        self.thread.join(20)
        self.sock.close()
        assert not self.thread.is_alive(), "the server outlives its client"


@pytest.fixture
def running() -> Iterator[Any]:
    started: list[Running] = []

    def start(name: str = "") -> Running:
        started.append(Running(*build(name)) if name else Running())
        return started[-1]

    yield start
    for server in started:
        server.stop()


def test_a_whole_conversation_about_resnet18(running: Any) -> None:
    client = running().client
    assert isinstance(client.events[0], Hello) and client.events[0].pid == os.getpid()
    opened = client.ask(Open(Target("resnet18", inputs=("1x3x64x64",))))
    assert isinstance(opened, Opened) and opened.info.modules == 68 and opened.info.input == "1×3×64×64 float32"
    assert [type(event) for event in client.events[1:] if not isinstance(event, Work)] == [Stage]
    generation = opened.generation

    ended = client.ask(Run(generation))
    rows = [row for event in client.of(ModuleRows) for row in event.rows]
    assert [row.index for row in rows] == list(range(68)) and rows[0].parameters == 11_689_512
    assert client.of(HookMarks)[0].observed == bytes([1] * 68)
    assert isinstance(ended, PassEnded) and ended.summary.problem is None and ended.summary.calls == 76
    calls = [row for event in client.of(CallRows) for row in event.rows]
    assert len(calls) == 76 and rows[calls[0].module].key == "conv1" and calls[-1].module == 0

    path = ("layer1", "0", "relu")
    found = client.ask(GetCalls(generation, path, values=True, force=True))  # a cold pass may be slow
    assert isinstance(found, Calls) and found.total == 2 and found.calls[0].output.histogram is not None
    source = client.ask(GetSource(generation, ("layer1", "0"), "forward"))
    assert isinstance(source, Source) and "identity = x" in source.text and source.title == "BasicBlock.forward"
    site = client.ask(GetSource(generation, path, "site"))
    assert isinstance(site, Source) and "self.relu" in site.text.splitlines()[site.focus - site.first_line]
    assert isinstance(client.ask(GetParameters(generation, ("fc",))), Parameters)
    assert isinstance(client.ask(GetAttributes(generation, ("fc",))), Attributes)
    assert len(client.ask(GetLocations(generation)).rows) == 68
    trace = client.ask(GetTrace(generation, 70, 10))
    assert [call.path for call in trace.calls][-1] == () and len(trace.calls) == 6

    hooks = client.ask(GetHooks(generation, path))
    assert isinstance(hooks, Hooks) and [row.ours for row in hooks.rows] == [True, True]
    off = client.ask(SetHook(generation, path, hooks.rows[0].kind, hooks.rows[0].id, False))
    assert isinstance(off, Changes) and [change.undone for change in off.changes] == [False]
    marks = client.ask(Observe(generation, (("layer1",),), True, False))
    assert sum(marks.observed) == 68 - 13
    assert client.ask(Run(generation)).summary.calls == 76 - 15
    again = client.ask(SetInput(generation, ("2x3x64x64",)))
    assert isinstance(again, Opened) and again.info.input.startswith("2×3×64×64")
    assert client.ask(Run(generation)).summary.output.shape == (2, 1000)
    assert client.ask(Shutdown()) == Done()


def test_what_cannot_be_done_is_answered_and_the_server_goes_on(running: Any) -> None:
    client = running("mlp").client
    generation = 1
    refusals = [
        (GetCalls(generation, ("no",)), "no module"),
        (GetCalls(generation - 1, ()), "opened anew"),
        (Run(99), "opened anew"),
        (GetParameters(generation, ("no",)), "no module"),
        (Observe(generation, (("no",),), False, True), "no module"),
        (SetHook(generation, (), "nonsense", 10**9, False), "nonsense"),
        (SetHook(generation, (), "forward", 10**9, False), "no forward hook"),
        (SetInput(generation, ("1x!",)), ""),
        (Open(Target("no_such_model_xyz")), "no_such_model_xyz"),
    ]
    for request, words in refusals:
        reply = client.ask(request)
        assert isinstance(reply, Failed) and words in reply.problem.what, reply
        assert "the inspector itself failed" not in reply.problem.what
    assert client.ask(Run(generation)).summary.calls == 4


def test_targets_are_listed_without_a_model(running: Any) -> None:
    choices = running().client.ask(ListTargets())
    assert isinstance(choices, Choices) and "resnet18" in {item.name for item in choices.items}


def test_looking_before_anything_is_open_is_refused(running: Any) -> None:
    client = running().client
    for request in (GetSource(0, (), "class"), Run(0), GetCalls(0, ()), GetTrace(0, 0, 10)):
        reply = client.ask(request)
        assert isinstance(reply, Failed) or (isinstance(reply, Calls) and not reply.calls), reply
        assert not isinstance(reply, Failed) or "itself failed" not in reply.problem.what, reply.problem


def test_what_is_asked_while_the_program_around_goes_on_is_refused(running: Any) -> None:
    """Between two sessions: as what was under way to the one that ended."""
    started = running("mlp")
    started.server.session = None
    for request in (GetFrameSource(1, 0, ()), GoOnWith(1, "over"), Run(1)):
        reply = started.client.ask(request)
        assert isinstance(reply, Failed) and "goes on" in reply.problem.what, reply
    assert started.client.ask(Cancel()) == Done()


class Slow(nn.Module):
    """Waits inside its first module until told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.ReLU(), nn.ReLU()
        self.gates = (threading.Event(), threading.Event())
        self.first.register_forward_hook(self.wait)

    def wait(self, *ignored: Any) -> None:
        self.gates[0].set()
        assert self.gates[1].wait(60)

    def forward(self, x):
        return self.second(self.first(x))


@pytest.fixture
def slow() -> Iterator[tuple[Slow, Running]]:
    model = Slow()
    running = Running(model, (torch.ones(2),))
    yield model, running
    model.gates[1].set()
    running.stop()


def test_a_slow_pass_is_cancelled_and_looked_around_meanwhile(slow: tuple[Slow, Running]) -> None:
    model, running = slow
    client = running.client
    run = client.send(Run(1))
    assert model.gates[0].wait(60)
    assert isinstance(client.ask(GetSource(1, ("first",), "class")), Source)  # while the pass runs
    assert isinstance(client.ask(GetLocations(1)), Locations)
    assert client.ask(Cancel()) == Done()
    model.gates[1].set()
    ended = client.reply(run)
    assert ended.summary.cancelled and ended.summary.calls == 2
    assert client.ask(Run(1)).summary.problem is None


def test_a_client_that_goes_away_ends_the_pass_and_the_server(slow: tuple[Slow, Running]) -> None:
    model, running = slow
    running.client.send(Run(1))
    assert model.gates[0].wait(60)
    running.client.sock.close()
    model.gates[1].set()
    running.thread.join(20)
    assert not running.thread.is_alive() and not model._forward_hooks and len(model.first._forward_hooks) == 1


def test_a_client_that_stops_reading_does_not_hold_the_engine() -> None:
    model, passes, all_run = nn.Sequential(*(nn.Identity() for _ in range(300))), [], threading.Event()
    model.register_forward_hook(lambda *ignored: passes.append(1) or (len(passes) == 21 and all_run.set()) or None)
    running = Running(model, (torch.ones(2),))
    for _ in range(20):  # each trace is about 100 KB, of which a socket holds two
        running.client.send(Run(1))
        running.client.send(GetTrace(1, 0, 300))
    last = running.client.send(Run(1))
    assert all_run.wait(60)
    assert running.client.reply(last).summary.number == 21
    running.stop()


UNREADABLE = {
    "unknown tag": struct.pack("!I", 24) + b"\x92\x01\x81\xa4type\xafNoSuchRequest__",
    "not MessagePack": struct.pack("!I", 3) + b"\xc1\xc1\xc1",
}


@pytest.mark.parametrize("bad", UNREADABLE)
def test_what_cannot_be_read_is_refused_and_ends_nothing(bad: str, running: Any) -> None:
    client = running("mlp").client
    client.sock.sendall(UNREADABLE[bad])
    assert "cannot be read" in client.until(Failed).problem.what
    assert isinstance(client.ask(ListTargets()), Choices)


def test_a_frame_over_the_limit_is_named_and_ends_the_conversation(running: Any) -> None:
    server = running("mlp")
    server.client.sock.sendall(struct.pack("!I", FRAME_LIMIT + 1))
    assert "over the limit" in server.client.until(Failed).problem.what
    server.thread.join(20)
    assert not server.thread.is_alive()


@pytest.fixture
def process() -> Iterator[Any]:
    connection = start_engine()
    connection.sock.settimeout(60)
    yield connection
    connection.sock.close()
    assert connection.process is not None
    connection.process.end()
    connection.process.wait(20)
    for _, fd in connection.pipes:
        os.close(fd)


def test_a_process_of_its_own_says_why_it_leaves(process: Any) -> None:
    client = Client(process.sock)
    check_greeting(decode_told(receive(process.sock)))
    process.sock.sendall(struct.pack("!I", FRAME_LIMIT + 1))
    assert "over the limit" in client.until(Failed).problem.what
    left = iter(lambda: receive(process.sock), None)  # its main thread may say what it does meanwhile
    assert all(isinstance(decode_told(body).body, Stage) for body in left)
    assert process.process.wait(20) == 0


def test_a_process_of_its_own_ends_with_its_client(process: Any) -> None:
    check_greeting(decode_told(receive(process.sock)))
    process.sock.close()
    try:
        assert process.process.wait(20) == 0
    except subprocess.TimeoutExpired:
        pytest.fail("the engine outlives its client")


@pytest.mark.skipif(sys.platform != "linux" or find_spec("numba") is None, reason="needs numba, and /proc")
def test_a_process_of_its_own_makes_its_kernel_after_a_pass(process: Any) -> None:
    """And what the next pass tells of the process and of its values is that nothing changed."""
    client = Client(process.sock)
    maps = Path(f"/proc/{client.until(Hello).pid}/maps")
    opened = client.ask(Open(Target("resnet18", inputs=("1x3x64x64",))))

    def run() -> Calls:
        assert client.ask(Run(opened.generation)).summary.not_restored == ()
        calls: Calls = client.ask(GetCalls(opened.generation, ("layer1",)))
        return calls

    first = run().calls[0].output
    assert "llvmlite" not in maps.read_text()
    deadline = time.monotonic() + 200
    while (again := run().calls[0]).output == first and time.monotonic() < deadline:
        time.sleep(0.2)
    assert "llvmlite" in maps.read_text() and again.output != first and again.previous == again.output
    assert not client.of(Note)


def test_no_thread_holds_a_model_after_the_end(running: Any) -> None:
    before = set(threading.enumerate())
    server = running("mlp")
    assert server.client.ask(Shutdown()) == Done()
    server.client.sock.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(20)
        assert not thread.is_alive(), thread.name


SLOW_ENGINE = """
import socket, sys, time
from inspector.engine.server import Server

class Slow(socket.socket):
    def sendall(self, data):
        time.sleep(0.2)
        super().sendall(data)

Server(Slow(fileno=int(sys.argv[1]))).serve()
"""


@pytest.mark.parametrize("run", [False, True])
def test_what_is_known_is_sent_before_a_model_ends_the_engine(run: bool) -> None:
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-c", SLOW_ENGINE, str(theirs.fileno())]
    with ours, theirs, subprocess.Popen(command, pass_fds=(theirs.fileno(),), stderr=subprocess.DEVNULL):
        theirs.close()
        inputs = ("2x4",) if run else ()  # where none is given, one is guessed
        client = Client(ours)
        client.send(Open(Target("tests/terminal/hostile.py:unfed_segfault", inputs=inputs, run=True)))
        client.send(Run(1))
        while (body := receive(ours)) is not None:
            client.events.append(decode_told(body).body)
    (opened,) = (event for event in client.events if isinstance(event, Opened))
    assert sum(len(event.rows) for event in client.events if isinstance(event, ModuleRows)) == opened.info.rows == 5
    assert any(isinstance(event, HookMarks) for event in client.events)
