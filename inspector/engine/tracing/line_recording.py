"""What each line of a module's forward made, call by call, while a pass runs.

A line's values are there when the next line of its frame begins, and are described then: what comes later may change
them in place. Recording raises nothing into the model's call.
"""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from types import CodeType, FrameType, FunctionType

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from ...raised import say
from ...records import Value
from ...text import encodable
from ...value_text import first_tensor
from ..recording.call import Place
from ..stepping.tracer import LineTracer
from .called_values import CalledModules, CalledOps, find_spot
from .contents import SCALARS, Looks, look_at, may_hold_tensor
from .descriptions import Describer
from .forwards import ForwardCall, Forwards, Variables
from .helpers import helpers_in
from .in_place import Writes
from .lines import CodePlace
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
        self.measures = statistics
        self.tracer = LineTracer(self, (*forwards.codes.values(), *forwards.helpers))
        self._open = ExitStack()
        self._take = self.take  # bound once

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
        frames = self.threads.running
        if not is_root and not frames:
            return False
        without = torch._C.DisableTorchFunction()
        without.__enter__()
        try:
            known = self._waiting.pop(id(frame), None) if self._waiting else None
            if known is not None:
                frames.append(known)
            elif is_root and (call := self.forwards.find_call(frame, variables := frame.f_locals)) is not None:
                self._enter_root(frame, variables, call)
            elif frames:
                self._enter_helper(frame)
        except Exception as error:  # whatever the values of somebody's model say
            self._fault(error)
        finally:
            without.__exit__(None, None, None)
        return bool(frames) and frames[-1].frame is frame

    def _enter_root(self, frame: FrameType, variables: Variables, call: ForwardCall) -> None:
        if call.place in self.roots:
            return  # it calls itself past its hooks
        wanted = self._wanted
        is_chosen = wanted is None or call.place[0] == wanted[0]
        if not is_chosen and ((self.measures and self._values.is_spent) or call.place[1] != wanted[1]):  # type: ignore[index]
            return
        if self._kept[is_chosen] < self.forwards.most_frames or call.place == wanted:
            running = self._run(frame, variables, None, is_chosen, recomputed=call.recomputed)
            running.lines.is_brief = not is_chosen and self.measures
            self.roots[call.place] = running.lines
            if self.threads.ops is None:
                self.threads.ops = running.ops = CalledOps(self, self._writes)
                running.ops.listen()

    def _enter_helper(self, frame: FrameType) -> None:
        outer = self.threads.running[-1]
        if self._kept[outer.is_chosen] < self.forwards.most_frames:
            place = find_spot(outer.frame, frame.f_back)
            if place is not None:
                self._run(frame, frame.f_locals, outer.root, outer.is_chosen, place)

    def _run(
        self,
        frame: FrameType,
        variables: Variables,
        root: FrameLines | None,
        is_chosen: bool,
        place: CodePlace | None = None,
        recomputed: bool = False,
    ) -> Running:
        number = next(self._numbers)
        lines = self.frames[number] = FrameLines(frame.f_code, frame.f_globals, number, recomputed)
        self._kept[is_chosen] += 1
        running = Running(frame, lines, root, is_chosen, place, self._writes, self._take)
        self.threads.running.append(running)
        running.log.append(frame.f_lineno)
        running.begin(variables)
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
        about = running.about
        running.effect = about.effects.get(number)
        running.log.append(number)
        if about.asks and number in about.asks and self.threads.ops is not None:
            running.asks = self.threads.ops.leave()

    def left(self, frame: FrameType, value: object) -> None:
        running = self.threads.find(frame)
        if running is None:
            return
        if running.effect is not NO_EFFECT or len(running.log) > LONGEST_LOG:
            self._end_line(running)
        yields = running.about.yields
        without = torch._C.DisableTorchFunction()
        without.__enter__()
        try:
            described = None
            if value is not None:
                described = self.take(running, "yield" if yields else "return", value, False)
            self._leave(running, value, described)
            if yields:
                self._waiting[id(frame)] = running
        except Exception as error:  # as there
            self._fault(error)
        finally:
            without.__exit__(None, None, None)

    def raised(self, frame: FrameType, error: BaseException | None) -> None:
        running = self.threads.find(frame)
        if running is None:
            return
        self._end_line(running)
        with _Looking(self):
            running.log.append(encodable(say(error) if isinstance(error, Exception) else type(error).__name__, 300))
            self._leave(running, None, None)

    def _leave(self, running: Running, value: object, described: Value | Looks | None) -> None:
        frames = self.threads.running
        frames.pop()
        if running.asks:
            self._listen_again(running)
        if running.ops is not None:
            running.ops.leave()
            self.threads.ops = None
        if frames and value is not None and running.root is not running.lines:
            outer, place = frames[-1], running.place
            if running.about.yields:  # it is asked for from one place after another
                place = find_spot(outer.frame, running.frame.f_back)
            if place is not None:
                shown = self._describe(outer, value) if described is None else described
                outer.log.append((*place, shown, running.lines.number))

    def _listen_again(self, running: Running) -> None:
        running.asks = False
        if self.threads.ops is not None:
            self.threads.ops.listen()

    def _end_line(self, running: Running) -> None:
        """The line that ran until now is done. Written without a context manager, for this runs at each line."""
        without = torch._C.DisableTorchFunction()
        without.__enter__()
        try:
            running.find_changes(running.frame, running.effect)
            if self.measures:
                self._values.forget()
            if len(running.log) > LONGEST_LOG:
                running.lines.read_log()
        except Exception as error:  # whatever the values of somebody's model say
            self._fault(error)
        finally:
            without.__exit__(None, None, None)

    def take(self, running: Running, name: str, value: object, in_place: bool) -> Value | Looks | None:
        """The line that runs made it. Gives what is told of it where it is shown."""
        kind = type(value)
        described: Value | Looks | None
        if kind is Tensor or kind is Parameter:
            described = None if self.measures else look_at(value)  # type: ignore[arg-type]  # narrowed by the exact types
            if described is None:
                described = self._describe(running, value)
        elif (scalar := SCALARS.get(id(kind))) is not None:
            described = scalar(value)
        elif value is None or issubclass(kind, nn.Module):
            return None
        else:
            described = self._describe_other(running, value)
        if described is not None:
            running.log.append((name, described, in_place))
        return described

    def _describe_other(self, running: Running, value: object) -> Value | Looks | None:
        """Where it is shown."""
        self._look_for_helpers(value)
        is_shown = issubclass(type(value), _SHOWN)
        if not is_shown and not self.measures:
            return self._values.describe_holder(value)
        if not is_shown and not may_hold_tensor(value):
            return None
        described = self._describe(running, value)
        return described if is_shown or isinstance(described, tuple) or first_tensor(described) is not None else None

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
        self.tracer.add(*helpers_in(value, self._names))

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

    def _describe(self, running: Running, value: object) -> Value | Looks:
        values, threads = self._values, self.threads
        if type(value) is Tensor and not self.measures and (looks := look_at(value)) is not None:
            return looks
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
