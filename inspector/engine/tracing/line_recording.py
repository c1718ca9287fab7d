"""What each line of a module's forward made, call by call, while a pass runs.

A line's values are there when the next line of its frame begins, and are described then: what comes later may change
them in place. Recording raises nothing into the model's call.
"""

from __future__ import annotations

from contextlib import ExitStack
from operator import attrgetter
from types import FrameType, FunctionType
from weakref import ref

import torch
from torch import nn

from ...raised import say
from ...records import LineValue, NoneValue, Value
from ...text import encodable
from ...value_text import first_tensor
from ..recording.call import Place
from ..stepping.tracer import LineTracer
from ..values.summarize import Summarizer
from .called_values import CalledModules, CalledOps, find_spot
from .forwards import ForwardCall, Forwards
from .helpers import helpers_in
from .in_place import Writes
from .lines import CodePlace
from .local_values import holds_tensor, is_telling
from .running import Running, ThreadFrames, read_about
from .visits import FrameLines, MadeCall, Visit

FULL, MEASURED, KEPT_FRAMES = 300, 3_000, 300
"""Values with a histogram and elements, values with statistics, and frames, of one recording; past the first two, the
values that follow have less, past the last the frames are left out."""
_FAULTS = 20
_look = attrgetter("shape", "dtype", "requires_grad", "layout", "device")


class LineRecording:
    """Records from `with` to its end. `roots` has the lines of calls of modules.

    Args:
        forwards: What is looked into.
        wanted: Is recorded in any case; of other calls, the first.
        statistics: Whether values are measured, or shapes alone.
    """

    def __init__(self, forwards: Forwards, wanted: Place | None = None, statistics: bool = True) -> None:
        self.roots: dict[Place, FrameLines] = {}
        self.frames: list[FrameLines] = []
        self.faults: list[str] = []
        self.threads = ThreadFrames()
        self._forwards = forwards
        self._wanted = wanted
        for code in forwards.codes.values():
            read_about(code)  # before the pass, whose time is told
        self._names = {name for code in forwards.codes.values() for name in code.co_names}
        self._kinds: set[type] = set()  # of objects of which the methods are known
        self._waiting: dict[int, Running] = {}  # generators that may go on, by their frames, which it keeps
        self._left = MEASURED if statistics else -1
        self._summarizers = Summarizer(values=True), Summarizer(), Summarizer(statistics=False)
        self._known: dict[int, tuple[object, int, Value]] = {}  # described in this line, by the id of the tensor
        self._shapes: dict[tuple[object, ...], Value] = {}
        self._writes = Writes()
        self.tracer = LineTracer(self, (*forwards.codes.values(), *forwards.helpers))
        self._open = ExitStack()

    def __enter__(self) -> LineRecording:
        with ExitStack() as stack:
            stack.enter_context(self.tracer)
            stack.enter_context(CalledModules(self, self._forwards.modules))
            self._open = stack.pop_all()
        return self

    def __exit__(self, *ended: object) -> None:
        self._open.close()
        self.threads.running.clear()
        self._known.clear()
        self._waiting.clear()
        for summarizer in self._summarizers:
            self.faults += summarizer.resolve()[: max(0, _FAULTS - len(self.faults))]

    def _fault(self, error: Exception) -> None:
        """Recording must never be why a model fails."""
        if len(self.faults) < _FAULTS:
            self.faults.append(say(error))

    def entered(self, frame: FrameType) -> bool:
        is_root = id(frame.f_code) in self._forwards.codes
        running = self.threads.running
        if not is_root and not running:
            return False
        with _Looking(self):
            known = self._waiting.pop(id(frame), None)
            call = self._forwards.find_call(frame) if is_root and known is None else None
            if known is not None:
                running.append(known)
            elif call is not None:
                self._enter_root(frame, call)
            elif running:
                self._enter_helper(frame)
        return bool(running) and running[-1].frame is frame

    def _enter_root(self, frame: FrameType, call: ForwardCall) -> None:
        if call.place in self.roots:
            return  # it calls itself past its hooks
        if len(self.frames) >= KEPT_FRAMES and call.place != self._wanted:
            return
        running = self._run(frame, None, call.recomputed)
        self.roots[call.place] = running.lines
        if self.threads.ops is None:
            self.threads.ops = running.ops = CalledOps(self, self._writes)
            running.ops.listen()

    def _enter_helper(self, frame: FrameType) -> None:
        outer = self.threads.running[-1]
        if len(self.frames) < KEPT_FRAMES and find_spot(outer.frame, frame.f_back) is not None:
            self._run(frame, outer.root)

    def _run(self, frame: FrameType, root: FrameLines | None, recomputed: bool = False) -> Running:
        code = frame.f_code
        lines = FrameLines(code, frame.f_globals, len(self.frames), read_about(code).statements, recomputed)
        self.frames.append(lines)
        running = Running(frame, lines, root, self._writes)
        self.threads.running.append(running)
        given = lines.begin(frame.f_lineno)
        for name, value in frame.f_locals.items():
            self._take(given, name, value, False)
        return running

    def line(self, frame: FrameType, number: int) -> None:
        running = self.threads.find(frame)
        if running is None:
            return
        statement = running.about.statements.get(number)
        if statement is not None and statement == running.statement and running.visit is not None:
            return  # another line of a statement that runs still
        with _Looking(self):
            self._end_line(running)
            if running.asks:
                self._listen_again(running)
            running.statement = statement if statement is not None else number
            running.visit = running.lines.begin(running.statement)
            if running.statement in running.about.asks and self.threads.ops is not None:
                running.asks = self.threads.ops.leave()

    def left(self, frame: FrameType, value: object) -> None:
        running = self.threads.find(frame)
        if running is None:
            return
        with _Looking(self):
            visit = running.visit
            self._end_line(running)
            if visit is not None and value is not None:
                self._take(visit, "yield" if frame.f_code.co_flags & _GENERATOR else "return", value, False)
            self._leave(running, value)
            if frame.f_code.co_flags & _GENERATOR:
                running.visit, self._waiting[id(frame)] = visit, running

    def raised(self, frame: FrameType, error: BaseException | None) -> None:
        running = self.threads.find(frame)
        if running is None:
            return
        with _Looking(self):
            visit = running.visit
            self._end_line(running)
            if visit is not None:
                visit.error = encodable(say(error) if isinstance(error, Exception) else type(error).__name__, 300)
            self._leave(running, None)

    def _leave(self, running: Running, value: object) -> None:
        frames = self.threads.running
        frames.pop()
        if running.asks:
            self._listen_again(running)
        if running.ops is not None:
            running.ops.leave()
            self.threads.ops = None
        if frames and value is not None and running.root is not running.lines:
            place = find_spot(frames[-1].frame, running.frame.f_back)
            self._add_call(frames[-1], place, value, running.lines.number)

    def _listen_again(self, running: Running) -> None:
        running.asks = False
        if self.threads.ops is not None:
            self.threads.ops.listen()

    def _end_line(self, running: Running) -> None:
        visit, running.visit = running.visit, None
        if visit is not None:
            for name, value, in_place in running.locals.find_changes(running.frame):
                self._take(visit, name, value, in_place)
            self._known.clear()

    def _take(self, visit: Visit, name: str, value: object, in_place: bool) -> None:
        if type(value) is torch.Tensor:
            visit.values.append(LineValue(encodable(name, 100), self._describe(value), in_place))
            return
        self._look_for_helpers(value)
        if is_telling(value):
            described = self._describe(value)
            if holds_tensor(value) or isinstance(value, _SHOWN) or first_tensor(described) is not None:
                visit.values.append(LineValue(encodable(name, 100), described, in_place))

    def _look_for_helpers(self, value: object) -> None:
        """A function in a variable may be called, and so may the methods of an object."""
        kind = type(value)
        if issubclass(kind, (torch.Tensor, nn.Module)) or kind in _BUILT_IN or kind in self._kinds:
            return
        if not isinstance(value, FunctionType):
            self._kinds.add(kind)
        for code in helpers_in(value, self._names):
            self.tracer.add(code)

    def see_call(self, running: Running, place: CodePlace, value: object) -> None:
        with _Looking(self):
            self._add_call(running, place, value, 0)

    def _add_call(self, running: Running, place: CodePlace | None, value: object, frame: int) -> None:
        visit = running.visit
        if visit is None or place is None:
            return
        described = self._describe(value)
        if frame or not isinstance(described, NoneValue):
            visit.calls.append(MadeCall(place, described, frame))

    def _describe(self, value: object) -> Value:
        """What was described in the same line, and did not change since, is not measured again."""
        if not isinstance(value, torch.Tensor):
            return self._summarizers[self._which].describe(value)
        if self._left < 0:
            return self._describe_shape(value)
        sign = ref(value), self._writes.version_of(value)
        known = self._known.get(id(value))
        if known is not None and known[0] is sign[0] and known[1] == sign[1]:
            return known[2]
        self._left -= 1
        described = self._summarizers[self._which].describe(value)
        self._known[id(value)] = *sign, described
        return described

    def _describe_shape(self, tensor: torch.Tensor) -> Value:
        """There are few, and each is described once."""
        if type(tensor) is not torch.Tensor or tensor.is_nested:
            return self._summarizers[2].describe(tensor)
        looks = _look(tensor)
        known = self._shapes.get(looks)
        if known is None:
            known = self._shapes[looks] = self._summarizers[2].describe(tensor)
        return known

    @property
    def _which(self) -> int:
        """Of the summarizers: less is said of later values."""
        return 2 if self._left < 0 else int(self._left < MEASURED - FULL)


class _Looking:
    """Our own look at values: what it calls is not looked at, and what goes wrong is told and goes no further."""

    __slots__ = ("_recording", "_without")

    def __init__(self, recording: LineRecording) -> None:
        self._recording = recording
        self._without = torch._C.DisableTorchFunction()

    def __enter__(self) -> None:
        self._recording.threads.busy = True
        self._without.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> bool:
        self._without.__exit__(None, None, None)
        self._recording.threads.busy = False
        if isinstance(error, Exception):
            self._recording._fault(error)
            return True
        return False


_BUILT_IN = (type(None), bool, int, float, str, bytes, tuple, list, dict, set, torch.Size)
_SHOWN = (bool, int, float, str, torch.Size)
_GENERATOR = 0x20 | 0x200  # of functions that yield, async ones too
