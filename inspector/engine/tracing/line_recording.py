"""What each line of a module's forward made, call by call, while a pass runs.

A line's values are there when the next line of its frame begins, and are described then: what comes later may change
them in place. Recording raises nothing into the model's call.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from contextlib import ExitStack
from types import CodeType, FrameType, FunctionType

import torch
from torch import nn

from ...raised import say
from ...records import Value
from ...text import encodable
from ...value_text import first_tensor
from ..recording.call import Place
from ..stepping.tracer import LineTracer
from .called_values import CalledModules, CalledOps, find_spot
from .contents import SCALARS, may_hold_tensor
from .descriptions import Describer
from .forwards import ForwardCall, Forwards
from .helpers import helpers_in
from .in_place import Writes
from .local_values import is_telling
from .running import Running, ThreadFrames, read_about
from .statements import NO_EFFECT
from .visits import LONGEST_LOG, FrameLines

_FAULTS = 20


class LineRecording:
    """Records from `with` to its end. `roots` has the lines of calls of modules.

    Args:
        forwards: What is looked into.
        wanted: Is recorded in any case; of other calls of its module, the first, and of those of other modules in the
            same step as many as there is room and time for, each with all of its values.
        statistics: Whether values are measured, or shapes alone.
        first: Number of the first frame.
    """

    def __init__(
        self, forwards: Forwards, wanted: Place | None = None, statistics: bool = True, first: int = 1
    ) -> None:
        self.roots: dict[Place, FrameLines] = {}
        self.frames: dict[int, FrameLines] = {}  # by their numbers
        self.faults: list[str] = []
        self.threads = ThreadFrames()
        self.forwards = forwards
        self._wanted = wanted
        self._numbers = itertools.count(first)
        for code in forwards.codes.values():
            read_about(code)  # before the pass, whose time is told
        self._names = {name for code in forwards.codes.values() for name in code.co_names}
        self._kinds = set(_BUILT_IN)  # of objects of which the methods are known
        self._functions: dict[int, object] = {}  # that were looked into, by their ids
        self._waiting: dict[int, Running] = {}  # generators that may go on, by their frames, which it keeps
        self._kept = {True: 0, False: 0}  # frames, of the wanted module and of others
        self._writes = Writes()
        self._values = Describer(self._writes, statistics)
        self.shapes: Mapping[tuple[object, ...], Value] = self._values.shapes
        self.tracer = LineTracer(self, (*forwards.codes.values(), *forwards.helpers))
        self._open = ExitStack()

    def __enter__(self) -> LineRecording:
        with ExitStack() as stack:
            stack.enter_context(self.tracer)
            stack.enter_context(CalledModules(self, self.forwards.modules))
            self._open = stack.pop_all()
        return self

    def __exit__(self, *ended: object) -> None:
        self._open.close()
        self.threads.running.clear()
        self._waiting.clear()
        self.faults += self._values.resolve()[: max(0, _FAULTS - len(self.faults))]
        self.roots = {place: lines for place, lines in self.roots.items() if not lines.is_partial}

    def _fault(self, error: Exception) -> None:
        """Recording must never be why a model fails."""
        if len(self.faults) < _FAULTS:
            self.faults.append(say(error))

    def entered(self, frame: FrameType) -> bool:
        is_root = id(frame.f_code) in self.forwards.codes
        running = self.threads.running
        if not is_root and not running:
            return False
        with _Looking(self):
            known = self._waiting.pop(id(frame), None)
            call = self.forwards.find_call(frame) if is_root and known is None else None
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
        wanted = self._wanted
        is_chosen = wanted is None or call.place[0] == wanted[0]
        if not is_chosen and (self._values.is_spent or (wanted is not None and call.place[1] != wanted[1])):
            return
        if self._has_room(is_chosen) or call.place == wanted:
            running = self._run(frame, None, is_chosen, call.recomputed)
            self.roots[call.place] = running.lines
            if self.threads.ops is None:
                self.threads.ops = running.ops = CalledOps(self, self._writes)
                running.ops.listen()

    def _enter_helper(self, frame: FrameType) -> None:
        outer = self.threads.running[-1]
        if self._has_room(outer.is_chosen) and find_spot(outer.frame, frame.f_back) is not None:
            self._run(frame, outer.root, outer.is_chosen)

    def _has_room(self, is_chosen: bool) -> bool:
        return self._kept[is_chosen] < self.forwards.most_frames

    def _run(self, frame: FrameType, root: FrameLines | None, is_chosen: bool, recomputed: bool = False) -> Running:
        code, number = frame.f_code, next(self._numbers)
        lines = FrameLines(code, frame.f_globals, number, recomputed)
        self.frames[number] = lines
        self._kept[is_chosen] += 1
        running = Running(frame, lines, root, is_chosen, self._writes)
        running.root.is_brief = not is_chosen and self._values.measures
        self.threads.running.append(running)
        running.log.append(frame.f_lineno)
        variables = frame.f_locals
        running.locals.begin(variables)
        for name, value in variables.items():
            self._take(running, name, value, False)
        return running

    def line(self, frame: FrameType, number: int) -> None:
        frames = self.threads.running
        if not frames:
            return
        running = frames[-1]
        if running.frame is not frame and (running := self.threads.find(frame)) is None:  # type: ignore[assignment]
            return
        if running.effect is not NO_EFFECT or len(running.log) > LONGEST_LOG:
            self._end_line(running)
        if running.asks:
            self._listen_again(running)
        running.effect = running.about.effects.get(number)
        running.log.append(number)
        if number in running.about.asks and self.threads.ops is not None:
            running.asks = self.threads.ops.leave()

    def left(self, frame: FrameType, value: object) -> None:
        running = self.threads.find(frame)
        if running is None:
            return
        self._end_line(running)
        with _Looking(self):
            if value is not None:
                self._take(running, "yield" if frame.f_code.co_flags & _GENERATOR else "return", value, False)
            self._leave(running, value)
            if frame.f_code.co_flags & _GENERATOR:
                self._waiting[id(frame)] = running

    def raised(self, frame: FrameType, error: BaseException | None) -> None:
        running = self.threads.find(frame)
        if running is None:
            return
        self._end_line(running)
        with _Looking(self):
            running.log.append(encodable(say(error) if isinstance(error, Exception) else type(error).__name__, 300))
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
            if place is not None:
                frames[-1].log.append((*place, self._describe(frames[-1], value), running.lines.number))

    def _listen_again(self, running: Running) -> None:
        running.asks = False
        if self.threads.ops is not None:
            self.threads.ops.listen()

    def _end_line(self, running: Running) -> None:
        """The line that ran until now is done. Written without a context manager, for this runs at each line."""
        without = torch._C.DisableTorchFunction()
        without.__enter__()
        try:
            for name, value, in_place in running.locals.find_changes(running.frame, running.effect):
                self._take(running, name, value, in_place)
            if self._values.measures:
                self._values.forget()
            if len(running.log) > LONGEST_LOG:
                running.lines.read_log()
        except Exception as error:  # whatever the values of somebody's model say
            self._fault(error)
        finally:
            without.__exit__(None, None, None)

    def _take(self, running: Running, name: str, value: object, in_place: bool) -> None:
        """The line that runs made it."""
        kind = type(value)
        if kind is torch.Tensor:
            running.log.append((name, self._describe(running, value), in_place))
        elif (scalar := SCALARS.get(id(kind))) is not None:
            running.log.append((name, scalar(value), in_place))
        elif value is not None and not issubclass(kind, nn.Module):
            self._take_other(running, name, value, in_place)

    def _take_other(self, running: Running, name: str, value: object, in_place: bool) -> None:
        self._look_for_helpers(value)
        is_shown = issubclass(type(value), _SHOWN)
        if is_shown or (is_telling(value) and may_hold_tensor(value)):
            described = self._describe(running, value)
            if is_shown or first_tensor(described) is not None:
                running.log.append((name, described, in_place))

    def _look_for_helpers(self, value: object) -> None:
        """A function in a variable may be called, and so may the methods of an object."""
        kind = type(value)
        if kind in self._kinds or issubclass(kind, torch.Tensor):
            return
        if kind is FunctionType:
            if id(value) in self._functions:
                return
            self._functions[id(value)] = value
        else:
            self._kinds.add(kind)
        for code in helpers_in(value, self._names):
            self.tracer.add(code)

    def see_call(self, running: Running, code: CodeType, at: int, value: object) -> None:
        """As `_end_line`, this runs at each operation."""
        if value is None:
            return
        without = torch._C.DisableTorchFunction()
        without.__enter__()
        try:
            running.log.append((code, at, self._describe(running, value), 0))
        except Exception as error:  # as there
            self._fault(error)
        finally:
            without.__exit__(None, None, None)

    def _describe(self, running: Running, value: object) -> Value:
        values, threads = self._values, self.threads
        if not values.measures and type(value) is torch.Tensor:
            return values.describe_shape(value)
        if not running.is_chosen and values.is_spent:
            running.root.is_partial = True
        was_busy, threads.busy = threads.busy, True
        try:
            return values.describe(value, running.is_chosen)
        finally:
            threads.busy = was_busy


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
