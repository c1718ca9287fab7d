"""An engine without a process: answers by a script, and says what a test lets it say."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from fnmatch import fnmatchcase
from pathlib import Path as FilePath

from msgspec.structs import replace
from textual.message import Message

from inspector.client.ending import Ending
from inspector.postmortem.read import Postmortem
from inspector.records import (
    AddHook,
    AllHooks,
    AnyEvent,
    AnyRequest,
    Attributes,
    Brief,
    CallColumns,
    CallRow,
    CallRows,
    Calls,
    Change,
    Changes,
    CheckHook,
    Choice,
    Choices,
    DisableAll,
    Done,
    EditParameters,
    EstimateMemory,
    Evaluate,
    Evaluated,
    Failed,
    FindFirstBad,
    FirstBadValue,
    GetAllHooks,
    GetAttributes,
    GetCalls,
    GetFrameSource,
    GetHistory,
    GetHooks,
    GetHookSource,
    GetLocals,
    GetParameters,
    GetSource,
    GetStack,
    History,
    HookCheck,
    HookMarks,
    HookRow,
    Hooks,
    HookSpec,
    KindArgument,
    KindInfo,
    Kinds,
    ListKinds,
    ListTargets,
    LoadRecipe,
    Locals,
    MappingValue,
    MemoryEstimate,
    MemoryPeak,
    MemoryRow,
    ModelInfo,
    ModuleRow,
    ModuleRows,
    Observe,
    Open,
    Opened,
    Parameters,
    PassEnded,
    PassSummary,
    Path,
    Problem,
    Recipe,
    RemoveHook,
    ReplaceHook,
    Run,
    Save,
    Saved,
    SetHook,
    SetInput,
    SetStops,
    Source,
    Stack,
    StopRow,
    Stops,
    Undo,
)
from inspector.tui.app.app import InspectorApp
from inspector.tui.messages import EngineGone, EngineSaid
from inspector.tui.options import AppOptions
from inspector.tui.saved_state import SavedState
from inspector.tui.screens.hooks.typed import fill, write_call

ROWS = (
    ModuleRow(0, -1, "", "Net", 100, 0, 400),
    ModuleRow(1, 0, "stem", "Conv2d", 40, 40, 160),
    ModuleRow(2, 0, "body", "Sequential", 60, 0, 240),
    ModuleRow(3, 2, "0", "Linear", 30, 30, 120),
    ModuleRow(4, 2, "1", "Linear", 30, 30, 120),
)
PATHS: tuple[Path, ...] = ((), ("stem",), ("body",), ("body", "0"), ("body", "1"))
EMPTY = MappingValue("dict", (), (), 0)

KINDS = (
    KindInfo("record", "keep a copy of the tensor of every call", "Look", ("output", "input"),
             (KindArgument("run", "str", "run", "its name"),)),
    KindInfo("scale", "multiply by a factor", "Alter values", ("output", "input", "parameters"),
             (KindArgument("factor", "float", None, "what to multiply by", True),), "before"),
    KindInfo("noise", "add gaussian noise", "Alter values", ("output", "parameters"),
             (KindArgument("std", "float", 0.1, "its standard deviation"),
              KindArgument("seed", "int", None, "of the draw"),
              KindArgument("relative", "bool", False, "in units of the tensor's own")), "before"),
    KindInfo("zero", "put zeros in its place", "Alter values", ("output", "input")),
    KindInfo("prune", "set the smallest to zero", "Parameters", ("parameters",),
             (KindArgument("share", "float", None, "how many of them, from 0 to 1", True),), "before"),
    KindInfo("clip", "clip to a norm", "Gradients", ("grad",), (KindArgument("norm", "float", 1.0),)),
    KindInfo("python", "a function of your own", "Python",
             ("input", "output", "grad", "parameters", "state_dict", "load_state_dict"), moment="after"),
)  # fmt: skip
NAMED = {kind.name: kind for kind in KINDS}

Reply = Callable[[AnyRequest], AnyEvent]


def info(**changes: object) -> ModelInfo:
    facts: dict[str, object] = dict(
        target="net", kind="importable", class_name="Net", modules=5, rows=5, parameters=100, trainable=100, buffers=0,
        nbytes=400, training=False, device="cpu", torch="2.15", input="1×3 float32", input_origin="given",
    )  # fmt: skip
    return ModelInfo(**{**facts, **changes})  # type: ignore[arg-type]


class FakeEngine:
    """Has the outside of `EngineClient`. `replies` overrides what it says to a kind of request."""

    def __init__(self) -> None:
        self.alive = True
        self.ours = True
        self.busy = False
        self.doing = 0, ""
        self.stoppable = False
        self.left = Postmortem()  # of the pass that runs
        self.post: Callable[[Message], object] = lambda message: None
        self.asked: list[AnyRequest] = []
        self.replies: dict[type, Reply] = {}
        self.opened = Opened(1, info())
        self.observed = bytearray(b"\x01" * len(ROWS))
        self.passes = 0
        self.restarts = 0
        self.hooks: list[HookRow] = []  # beside the observe hooks
        self.changed: list[Change] = []
        self.added = Recipe()  # what it says is in force
        self.pass_ms = 12.5

    def connected_to(self, post: Callable[[Message], object]) -> FakeEngine:
        """This engine, once it knows where to post what it says."""
        self.post = post
        return self

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

    async def interrupt(self, ending: Ending) -> None:
        self.alive = self.busy = False
        self.post(EngineGone(Problem(f"the engine {ending.how}")))

    async def look(self) -> Postmortem:
        return self.left

    async def close(self) -> None:
        self.alive = False

    async def ask(self, request: AnyRequest) -> AnyEvent:
        self.asked.append(request)
        reply = self.replies.get(type(request), self._reply)(request)
        if isinstance(reply, (Opened, HookMarks, PassEnded, Changes)):
            self.say(reply)
            if isinstance(reply, Opened) and isinstance(request, Open):
                self.say(ModuleRows(1, ROWS[:2], 5), ModuleRows(1, ROWS[2:], 5), self.marks())
        return reply

    def marks(self) -> HookMarks:
        return HookMarks(1, bytes(self.observed))

    def end_pass(self, problem: Problem | None = None) -> PassEnded:
        """A pass in which every module was called once."""
        self.passes += 1
        calls = tuple(CallRow(row.index, 0, 0, n, 1, 0.5, "ok", Brief((1, 8))) for n, row in enumerate(ROWS[::-1]))
        self.say(CallRows(1, self.passes, CallColumns.of(calls), len(calls)))
        return PassEnded(1, PassSummary(self.passes, self.pass_ms, 5, hooks=5, seed=self.passes, problem=problem))

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
                index = PATHS.index(request.path)
                return Hooks(request.path, tuple(self._rows(request.path)), bool(self.observed[index]))
            case GetAllHooks(first=first, count=count):
                rows = [row for path in (None, *PATHS) for row in self._rows(path)]
                return AllHooks(tuple(rows[first : first + count]), len(rows))
            case GetHookSource():
                code = "def hook(module, args, output):\n    return output * 2\n"
                return Source(request.path or (), "forward", "hook", code, file="/tmp/hooks.py", first_line=7)
            case GetStack():
                return Stack()
            case GetLocals(number=number):
                return Locals(number, (), 0, f"nothing in frame {number}")
            case GetFrameSource(number=number):
                code = f"def frame_{number}(self): ...\n"
                return Source(request.path, "frame", f"frame {number}", code, file="/tmp/net.py", focus=1)
            case ListKinds():
                return Kinds(KINDS)
            case GetAttributes():
                return Attributes(request.path, "Net", "(x)", "", EMPTY, EMPTY, EMPTY)
            case FindFirstBad():
                return FirstBadValue(request.generation, False, operations=5)
            case EstimateMemory(batches=batches):
                return MemoryEstimate(1, tuple(MemoryRow(size, "x", (peak_of(size),)) for size in batches), "forward")
            case Evaluate():
                return Evaluated()
            case SetStops(stops=stops):
                return Stops(1, tuple(StopRow(stop) for stop in stops))
            case Save(file=file):
                return Saved(file, "3 hooks and 1 edit")
            case CheckHook(where=where, hook=hook):
                return self._check(where, hook)
            case _:
                return self._change(request)

    def _change(self, request: AnyRequest) -> AnyEvent:
        match request:
            case AddHook(where=where, hook=hook):
                if (problem := self._check(where, hook).problem) is not None:
                    return Failed(problem)
                for path in named_by(where):
                    row = HookRow(len(self.hooks) + 100, "forward", True, written(hook), path=path, alters=True)
                    self.hooks.append(replace(row, spec=hook if isinstance(hook, HookSpec) else HookSpec("scale")))
                self.added = Recipe("a recipe", (*self.added.hooks, f"{where}: {written(hook)}"))
                return self._changes(f"add {written(hook)} to {where}")
            case ReplaceHook(hook=hook):
                self._put(request, name=written(hook))
                return self._changes(f"change {written(hook)}")
            case RemoveHook():
                self.hooks = [row for row in self.hooks if not is_named(row, request)]
                return self._changes("remove a hook")
            case SetHook(on=on):
                self._put(request, enabled=on)
                return self._changes(f"switch a hook {'on' if on else 'off'}")
            case DisableAll():
                self.hooks = [replace(row, enabled=row.enabled and not row.ours) for row in self.hooks]
                return self._changes("disable all hooks")
            case EditParameters(where=where, hook=hook):
                return self._changes(f"edit {where} by {written(hook)}")
            case LoadRecipe(file=file, text=text):
                self.added = Recipe(text or "a recipe", ("body: zero()",))
                return self._changes(f"read {FilePath(file).name}")
            case Undo(redo=redo):
                return self._undo(redo)
            case _:
                return Done()

    def _undo(self, redo: bool) -> Changes:
        numbers = range(len(self.changed)) if redo else reversed(range(len(self.changed)))
        number = next((n for n in numbers if self.changed[n].undone == redo), None)
        if number is not None:
            self.changed[number] = Change(self.changed[number].label, not redo)
        return self.changes()

    def _changes(self, label: str) -> Changes:
        self.changed = [change for change in self.changed if not change.undone] + [Change(label)]
        return self.changes()

    def changes(self) -> Changes:
        altering = sum(row.ours and row.enabled and row.alters for row in self.hooks)
        return Changes(1, tuple(self.changed), altering, sum(not row.enabled for row in self.hooks), added=self.added)

    def _rows(self, path: Path | None) -> Iterator[HookRow]:
        if path is not None and self.observed[PATHS.index(path)]:
            yield HookRow(1, "forward", True, "observe", path=path, fired=self.passes)
        yield from (row for row in self.hooks if row.path == path)

    def _put(self, request: AnyRequest, **changes: object) -> None:
        self.hooks = [replace(row, **changes) if is_named(row, request) else row for row in self.hooks]

    def _check(self, where: str, hook: str | HookSpec) -> HookCheck:
        name, code = (hook.kind, hook.code) if isinstance(hook, HookSpec) else (hook.partition("(")[0], hook)
        if name not in NAMED:
            return HookCheck(problem=Problem(f"no kind of hook is called {name}", hint="did you mean scale?"))
        try:
            ast.parse(code)
        except SyntaxError as error:
            return HookCheck(problem=Problem(error.msg, line=error.lineno or 0))
        paths = named_by(where)
        if not paths:
            return HookCheck(problem=Problem(f"no module is called {where}"))
        return HookCheck(len(paths), tuple(".".join(path) for path in paths[:8]))

    def _rows_of(self, paths: tuple[tuple[str, ...], ...], subtree: bool) -> Iterator[int]:
        for index, path in enumerate(PATHS):
            if any(path == each or (subtree and path[: len(each)] == each) for each in paths):
                yield index


def peak_of(size: int) -> MemoryPeak:
    """Of a step with so many examples."""
    return MemoryPeak("cpu", 1_000 * size, {"activations": 1_000 * size}, "forward", ("body",), size < 10)


def written(hook: str | HookSpec) -> str:
    """The hook as the engine names it."""
    return hook if isinstance(hook, str) else write_call(NAMED[hook.kind], fill(hook))


def named_by(where: str) -> list[Path]:
    """The modules that a place for hooks names."""
    classes = {f"class:{row.class_name}": [] for row in ROWS}  # type: ignore[var-annotated]
    for row, path in zip(ROWS, PATHS, strict=True):
        classes[f"class:{row.class_name}"].append(path)
    words = where.split(",")
    return [
        path
        for path in PATHS
        if any(fnmatchcase(".".join(path), word) or path in classes.get(word, ()) for word in words)
    ]


def is_named(row: HookRow, request: AnyRequest) -> bool:
    """Whether a request is about this hook."""
    assert isinstance(request, (SetHook, RemoveHook, ReplaceHook))
    return (row.path, row.kind, row.id) == (request.path, request.kind, request.id)


def failed(what: str, **more: object) -> Reply:
    """A reply that says what was wrong."""
    return lambda request: Failed(Problem(what, **more))  # type: ignore[arg-type]


@asynccontextmanager
async def running(
    folder: FilePath,
    engine: FakeEngine | None = None,
    size: tuple[int, int] = (120, 36),
    notifications: bool = False,
    **options: object,
):
    """The app with a model opened and a pass done; gives the app, its pilot and the engine."""
    engine = engine or FakeEngine()
    options = {"target": {"target": "net"}, **options}
    app = InspectorApp(AppOptions(**options), engine.connected_to, SavedState(folder))  # type: ignore[arg-type]
    async with app.run_test(size=size, notifications=notifications) as pilot:
        await pilot.pause()
        await app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.pause()
        yield app, pilot, engine
