"""The ways in which a person looks at a model, and what each says of a model that it does not leave as it was."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import random
import re
import socket
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import torch
import torchvision  # noqa: F401 - what is imported stays, with settings of its own: all before the first fingerprint
from torch import nn

import inspector
from inspector.channel import decode_told, encode, receive
from inspector.engine.server import Server
from inspector.engine.session import Session
from inspector.records import Asked, Note, PassEnded, PassSummary, Run

from .fingerprints import differences, print_of

OWN = "tests.attack"
Build = Callable[[], tuple[nn.Module, tuple[Any, ...]]]
Meanwhile = list[Callable[[], object]]


class Interruption(Exception):
    """The error in the middle of a pass."""


def _raise() -> None:
    raise Interruption("in the middle")


def _summarize(model: nn.Module, inputs: tuple[Any, ...], meanwhile: Meanwhile) -> str:
    return inspector.summary(model, *inputs)


def _summarize_error(model: nn.Module, inputs: tuple[Any, ...], meanwhile: Meanwhile) -> str:
    meanwhile.append(_raise)
    return inspector.summary(model, *inputs)


def _sweep(model: nn.Module, inputs: tuple[Any, ...], meanwhile: Meanwhile) -> str:
    result = inspector.sweep(model, *inputs, over="lin", hook=inspector.zero(), metric="norm")
    return f"{result.table(200)}\n{result.heading()}\n{result.to_json()}"


def _words(event: object) -> list[str]:
    """What an event says of what is not as before."""
    if isinstance(event, PassEnded):
        event = event.summary
    if isinstance(event, PassSummary):
        return [f"not put back: {words}" for words in event.not_restored]
    return [event.text] if isinstance(event, Note) else []


def _in_session(model: nn.Module, inputs: tuple[Any, ...], act: Callable[[Session], object]) -> str:
    """What a session says in two passes."""
    said: list[object] = []
    session = Session(said.append)
    try:
        opened = session.adopt(model, inputs, {}, "model")
        session.announce()
        act(session)
        said += [session.run(Run(opened.generation, materialize=True)) for _ in range(2)]
    finally:
        session.close()
    return "\n".join(line for event in said for line in _words(event))


def _run(model: nn.Module, inputs: tuple[Any, ...], meanwhile: Meanwhile) -> str:
    return _in_session(model, inputs, lambda session: None)


def _fail(model: nn.Module, inputs: tuple[Any, ...], meanwhile: Meanwhile) -> str:
    meanwhile.append(_raise)
    return _in_session(model, inputs, lambda session: None)


def _cancel(model: nn.Module, inputs: tuple[Any, ...], meanwhile: Meanwhile) -> str:
    return _in_session(model, inputs, lambda session: meanwhile.append(session.cancel))


def _kill(model: nn.Module, inputs: tuple[Any, ...], meanwhile: Meanwhile) -> str:
    """The app goes away in the middle of a pass, as `inspect` sees it."""
    ours, theirs = socket.socketpair()
    server = Server(ours, own_process=False)
    said: list[object] = []

    def emit(event: Any, re: int = 0) -> None:
        said.append(event)
        server.outbox.put(event, re)

    session = server.session = Session(emit, server.busy)
    opened = session.adopt(model, inputs, {}, "model")
    theirs.sendall(encode(Asked(1, Run(opened.generation, materialize=True))))
    meanwhile.append(lambda: theirs.shutdown(socket.SHUT_RDWR))
    listener = threading.Thread(target=_listen, args=(theirs, said), name="inspector-app", daemon=True)
    listener.start()
    with ours, theirs:
        try:
            server.serve()
        finally:
            session.close()
        listener.join(5)
    return "\n".join(line for event in (*said, session.summary) for line in _words(event))


def _listen(sock: socket.socket, said: list[object]) -> None:
    with contextlib.suppress(Exception):
        while (body := receive(sock)) is not None:
            told = decode_told(body)
            if told.id == 1:
                said.append(told.body)
                sock.shutdown(socket.SHUT_RDWR)  # one that was not in the middle of it


GUARDED: dict[str, Callable[[nn.Module, tuple[Any, ...], Meanwhile], str]] = {
    "summary": _summarize, "summary, error": _summarize_error, "session": _run, "session, error": _fail,
    "session, cancel": _cancel, "session, kill": _kill, "sweep": _sweep,
}  # fmt: skip
"""Afterwards everything is as before, or what is not is said."""


def _captured(model: nn.Module, inputs: tuple[Any, ...]) -> None:
    with inspector.capture(model):
        model(*inputs)


def _nested(model: nn.Module, inputs: tuple[Any, ...]) -> None:
    with inspector.capture(model), inspector.hooks(model, {"lin": inspector.observe()}), inspector.capture(model):
        model(*inputs)


def _hooked(model: nn.Module, inputs: tuple[Any, ...]) -> None:
    with inspector.hooks(model, {"lin, out": inspector.observe(), "": inspector.scale(1)}):
        model(*inputs)


BLOCKS: dict[str, Callable[[nn.Module, tuple[Any, ...]], None]] = {
    "capture": _captured, "hooks": _hooked, "nested blocks": _nested,
}  # fmt: skip
"""Afterwards everything is as it would be without the block."""


def check_guarded(way: str, build: Build, meanwhile: Meanwhile) -> str:
    """What was left changed and not said, "" for nothing. Leaves it changed in this process, too."""
    model, inputs = build()
    before = print_of(model, *inputs, own=OWN)
    said = io.StringIO()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            said.write(GUARDED[way](model, inputs, meanwhile))
        except (Exception, SystemExit) as error:
            said.write(f"{type(error).__name__}: {error}")
    meanwhile.clear()
    said.write("".join(str(warning.message) for warning in warned))
    changed = differences(before, print_of(model, *inputs, own=OWN))
    unsaid = [place for place in changed if not is_said(place, said.getvalue())]
    return f"changed and not said: {unsaid[:8]}" if unsaid else ""


def is_said(place: str, said: str) -> bool:
    """Whether what was said names anything on the way to the place."""
    names = set(re.findall(r"[A-Za-z]\w+", place.removeprefix("root0").removeprefix("root1"))) or {"input", "iterator"}
    return any(name in line for line in said.splitlines() if _SAYS.search(line) for name in names)


_SAYS = re.compile(r"cannot|not (put|taken) back|not (copied|restored)|left (as|changed)|changed|as before|other than")


def check_block(way: str, build: Build) -> str:
    """How a model differs that ran within a block of ours from one that ran without, "" where it does not."""
    bare = in_child(lambda: _print_after(build, lambda model, inputs: model(*inputs)))
    ours = in_child(lambda: _print_after(build, BLOCKS[way]))
    changed = differences(bare, ours)
    return f"other than without the block: {changed[:8]}" if changed else ""


def _print_after(build: Build, run: Callable[[nn.Module, tuple[Any, ...]], object]) -> dict[str, Any]:
    random.seed(0)  # every fork has another one
    model, inputs = build()
    with warnings.catch_warnings(), contextlib.suppress(Exception, SystemExit):
        warnings.simplefilter("ignore")
        run(model, inputs)
    found = print_of(model, *inputs, own=OWN, identities=False)
    keep = ("streams", "hooks of sys", "sys.path", "handlers", "warnings", "tracing")
    return {place: repr(value) for place, value in found.items() if place not in keep}


def in_child(call: Callable[[], Any]) -> Any:
    """What `call` gives in a fork of this process."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            torch.set_num_threads(1)
            answer = pickle.dumps((True, call()))
        except BaseException:
            answer = pickle.dumps((False, traceback.format_exc()))
        with os.fdopen(write, "wb") as pipe:
            pipe.write(answer)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    assert data, f"the process ended with {os.waitstatus_to_exitcode(status)}"
    fine, answer = pickle.loads(data)
    assert fine, answer
    return answer
