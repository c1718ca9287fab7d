"""An engine without a process: answers by a script, and says what a test lets it say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.message import Message

from inspector.records import (
    AnyEvent,
    AnyRequest,
    Attributes,
    CallRow,
    CallRows,
    Calls,
    Choice,
    Choices,
    Done,
    Failed,
    GetAttributes,
    GetCalls,
    GetHistory,
    GetHooks,
    GetParameters,
    GetSource,
    History,
    HookMarks,
    Hooks,
    ListTargets,
    MappingValue,
    ModelInfo,
    ModuleRow,
    ModuleRows,
    Observe,
    Open,
    Opened,
    Parameters,
    PassEnded,
    PassSummary,
    Problem,
    Run,
    SetInput,
    Source,
)
from inspector.tui.app import InspectorApp
from inspector.tui.memory import Memory
from inspector.tui.messages import EngineSaid
from inspector.tui.options import AppOptions

ROWS = (
    ModuleRow(0, -1, "", "Net", 100, 0, 400),
    ModuleRow(1, 0, "stem", "Conv2d", 40, 40, 160),
    ModuleRow(2, 0, "body", "Sequential", 60, 0, 240),
    ModuleRow(3, 2, "0", "Linear", 30, 30, 120),
    ModuleRow(4, 2, "1", "Linear", 30, 30, 120),
)
EMPTY = MappingValue("dict", (), (), 0)

Reply = Callable[[AnyRequest], AnyEvent]


def info(**changes: object) -> ModelInfo:
    facts: dict[str, object] = dict(
        target="net", kind="importable", class_name="Net", modules=5, rows=5, parameters=100, trainable=100, buffers=0,
        nbytes=400, training=False, device="cpu", torch="2.15", input="1×3 float32", input_origin="given",
    )  # fmt: skip
    return ModelInfo(**{**facts, **changes})  # type: ignore[arg-type]


class FakeEngine:
    """Has the outside of `engine.Engine`. `replies` overrides what it says to a kind of request."""

    def __init__(self) -> None:
        self.alive = True
        self.ours = True
        self.post: Callable[[Message], object] = lambda message: None
        self.asked: list[AnyRequest] = []
        self.replies: dict[type, Reply] = {}
        self.opened = Opened(1, info())
        self.observed = bytearray(b"\x01" * len(ROWS))
        self.passes = 0
        self.restarts = 0

    def say(self, *events: AnyEvent) -> None:
        for event in events:
            self.post(EngineSaid(event))

    def requests(self, kind: type) -> list[AnyRequest]:
        return [request for request in self.asked if isinstance(request, kind)]

    async def connect(self) -> None:
        self.alive = True

    async def restart(self) -> None:
        self.restarts += 1
        self.alive = True

    async def close(self) -> None:
        self.alive = False

    async def ask(self, request: AnyRequest) -> AnyEvent:
        self.asked.append(request)
        reply = self.replies.get(type(request), self._reply)(request)
        if isinstance(reply, (Opened, HookMarks, PassEnded)):
            self.say(reply)
            if isinstance(reply, Opened) and isinstance(request, Open):
                self.say(ModuleRows(1, ROWS[:2], 5), ModuleRows(1, ROWS[2:], 5), self.marks())
        return reply

    def marks(self) -> HookMarks:
        return HookMarks(1, bytes(self.observed))

    def end_pass(self, problem: Problem | None = None) -> PassEnded:
        """A pass in which every module was called once."""
        self.passes += 1
        calls = tuple(CallRow(row.index, 0, 0, n, 1, 0.5, "ok", "1×8") for n, row in enumerate(ROWS[::-1]))
        self.say(CallRows(1, self.passes, calls, len(calls)))
        return PassEnded(1, PassSummary(self.passes, 12.5, 5, hooks=5, seed=self.passes, problem=problem))

    def _reply(self, request: AnyRequest) -> AnyEvent:
        match request:
            case Open() | SetInput():
                return self.opened
            case Run():
                return self.end_pass()
            case Observe(paths=paths, on=on):
                for index in self._rows_of(paths, request.subtree):
                    self.observed[index] = on
                return self.marks()
            case ListTargets():
                return Choices("Targets", (Choice("resnet18", "torchvision"), Choice("vit_b_16", "torchvision")))
            case GetSource():
                return Source(request.path, request.part, "Net.forward", "def forward(self): ...", file="/tmp/net.py")
            case GetCalls():
                return Calls(1, self.passes, (), 0)
            case GetParameters():
                return Parameters(request.path, (), 0)
            case GetHistory():
                return History(request.path, 0, ())
            case GetHooks():
                return Hooks(request.path, (), True)
            case GetAttributes():
                return Attributes(request.path, "Net", "(x)", "", EMPTY, EMPTY, EMPTY)
            case _:
                return Done()

    def _rows_of(self, paths: tuple[tuple[str, ...], ...], subtree: bool) -> Iterator[int]:
        full = {0: (), 1: ("stem",), 2: ("body",), 3: ("body", "0"), 4: ("body", "1")}
        for index, path in full.items():
            if any(path == each or (subtree and path[: len(each)] == each) for each in paths):
                yield index


def failed(what: str, **more: object) -> Reply:
    """A reply that says what was wrong."""
    return lambda request: Failed(Problem(what, **more))  # type: ignore[arg-type]


@asynccontextmanager
async def running(folder: Path, engine: FakeEngine | None = None, size: tuple[int, int] = (120, 36), **options: object):
    """The app with a model opened and a pass done; gives the app, its pilot and the engine."""
    engine = engine or FakeEngine()
    options = {"target": {"target": "net"}, **options}
    app = InspectorApp(AppOptions(**options), Memory(folder))  # type: ignore[arg-type]
    app.use_engine(engine)  # type: ignore[arg-type]
    engine.post = app.post_message
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.pause()
        yield app, pilot, engine
