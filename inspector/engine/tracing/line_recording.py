"""What each line of a module's forward made, call by call, while a pass runs.

A line's values are there when the next line of its frame begins, and are described then: what comes later may change
them in place. Recording raises nothing into the model's call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import CodeType, FrameType, FunctionType

import torch
from torch import nn

from ...raised import say
from ...records import LineValue, NoneValue, Value
from ...text import encodable
from ...value_text import first_tensor
from ..recording.call import Call, Place
from ..stepping.tracer import LineTracer
from ..values.summarize import Summarizer
from .called_values import CalledModules, CalledOps, find_spot
from .helpers import find_helpers, helpers_in
from .lines import CodePlace
from .local_values import Locals, holds_tensor, is_telling, sign_of, version_of
from .statements import find_statements, names_set_on_objects
from .visits import FrameLines, MadeCall, Visit

FULL, MEASURED, KEPT_FRAMES = 300, 3_000, 300
"""Values with a histogram and elements, values with statistics, and frames, of one recording; past the first two, the
values that follow have less, past the last the frames are left out."""
_FAULTS = 20
_CODES = 1_000  # of which is remembered what was read


class _Running:
    """A frame that runs."""

    def __init__(self, frame: FrameType, lines: FrameLines, about: _AboutCode) -> None:
        self.frame = frame
        self.lines = lines
        self.about = about
        self.locals = Locals(frame, about.attributes)
        self.visit: Visit | None = None
        self.statement = 0
        self.ops: CalledOps | None = None


class _AboutCode:
    """What is read from code once."""

    def __init__(self, code: CodeType) -> None:
        self.code = code  # so that nobody else gets its id
        self.statements = find_statements(code)
        self.attributes = names_set_on_objects(code)


_about: dict[int, _AboutCode] = {}


def _read_about(code: CodeType) -> _AboutCode:
    if id(code) not in _about:
        if len(_about) >= _CODES:
            _about.clear()
        _about[id(code)] = _AboutCode(code)
    return _about[id(code)]


class _Stack(threading.local):
    """Every thread finds one of its own in it."""

    def __init__(self) -> None:
        self.running: list[_Running] = []
        self.busy = False


class LineRecording:
    """Records from `with` to its end.

    Args:
        module: Whose forward is looked into.
        function: That forward.
        innermost: The call of the module that runs on this thread, as a recorder has it.
        wanted: Is recorded in any case; of other calls, the first.
        statistics: Whether values are measured, or shapes alone.
    """

    def __init__(
        self,
        module: nn.Module,
        function: FunctionType,
        innermost: Callable[[], Call | None],
        wanted: Place | None = None,
        statistics: bool = True,
    ) -> None:
        self.roots: dict[Place, FrameLines] = {}
        self.frames: list[FrameLines] = []
        self.faults: list[str] = []
        self.code = function.__code__
        self._module = module
        self._innermost = innermost
        self._wanted = wanted
        self._helpers = find_helpers(function, module)
        self._stack = _Stack()
        _read_about(self.code)  # before the pass, whose time is told
        self._kinds: set[type] = set()  # of objects of which the methods are known
        self._waiting: dict[int, _Running] = {}  # generators that may go on, by their frames, which it keeps
        self._left = MEASURED if statistics else 0
        self._summarizers = Summarizer(values=True), Summarizer(), Summarizer(statistics=False)
        self._known: dict[int, tuple[object, int, Value]] = {}  # tensors described a moment ago
        self.tracer = LineTracer(self, (self.code, *self._helpers))
        self._open = ExitStack()

    def __enter__(self) -> LineRecording:
        with ExitStack() as stack:
            stack.enter_context(self.tracer)
            stack.enter_context(CalledModules(self, self._module))
            self._open = stack.pop_all()
        return self

    def __exit__(self, *ended: object) -> None:
        self._open.close()
        self._stack.running.clear()
        self._known.clear()
        self._waiting.clear()
        for summarizer in self._summarizers:
            self.faults += summarizer.resolve()[: max(0, _FAULTS - len(self.faults))]

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Our own look at values: what it calls is not looked at, and what goes wrong is told and goes no further."""
        self._stack.busy = True
        try:
            with torch._C.DisableTorchFunction():
                yield
        except Exception as error:  # recording must never be why a model fails
            if len(self.faults) < _FAULTS:
                self.faults.append(say(error))
        finally:
            self._stack.busy = False

    @property
    def active(self) -> FrameType | None:
        """The frame that is recorded now on this thread."""
        stack = self._stack
        return stack.running[-1].frame if stack.running and not stack.busy else None

    def entered(self, frame: FrameType) -> None:
        is_root = frame.f_code is self.code
        if not is_root and not self._stack.running:
            return
        with self.looking():
            known = self._waiting.pop(id(frame), None)
            if known is not None:
                self._stack.running.append(known)
            elif is_root and self._is_of_module(frame):
                self._enter_root(frame)
            elif self._stack.running:
                self._enter_helper(frame)

    def _is_of_module(self, frame: FrameType) -> bool:
        """A function that was put in the place of a forward need not take the module."""
        code = self.code
        first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
        return first is self._module or not isinstance(first, nn.Module)

    def _enter_root(self, frame: FrameType) -> None:
        call = self._innermost()
        if call is None or (len(self.frames) >= KEPT_FRAMES and call.place != self._wanted):
            return
        if call.place in self.roots:
            return  # it calls itself past its hooks
        self.roots[call.place] = self._run(frame, call.recomputed)
        self._stack.running[-1].ops = ops = CalledOps(self)
        ops.__enter__()  # type: ignore[no-untyped-call]

    def _enter_helper(self, frame: FrameType) -> None:
        if len(self.frames) < KEPT_FRAMES and find_spot(self._stack.running[-1].frame, frame.f_back) is not None:
            self._run(frame)

    def _run(self, frame: FrameType, recomputed: bool = False) -> FrameLines:
        code = frame.f_code
        about = _read_about(code)
        lines = FrameLines(code, frame.f_globals, len(self.frames), about.statements, recomputed)
        self.frames.append(lines)
        running = _Running(frame, lines, about)
        self._stack.running.append(running)
        given = lines.begin(frame.f_lineno)
        for name, value in frame.f_locals.items():
            self._take(given, name, value, False)
        return lines

    def line(self, frame: FrameType, number: int) -> None:
        running = self._of(frame)
        if running is None:
            return
        with self.looking():
            statement = running.about.statements.get(number)
            if statement is not None and statement == running.statement and running.visit is not None:
                return  # another line of a statement that runs still
            self._end_line(running)
            running.statement = statement if statement is not None else 0
            running.visit = running.lines.begin(statement if statement is not None else number)

    def left(self, frame: FrameType, value: object) -> None:
        running = self._of(frame)
        if running is None:
            return
        with self.looking():
            visit = running.visit
            self._end_line(running)
            if visit is not None and value is not None:
                self._take(visit, "yield" if frame.f_code.co_flags & _GENERATOR else "return", value, False)
            self._leave(running, value)
            if frame.f_code.co_flags & _GENERATOR:
                running.visit, self._waiting[id(frame)] = visit, running

    def raised(self, frame: FrameType, error: BaseException | None) -> None:
        running = self._of(frame)
        if running is None:
            return
        with self.looking():
            visit = running.visit
            self._end_line(running)
            if visit is not None:
                visit.error = encodable(say(error) if isinstance(error, Exception) else type(error).__name__, 300)
            self._leave(running, None)

    def _of(self, frame: FrameType) -> _Running | None:
        """What is known of a frame that runs; those above it that never said that they ended are gone."""
        stack = self._stack.running
        if stack and stack[-1].frame is frame:
            return stack[-1]
        if not any(each.frame is frame for each in stack):
            return None
        while stack[-1].frame is not frame:
            stack.pop()
        return stack[-1]

    def _leave(self, running: _Running, value: object) -> None:
        stack = self._stack.running
        stack.pop()
        if running.ops is not None:
            running.ops.leave()
        if stack and value is not None:
            place = find_spot(stack[-1].frame, running.frame.f_back)
            self._add_call(stack[-1], place, value, running.lines.number)

    def _end_line(self, running: _Running) -> None:
        visit, running.visit = running.visit, None
        if visit is None:
            return
        for name, value, in_place in running.locals.find_changes(running.frame):
            self._take(visit, name, value, in_place)
        self._known.clear()

    def _take(self, visit: Visit, name: str, value: object, in_place: bool) -> None:
        self._look_for_helpers(value)
        if is_telling(value):
            described = self._describe(value)
            if holds_tensor(sign_of(value)) or isinstance(value, _SHOWN) or first_tensor(described) is not None:
                visit.values.append(LineValue(encodable(name, 100), described, in_place))

    def _look_for_helpers(self, value: object) -> None:
        """A function in a variable may be called, and so may the methods of an object."""
        kind = type(value)
        if issubclass(kind, (torch.Tensor, nn.Module)) or kind in _BUILT_IN or kind in self._kinds:
            return
        if not isinstance(value, FunctionType):
            self._kinds.add(kind)
        for code in helpers_in(value, self.code.co_names):
            self.tracer.add(code)

    def see_call(self, frame: FrameType, place: CodePlace | None, value: object) -> None:
        """A call that the active `frame` made itself returned."""
        running = self._of(frame)
        if running is not None:
            with self.looking():
                self._add_call(running, place, value, 0)

    def _add_call(self, running: _Running, place: CodePlace | None, value: object, frame: int) -> None:
        if running.visit is None or place is None:
            return
        described = self._describe(value)
        if frame or not isinstance(described, NoneValue):
            running.visit.calls.append(MadeCall(place, described, frame))

    def _describe(self, value: object) -> Value:
        """What was described in the same line, and did not change since, is not measured again."""
        known = self._known.get(id(value))
        is_tensor = isinstance(value, torch.Tensor)
        if known is not None and known[0] is value and known[1] == version_of(value):
            return known[2]
        self._left -= is_tensor
        which = 2 if self._left < 0 else int(self._left < MEASURED - FULL)
        described = self._summarizers[which].describe(value)
        if is_tensor:
            self._known[id(value)] = value, version_of(value), described
        return described


_BUILT_IN = (type(None), bool, int, float, str, bytes, tuple, list, dict, set, torch.Size)
_SHOWN = (bool, int, float, str, torch.Size)
_GENERATOR = 0x20 | 0x200  # of functions that yield, async ones too
