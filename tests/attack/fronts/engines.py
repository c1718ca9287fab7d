"""An engine that lies to the app and to the command line, and an app that lies to an engine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from random import Random
from typing import Any, get_args

import msgspec

from inspector.channel import decode_told, receive
from inspector.records import (
    AddHook,
    AnyEvent,
    AnyRequest,
    Asked,
    Cancel,
    Failed,
    GetCalls,
    GetTrace,
    Open,
    PassEnded,
    Run,
    Shutdown,
    Target,
    Told,
)

from .. import models
from ..case import Broken, Case, Front
from ..command import run_command
from ..drawn_records import change, draw_record
from ..liar import start_liar
from ..warm_engine import engines_from, start_forked

_TINY = f"{models.__file__}:tiny"
_REQUESTS: tuple[type[Any], ...] = tuple(kind for kind in get_args(AnyRequest) if kind is not Shutdown)
_KEYS = (
    *"jklhrbt12345678nGgvcHLBuaxdi", "space", "escape", "enter", "right_square_bracket", "plus", "full_stop", "t",
    "left_parenthesis", "right_parenthesis", "backspace",
)  # fmt: skip
_PATIENCE = 20.0


def attack(case: Case) -> None:
    for deed in case.random.choices((_lie_to_app, _lie_to_command, _lie_to_engine), (3, 2, 3), k=3):
        deed(case)


def _lie_to_command(case: Case) -> None:
    random = case.random
    verb = random.choice(([_TINY], [_TINY, "--backward"], ["sweep", _TINY, "--over", "*", "--metric", "norm"]))
    more = ["--hook", "zero()"] if verb[0] == "sweep" else []
    form = random.choice(("json", "table") if more else ("json", "tree", "calls"))
    run_command(case, [*verb, *more, "--print", form], start_liar(random, random.choice((0.02, 0.1, 0.5))))


def _lie_to_app(case: Case) -> None:
    share = case.random.choice((0.01, 0.05, 0.3))
    keys = case.random.choices(_KEYS, k=40)
    if case.note(f"an engine that lies {share}, keys {keys}"):
        start = start_liar(case.random, share)
        with engines_from(start):
            asyncio.run(asyncio.wait_for(_show(case, start, keys), 60))


async def _show(case: Case, start: Any, keys: list[str]) -> None:
    """The app on such an engine, which has to be able to start another one that does not lie."""
    from inspector.tui.app.app import InspectorApp
    from inspector.tui.engine_client import make_client
    from inspector.tui.options import AppOptions
    from inspector.tui.saved_state import SavedState

    connection = start()
    options = AppOptions(target={"target": "net"})
    app = InspectorApp(options, lambda post: make_client(connection, post), SavedState(Path("state")))
    size = case.draw_size()
    async with app.run_test(size=(max(size[0], 20), max(size[1], 6))) as pilot:
        for key in keys:
            await pilot.press(key)
            await asyncio.sleep(0.01)
            if not app.is_running:
                break
        if app.return_value is None and app.is_running:
            await _restart(app, pilot, case.random)
        await app.engine.close()


async def _restart(app: Any, pilot: Any, random: Random) -> None:
    await pilot.resize_terminal(120, 36)
    with engines_from(start_liar(random, 0.0)):
        for _ in range(8):
            while len(app.screen_stack) > 1:
                app.screen.dismiss()
                await pilot.pause()
            await pilot.press("escape", "ctrl+k")
            await asyncio.sleep(0.3)
            if app.engine.alive and "5 modules" in _rows(app):
                return
    raise Broken(f"the engine cannot be started again: {_rows(app).splitlines()[0].strip()}")


def _rows(app: Any) -> str:
    return "\n".join("".join(segment.text for segment in line) for line in app.screen._compositor.render_strips())


def _lie_to_engine(case: Case) -> None:
    random = case.random
    connection = start_forked()
    process = connection.process
    assert process is not None
    connection.sock.settimeout(_PATIENCE)
    try:
        with contextlib.suppress(_RefusedError):
            _Conversation(case, connection.sock).hold(random)
        process.wait(_PATIENCE)
        if process.returncode != 0:
            raise Broken(f"the engine ended with {process.returncode}")
    finally:
        for _, pipe in connection.pipes:
            os.set_blocking(pipe, False)
            with contextlib.suppress(BlockingIOError):
                print(os.read(pipe, 5000).decode("utf-8", "replace"))
        with contextlib.suppress(Exception):
            print("exit code", process.wait(1))
        process.end()


class _RefusedError(Exception):
    """The engine ended the conversation and said why, as it does with whoever does not keep to the protocol."""


class _Conversation:
    """With a real engine, by a client that asks anything."""

    def __init__(self, case: Case, sock: socket.socket) -> None:
        self._case = case
        self._sock = sock
        self._asked = 0

    def hold(self, random: Random) -> None:
        honest = (Run(1), GetTrace(1, 0, 9), GetCalls(1, ("0",)), AddHook(1, "0", "scale(2)"), Open(Target(_TINY)))
        self._ask(Open(Target(_TINY)))
        for _ in range(40):
            odd = (
                draw_record(random, random.choice(_REQUESTS))
                if random.random() < 0.6
                else change(random, random.choice(honest))
            )
            self._ask(random.choice((odd, odd, odd, random.choice(honest))))
        self._ask(Shutdown())

    def _ask(self, request: Any) -> None:
        request = _keep_short(request)
        if isinstance(request, Shutdown) or self._case.note(repr(request)[:600]):
            self._asked += 1
            body = msgspec.msgpack.encode(Asked(self._asked, request))
            self._sock.sendall(len(body).to_bytes(4, "big") + body)
            self._check(request, self._hear())

    def _hear(self) -> AnyEvent:
        said = "without a word"
        while True:
            try:
                body = receive(self._sock)
            except TimeoutError:
                raise Broken(f"no reply in {_PATIENCE:.0f} s") from None
            except ConnectionError:
                body = None
            if body is None and "cannot be read" in said:
                raise _RefusedError
            if body is None:
                raise Broken(f"the engine ended: {said}")
            told: Told = decode_told(body)
            said = told.body.problem.what if isinstance(told.body, Failed) else said
            if told.id == self._asked:
                return told.body

    def _check(self, request: Any, reply: AnyEvent) -> None:
        problems = [reply.problem] if isinstance(reply, Failed) else []
        if isinstance(reply, PassEnded) and reply.summary.problem is not None:
            problems.append(reply.summary.problem)
        for problem in problems:
            if "the inspector itself failed" in problem.what:
                print("\n".join(line.text for line in problem.traceback))
                raise Broken(f"{type(request).__name__}: {problem.what}")


def _keep_short(request: Any) -> Any:
    """Nobody waits for as many passes as there are numbers. One that leaves comes last."""
    if isinstance(request, Shutdown):
        return request
    if isinstance(request, Run):
        return msgspec.structs.replace(request, batches=min(request.batches, 3), generate=min(request.generate, 3))
    if isinstance(request, Open):
        few = min(request.target.batches, 3), min(request.target.generate, 3)
        return Open(msgspec.structs.replace(request.target, batches=few[0], generate=few[1]))
    return request if not isinstance(request, Cancel) else Cancel()


FRONT = Front(attack, seconds=150)
