"""The app: puts its parts together, and hands keys and messages to the part that they are for."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import msgspec
from textual import on
from textual.actions import parse
from textual.app import App
from textual.binding import BindingType
from textual.filter import LineFilter
from textual.message import Message
from textual.screen import Screen
from textual.scrollbar import ScrollBar
from textual.theme import Theme

from ...client.engine_client import EngineClient
from ...client.pass_plan import Plan
from ...errors import BUG
from ...gradients import LIMITS, Limits
from ...records import AnyEvent, AnyRequest, Target
from ...target_kinds import TOUR
from ..after import after
from ..ascii_lines import AsciiLines
from ..bars.scroll_bar import AnyScrollBar
from ..drawing.colours import prepare
from ..drawing.contrast import make_readable
from ..keys import bindings, find_command, key_of
from ..messages import EngineGone, EngineOutput, EngineSaid, HookAsked, KeyEnd, TerminalTrouble
from ..options import AppOptions
from ..panels.gradients import GradientsPanel
from ..panels.line_panel import LinePanel
from ..panels.log import LogPanel
from ..panels.outputs import OutputsPanel
from ..panels.stack import StackPane
from ..saved_state import SavedState
from ..screens.layer import SOON
from ..terminal.driver import CrashConsole, HarmlessLines
from ..tree.heat import BOUNDS, Bounds
from .actions.calls import CallActions
from .actions.changer import Changer
from .actions.changes import ChangeActions
from .actions.costs import CostActions
from .actions.first_bad import FirstBadActions
from .actions.first_start import FirstStart
from .actions.frames import FrameActions
from .actions.general import GeneralActions
from .actions.hook_forms import HookForms
from .actions.hook_rows import HookRowActions
from .actions.hooks import HookActions
from .actions.memory import MemoryActions
from .actions.passes import PassActions
from .actions.stopping import Stopping
from .actions.stops import StopActions
from .actions.targets import TargetActions
from .actions.weights import WeightActions
from .bookmarks import Bookmarks
from .controller import Controller
from .host import Host
from .last_hooks import LastHooks
from .notices import Notices
from .outside import Outside
from .presenter import Presenter
from .questions import Questions
from .state import NO_MODEL, QUICK, AppState
from .waits import Waits
from .watching import Watching
from .workbench import Workbench

ScrollBar.renderer = AnyScrollBar
_HARMLESS = HarmlessLines()
_SOON = 0.005  # seconds

_COLLECTING = 5_000, 200, 20
"""Objects, and rounds, after which the garbage collector looks at the young ones, at those that stayed, and at all: of
100,000 modules there are a million, and keys wait meanwhile."""
_GIL = 0.0005
"""Seconds after which a thread that computes gives way. The event loop asks for that several times between a key and
its frame."""

_WAIT = frozenset({"costs", "targets", "memory", "first_bad", "passes", "weights", "hooks", "changes"})
"""Owners of what an engine whose pass stands still cannot do yet."""

Connect = Callable[[Callable[[Message], object]], EngineClient]
"""Makes the engine's client, given where it posts its messages."""


class InspectorApp(App[None], inherit_bindings=False):
    """One model under inspection.

    Args:
        options: What it was started with.
        connect: Makes the client of the engine to talk to.
        saved: Where state is kept between sessions.
        driver: How to talk to the terminal; Textual's choice unless given.
    """

    CSS_PATH = "inspector.tcss"
    TITLE = "inspector"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app")]
    ENABLE_COMMAND_PALETTE = False  # ours is `palette`

    def __init__(
        self, options: AppOptions, connect: Connect, saved: SavedState | None = None, driver: Any = None
    ) -> None:
        super().__init__(driver_class=driver)
        self.error_console = self._crash = CrashConsole()
        self.options = options
        self._typed = False  # a key came from the terminal
        self._last_filters = (_HARMLESS, AsciiLines()) if options.ascii else (_HARMLESS,)
        self.set_class(options.ascii, "-ascii")
        for name, colours in options.themes.items():
            self.register_theme(Theme(name, **colours))
        self.engine = connect(self.post_message)
        self.state = AppState(
            first_plan=Plan(generate=options.generate),
            readonly=options.readonly,
            expects_held=options.held,
            quick=options.thresholds.get("quick", QUICK),
        )
        self.workbench = Workbench(self.ask, options.ascii, Bounds(*_pick(options, BOUNDS._asdict(), "delta_")))
        self.workbench.title_bar.readonly = options.readonly
        self.workbench.panels.find(GradientsPanel).limits = Limits(*_pick(options, LIMITS._asdict()))
        self._compose_parts(saved or SavedState())
        if options.target is not None:
            self.presenter.stage(f"loading {options.target.get('target', '')} …")

    def _compose_parts(self, saved: SavedState) -> None:
        """Each part is given what it needs, and those below it: none knows the app."""
        engine, state, bench, ascii = self.engine, self.state, self.workbench, self.options.ascii
        self.host = host = Host(self, Notices(self, bench.panels.find(LogPanel).write_notice))
        self.presenter = presenter = Presenter(bench, state, host)
        last_hooks = LastHooks(engine, state, presenter, host)
        self.bookmarks = bookmarks = Bookmarks(saved, bench, state, presenter, last_hooks, host, self.options)
        questions, outside, changer = Questions(host), Outside(host), Changer(engine, state, host)
        self.watching = watching = Watching(state, presenter, host, self.options.watch)
        stopping = Stopping(engine, state, bench, presenter, host)
        self.controller = controller = Controller(
            engine, state, presenter, questions, bookmarks, last_hooks, stopping, watching, host
        )
        passes, opening, observing = controller.passes, controller.opening, controller.observing
        self.waits = Waits(engine, state, presenter, host)
        forms = HookForms(state, bench, changer, outside, host)
        self.targets = TargetActions(
            engine, state, opening, presenter, bookmarks, last_hooks, questions, host, self.options.targets
        )
        self.first_start = FirstStart(self.targets, host)
        self.hook_rows = HookRowActions(engine, state, observing, changer, forms, outside, questions, host, ascii)
        self.calls = CallActions(state, bench, host)
        self.frames = FrameActions(engine, state, bench, self.calls, passes, host)
        self.owners: dict[str, object] = {
            "general": GeneralActions(engine, state, bench, passes, presenter, outside, last_hooks, host, ascii),
            "calls": self.calls,
            "frames": self.frames,
            "costs": CostActions(engine, state, bench, presenter, host),
            "targets": self.targets,
            "workbench": bench,
            "panels": bench.panels,
            "memory": MemoryActions(engine, state, passes, presenter, host, ascii),
            "first_bad": FirstBadActions(engine, state, bench, passes, presenter, host, ascii),
            "passes": PassActions(engine, state, passes, presenter, questions, host),
            "weights": WeightActions(engine, state, changer, questions, host, ascii),
            "hooks": HookActions(engine, state, bench, observing, changer, forms, host, ascii),
            "stops": StopActions(engine, state, bench, stopping, changer, presenter, host, ascii),
            "changes": ChangeActions(engine, state, changer, last_hooks, host),
        }
        """By the name that stands before the dot of an action in `keys.COMMANDS`."""

    @property
    def crashed(self) -> bool:
        """A bug ended it, and its traceback is written."""
        return self._crash.used

    @property
    def exit_code(self) -> int:
        """How it ended; where a bug ended it, that alone counts."""
        return BUG if self.crashed else self.return_code or 0

    async def ask(self, request: AnyRequest) -> AnyEvent:
        """The engine's reply."""
        return await self.engine.ask(request)

    def notify(self, message: str, **_: Any) -> None:
        """Whoever has a notice, a box or Textual itself: they are shown from one place."""
        self.host.tell(message)

    def get_default_screen(self) -> Screen[None]:
        return self.workbench

    def get_css_variables(self) -> dict[str, str]:
        """The theme's colours, as far as they can be read."""
        self.theme_variables = make_readable(super().get_css_variables())
        return self.theme_variables

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), *self._last_filters]

    def on_mount(self) -> None:
        if self.options.theme:
            self._set_theme(self.options.theme)
        self.presenter.start_clock()
        self.waits.start()
        self.watching.start()
        self.call_after_refresh(self._begin)

    def _set_theme(self, name: str) -> None:
        if name in self.available_themes:
            self.theme = name
        else:
            self.host.tell(f"there is no theme {name}; there are {', '.join(sorted(self.available_themes))}")

    async def _begin(self) -> None:
        """The first frame is on the screen; now for the engine."""
        gc.collect()
        gc.freeze()  # a full collection over everything imported would stall keys for a frame or two
        gc.set_threshold(*_COLLECTING)
        sys.setswitchinterval(_GIL)
        await self.engine.connect()
        if self.options.target is None and self.options.engine_fd is None:
            self.presenter.show_model()  # none
        self.host.spawn(asyncio.to_thread(prepare))  # while the engine imports torch
        first = self.options.tour and not self._typed and self.bookmarks.saved.begin()
        if self.options.target is not None:
            target = msgspec.convert(dict(self.options.target), Target)
            self.controller.opening.start(target)
            if target.target == TOUR:
                self.host.perform("tour")
            elif first:
                self.first_start.show_tour(has_target=True)
        elif first:
            self.first_start.show_tour(has_target=False)
        elif self.options.engine_fd is None:
            self.presenter.stage(NO_MODEL)
            self.targets.open()

    def exit(self, result: None = None, return_code: int = 0, message: Any = None) -> None:
        """Leave, and keep where the person was. Not before all screens are there: in an app that ends, Textual mounts
        them without what is in them, and they look for it."""
        if not all(screen.is_mounted for screen in self.screen_stack):
            after(SOON, self, partial(self.exit, result, return_code, message))
            return
        self.bookmarks.keep()
        super().exit(result, return_code, message)

    def copy_to_clipboard(self, text: str) -> None:
        """Terminals take an empty text as a wish to empty the clipboard, and a text field has it cut for nothing."""
        if text:
            super().copy_to_clipboard(text)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys of a pass that stands still are others' at other times, but the one that says what it is for."""
        if action == "perform" and find_command(str(parameters[0])).context == "stopped":
            stands = self.state.paused is not None or self.state.expects_held
            return stands or parameters[0] == "python-here"
        return super().check_action(action, parameters)

    async def action_perform(self, id: str) -> None:
        """Do a command by its id, whoever owns it."""
        command = find_command(id)
        owner, name, arguments = parse(command.action)
        if owner in _WAIT and id != "restart" and self.state.pass_stands:
            self.host.tell(f"the pass stands still: {key_of('go-on')} goes on, {key_of('interrupt')} ends it")
        elif owner:
            getattr(self.owners[owner], name)(*arguments)
        else:
            await self.run_action(command.action, self.workbench.widget_of(command.context))

    @on(EngineSaid)
    def _hear(self, message: EngineSaid) -> None:
        self.controller.hear(message.event)

    @on(EngineOutput)
    def _write_output(self, message: EngineOutput) -> None:
        self.presenter.log_panel.write(message.stream, message.text)

    @on(EngineGone)
    def _lose_engine(self, message: EngineGone) -> None:
        if self.host.is_lent:  # the program came to its end
            self.host.leave(0)
        else:
            self.controller.lose_engine(message.problem)

    @on(LinePanel.Again)
    def _ask_again(self) -> None:
        self.workbench.panels.refill()

    @on(KeyEnd)
    def _follow_key(self, message: KeyEnd) -> None:
        self._typed = True
        target = self.focused or self.screen
        if not message.laps or not target.post_message(KeyEnd(message.done, message.laps - 1)):
            self._end_key(message.done)

    def _end_key(self, done: Callable[[], None]) -> None:
        """Once what the key opens is there: what it gives the focus to has it before what is called later."""
        expects = self.state.expects_held and self.engine.alive
        if (self.host.is_between_screens and not self.engine.busy) or expects:
            after(_SOON, self, partial(self._end_key, done))
        else:
            self.call_later(done)

    @on(TerminalTrouble)
    def _tell_trouble(self, message: TerminalTrouble) -> None:
        self.presenter.log("warning", message.text)
        self.host.tell(message.text, in_log=True)

    @on(HookAsked)
    def _do_to_hook(self, message: HookAsked) -> None:
        self.hook_rows.carry_out(message)

    @on(StackPane.Chosen)
    def _go_to_frame(self, event: StackPane.Chosen) -> None:
        self.frames.go_to(event.row)

    @on(StackPane.Entered)
    def _go_to_call_of_frame(self, event: StackPane.Entered) -> None:
        self.frames.enter(event.row)

    @on(OutputsPanel.Chosen)
    def _look_at_call(self, event: OutputsPanel.Chosen) -> None:
        self.calls.choose(event.index, event.number)

    @on(GradientsPanel.Chosen)
    def _go_to_module(self, event: GradientsPanel.Chosen) -> None:
        self.workbench.go_to(event.index)


def _pick(options: AppOptions, usual: Mapping[str, float], before: str = "") -> list[float]:
    """The thresholds of these names, as they are configured."""
    return [options.thresholds.get(before + name, value) for name, value in usual.items()]
