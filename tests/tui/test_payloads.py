"""Every place of the app that shows outside text, with every payload: no character reaches a segment that does
something, and nothing in it is taken for markup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path as FilePath

import pytest
from msgspec.structs import replace
from rich.segment import Segment
from textual.color import Color
from textual.screen import Screen

from inspector.records import (
    AddHook,
    AnyEvent,
    AnyRequest,
    Choice,
    Choices,
    Failed,
    GetAttributes,
    GetCalls,
    GetFrameSource,
    GetHistory,
    GetHooks,
    GetHookSource,
    GetLines,
    GetLocals,
    GetParameters,
    GetSource,
    InputField,
    KeyRow,
    ListTargets,
    Note,
    Opened,
    Path,
    Problem,
    Run,
    StateDictReport,
    TryStateDict,
)
from inspector.tui.app.app import InspectorApp
from inspector.tui.app.questions import Questions
from inspector.tui.messages import EngineGone, EngineOutput
from inspector.tui.options import AppOptions
from inspector.tui.saved_state import SavedState
from inspector.tui.terminal.driver import HarmlessLines

from ..payloads import PAYLOADS, hidden, poisoned
from . import panel_records
from .fake_engine import PATHS, ROWS, FakeEngine

QUICK = ("an action", "C1")
NAMES = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in PAYLOADS]
caught: list[str] = []
"""What only the last filter of all made harmless, which it may of text that is typed and of nothing else."""


@pytest.fixture(autouse=True)
def _told_of_late_rescues(monkeypatch: pytest.MonkeyPatch) -> None:
    caught.clear()
    apply = HarmlessLines.apply

    def told(self: HarmlessLines, segments: list[Segment], background: Color) -> list[Segment]:
        caught.extend(segment.text for segment in segments if hidden(segment.text))
        return apply(self, segments, background)

    monkeypatch.setattr(HarmlessLines, "apply", told)


class Poisoned(FakeEngine):
    """Says what another engine would say, with a payload in every text of it."""

    def __init__(self, payload: str) -> None:
        super().__init__()
        self.payload = payload
        self.opened = self.poison(self.opened)
        own = {
            GetSource: lambda request: panel_records.a_source(path=request.path),
            GetHookSource: lambda request: panel_records.a_source(path=request.path or ()),
            GetCalls: lambda request: panel_records.the_outputs(path=request.path),
            GetParameters: lambda request: panel_records.the_parameters(),
            GetHooks: lambda request: panel_records.the_hooks(),
            GetAttributes: lambda request: panel_records.the_attributes(),
            GetHistory: lambda request: panel_records.the_history(),
            GetLines: lambda request: panel_records.the_lines(path=request.path),
            GetLocals: lambda request: panel_records.the_locals(),
            GetFrameSource: lambda request: panel_records.a_source(path=request.path, part="frame"),
        }
        self._own: dict[type, Callable[[AnyRequest], AnyEvent]] = own

    def poison(self, event: AnyEvent) -> AnyEvent:
        poisoned_: AnyEvent = poisoned(event, self.payload, numbered=True)
        return poisoned_

    def say(self, *events: AnyEvent) -> None:
        super().say(*(event if event is self.opened else self.poison(event) for event in events))

    async def ask(self, request: AnyRequest) -> AnyEvent:
        path = getattr(request, "path", None)
        clean: Path | None = None if path is None else tuple(key.removeprefix(self.payload) for key in path)
        if type(request) in self._own:
            asked = request if path is None else replace(request, path=clean)
            found = self.poison(self._own[type(request)](asked))
            return replace(found, path=path) if hasattr(found, "path") and path is not None else found
        if path is not None and clean in PATHS:
            request = replace(request, path=clean)
        reply = await super().ask(request)
        return reply if reply is self.opened else self.poison(reply)


def segments(screen: Screen[object]) -> Iterator[str]:
    """Every piece of text on the screen, as it goes to the terminal."""
    for strip in screen._compositor.render_strips(screen.size):
        yield from (segment.text for segment in strip)


def check(app: InspectorApp, where: str, wanted: str = "", typed: bool = False) -> None:
    texts = list(segments(app.screen))
    found = [text for text in texts if hidden(text)]
    assert not found, f"{where}: {found[:3]!r}"
    assert typed or not caught, f"{where}, rescued at last: {caught[:3]!r}"
    caught.clear()
    assert all("@click" not in str(segment.style) for strip in _strips(app) for segment in strip), where
    if wanted:
        assert wanted in "".join(texts), f"{where}: {wanted!r} is not there"


def _strips(app: InspectorApp) -> list[object]:
    return list(app.screen._compositor.render_strips(app.screen.size))


async def settle(pilot: object, app: InspectorApp) -> None:
    await app.workers.wait_for_complete()
    for _ in range(3):
        await pilot.pause()  # type: ignore[attr-defined]


def app_with(engine: FakeEngine, folder: FilePath, **options: object) -> InspectorApp:
    options = {"target": {"target": engine.payload}, **options}  # type: ignore[attr-defined]
    return InspectorApp(AppOptions(**options), engine.connected_to, SavedState(folder))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
async def test_tree_and_panels(name: str, tmp_path: FilePath) -> None:
    payload = PAYLOADS[name]
    engine = Poisoned(payload)
    app = app_with(engine, tmp_path)
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot, app)
        assert len(app.state.model.rows) == len(ROWS)
        check(app, "tree", "[/]" if payload == "[/]" else "")
        for panel in "12345678":
            for keys in (("j",), ("t", panel)):
                await pilot.press(*keys)
            await settle(pilot, app)
            check(app, f"panel {panel}")
        await pilot.press("t", "f")
        await pilot.press(*"linear")
        app.workbench.prompt.query_one("Input").value = payload.replace("\n", " ")[:200]  # type: ignore[attr-defined]
        await settle(pilot, app)
        check(app, "filter", typed=True)
        await pilot.press("escape")
        await settle(pilot, app)
        caught.clear()
        await pilot.press("e", "y")
        await settle(pilot, app)
        check(app, "copying")


@pytest.mark.parametrize("name", NAMES)
async def test_what_is_said(name: str, tmp_path: FilePath) -> None:
    payload = PAYLOADS[name]
    engine = Poisoned(payload)
    app = app_with(engine, tmp_path)
    problem = poisoned(replace(panel_records.a_problem(), why="why"), payload)
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot, app)
        await pilot.press("8")
        for event in (Note("warning", "n"), Note("error", "n")):
            engine.say(event)
        app.post_message(EngineOutput("stdout", payload + "\n" + payload))
        app.post_message(EngineOutput("stderr", payload))
        engine.replies[Run] = lambda request: Failed(problem)
        await pilot.press("r")
        await settle(pilot, app)
        check(app, "a failed request")
        engine.replies[Run] = lambda request: engine.end_pass(problem)
        await pilot.press("r")
        await settle(pilot, app)
        check(app, "a failed pass")
        app.host.tell(payload)
        app.post_message(EngineGone(problem))
        await settle(pilot, app)
        check(app, "the end of the engine")


@pytest.mark.parametrize("name", NAMES)
async def test_a_stack(name: str, tmp_path: FilePath) -> None:
    engine = Poisoned(PAYLOADS[name])
    engine.opened = replace(engine.opened, stack=engine.poison(panel_records.a_stack(("stem",))))
    app = app_with(engine, tmp_path)
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot, app)
        assert app.workbench.stack.locals is not None
        for keys in (("down",), ("x",), ("tab", "J")):
            await pilot.press(*keys)
            await settle(pilot, app)
            check(app, "stack")


SCREENS: dict[str, tuple[str, ...]] = {
    "help": ("question_mark",),
    "palette": ("colon",),
    "going to a module": ("ctrl+g",),
    "marks": ("M", "a", "apostrophe"),
    "all hooks": ("H",),
    "add a hook": ("a",),
    "targets": ("o",),
    "seed": ("s",),
    "batches": ("m",),
    "costs": ("dollar_sign",),
    "budget": ("colon", *"budget", "enter"),
    "memory": ("colon", *"estimate", "enter", "enter"),
    "first bad": ("Z", "enter"),
    "stops": ("exclamation_mark", "asterisk"),
    "when to stop": ("asterisk", "a"),
    "hook source": ("4", "tab", "enter"),
    "a state dict": ("D", "enter"),
    "recipe": ("R",),
    "write": ("w",),
    "edit parameters": ("E",),
    "tour": ("f2",),
}


@pytest.mark.parametrize("name", NAMES)
async def test_screens(name: str, tmp_path: FilePath) -> None:
    payload = PAYLOADS[name]
    for screen, keys in SCREENS.items():
        engine = Poisoned(payload)
        rows = (KeyRow("a", "missing", "1×2", "", "b"), KeyRow("b", "unexpected", "", "1×2", "a"))
        engine.replies[TryStateDict] = lambda request, rows=rows: StateDictReport("f", rows, 2, {"missing": 1}, ("n",))
        engine.replies[AddHook] = lambda request: Failed(Problem("w", "w", "h"))
        engine.replies[ListTargets] = lambda request: Choices("t", (Choice("n", "torchvision", "d"), Choice("o", "k")))
        app = app_with(engine, tmp_path)
        async with app.run_test(size=(140, 40)) as pilot:
            await settle(pilot, app)
            for key in keys:
                await pilot.press(key)
                await settle(pilot, app)
            check(app, screen)


@pytest.mark.parametrize("name", NAMES)
async def test_asking_for_an_input_and_choosing(name: str, tmp_path: FilePath) -> None:
    payload = PAYLOADS[name]
    fields = (InputField("x", "positional", True, "Tensor", "", "1x4"), InputField("y", "keyword", False, "int", "3"))
    engine = Poisoned(payload)
    form = Opened(1, engine.opened.info, poisoned(fields, payload), poisoned(panel_records.a_problem(), payload))
    engine.opened = form
    app = app_with(engine, tmp_path)
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot, app)
        check(app, "form", typed=True)
        await pilot.press("escape")
        await settle(pilot, app)
        caught.clear()
        choices = Choices("t", (Choice("n", "module", "d"), Choice("m", "factory", "d")))
        Questions(app.host).choose(poisoned(choices, payload), str, str)
        await settle(pilot, app)
        check(app, "picker")


def test_the_engines_requests_cover_the_panels() -> None:
    """A panel that asks for something new is to be poisoned as well."""
    from typing import get_args

    from inspector.records import AnyRequest as Requests

    looks = {kind.__name__ for kind in get_args(Requests) if kind.__name__.startswith("Get")}
    known = {kind.__name__ for kind in Poisoned("")._own}
    assert looks - known == {"GetAllHooks", "GetGradients", "GetLocations", "GetOutcomes", "GetStack", "GetTrace"}
