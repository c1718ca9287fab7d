"""The thread that runs a model, standing still: what it tells of that, and what it does meanwhile."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import NamedTuple

from msgspec.structs import replace

from ...errors import InspectorError, UsageError
from ...records import AnyEvent, Completed, CompleteLine, Evaluate, Evaluated, GoOn, Note, Paused, PutIn, Resumed, Stack
from ...text import encodable
from ..frames.code_frame import CodeFrame
from ..frames.stack import OpenCall
from ..recording.observers import Observers
from ..recording.recorder import Cancelled
from ..usercode.running import wrap_error
from ..values.summarize import Summarizer
from .pause import Order, Pause
from .program import HeldProgram
from .scope import FrameScope, Scope

ShowFrames = Callable[[Sequence[CodeFrame] | None, bool, Sequence[OpenCall]], Stack]


class _Standing(NamedTuple):
    pause: Pause
    scopes: dict[int, Scope]  # by the frame, -1 for the place itself
    frames: Sequence[CodeFrame]
    event: Paused


class Standstill:
    """All pauses of one model's passes, one at a time. All but `hold` may be called from any thread.

    `seconds` is how long the pass stood still so far, `touched` that lines were run in it, which may have changed
    anything, and `put_in` what they changed of the values there. `program` stands still around all passes, and `order`
    is how a person wants it to go on.

    Args:
        observers: Hear nothing of what a line calls.
        emit: Receives what there is to tell.
        look: Gives the frames that are looked at where no pass stands still: of what was raised, or of a program.
        show: Given the frames while it stands still, whether it is at a line of the innermost, and the calls that they
            are in; None after it. What there is to be seen of frames then.
    """

    def __init__(
        self,
        observers: Observers,
        emit: Callable[[AnyEvent], None],
        look: Callable[[], Sequence[CodeFrame]],
        show: ShowFrames,
    ) -> None:
        self._observers = observers
        self._look = look
        self._emit = emit
        self._show = show
        self._turns = threading.RLock()  # a model may run on several threads
        self._guard = threading.Lock()  # of `_standing` and `_aborted`
        self._standing: _Standing | None = None
        self._aborted = False
        self._scopes: dict[int, Scope] = {}  # by the frame, outside of pauses
        self._scopes_of: Sequence[CodeFrame] = ()
        self._number = 0
        self._busy = threading.local()
        self.seconds = 0.0
        self.touched = False
        self.put_in: list[PutIn] = []
        self.program: HeldProgram | None = None
        self.order: GoOn | None = None

    @property
    def stands(self) -> bool:
        """A pass stands still."""
        return self._standing is not None

    @property
    def program_goes_on(self) -> bool:
        """The program around is to go on, and the app to wait until that stands still again."""
        return self.order not in (None, "abort")

    def start(self) -> None:
        """Another pass begins."""
        with self._guard:
            self._aborted = False
        self._number, self.seconds, self.touched, self.put_in = 0, 0.0, False, []

    @property
    def evaluates(self) -> bool:
        """This thread stands still, or runs a line of a person's just now: what is called in it stops nowhere."""
        return getattr(self._busy, "depth", 0) > 0

    def hold(self, event: Paused, scope: Scope, frames: Sequence[CodeFrame], calls: Sequence[OpenCall]) -> Order:
        """Stand still here, in `calls`, and tell `event`, with its number and the values of `scope`; how to go on.

        Raises:
            Cancelled: The pass shall end here.
        """
        with self._turns, self._busy_here():
            self._number += 1
            began, pause = perf_counter(), Pause()
            with self._guard:
                if self._aborted:
                    raise Cancelled
                self._standing = _Standing(pause, {-1: scope}, frames, event)
            try:
                stack = self._show(frames, event.on == "line", calls)
                self._emit(replace(event, number=self._number, values=scope.describe()))
                self._emit(stack)
                order = pause.wait(event.timeout)
            finally:
                left = self._show(None, False, ())
                with self._guard:
                    self._standing = None
                pause.refuse_rest()
                self.seconds += perf_counter() - began
            why = f"nobody asked for anything for {event.timeout:g} s" if order == "timeout" else ""
            self._emit(left)
            self._emit(Resumed(event.generation, why))
        if order == "abort":
            raise Cancelled
        return order

    def go_on(self, how: GoOn) -> None:
        """Raises `UsageError` where nothing stands still."""
        with self._guard:
            if self._standing is not None:
                self._standing.pause.end(how)
            elif self.program is not None:
                self.order = how
            else:
                raise _nothing()

    def abort(self) -> None:
        """End the pass where it stands still, or would next."""
        with self._guard:
            self._aborted = True
            if self._standing is not None:
                self._standing.pause.end("abort")

    def hand_over(self, work: Callable[[], object]) -> bool:
        """Let the thread that stands still do this; whether there is one."""
        with self._guard:
            if self._standing is None:
                return False
            self._standing.pause.do(work)
            return True

    def evaluate(self, request: Evaluate) -> Evaluated:
        """On the thread that stands still. Raises `UsageError` where nothing does."""
        scope = self._scope(request.frame)
        self.touched = True
        describe = Summarizer().describe_now
        with self.quiet(), self._noting(scope):
            try:
                found, changed = scope.run(request.text)
                value = None if found is None else describe(found)
                del found
            except InspectorError as error:
                return Evaluated(problem=error.problem, values=scope.describe())
            except BaseException as error:  # a person's line, which ends neither the pass nor the process
                problem = wrap_error(error, "the line raised", scope.hint).problem
                return Evaluated(problem=problem, values=scope.describe())
        return Evaluated(value, None, scope.describe(), changed)

    @contextlib.contextmanager
    def _noting(self, scope: Scope) -> Iterator[None]:
        """Note down which values are others after a line, or have others in them."""
        held, before = dict(scope.given), scope.list_versions()
        yield
        del held  # until now: another value would have the id of one that is gone
        now = scope.list_versions()
        changed = [encodable(name, 100) for name in now if now[name] != before.get(name)]
        names = tuple(name for name in changed if name not in ("args", "kwargs")) or tuple(changed)  # as the first says
        if names and self._standing is not None:
            at = self._standing.event
            self.put_in.append(PutIn(at.on, at.path, at.call, at.step, names, at.file, at.line))

    def complete(self, request: CompleteLine) -> Completed:
        """Raises `UsageError` where nothing stands still."""
        return Completed(self._scope(request.frame).complete(request.text))

    def say(self, place: str, text: str, scope: Scope) -> str:
        """Write what an expression is into the Log; what was wrong with it, "" for nothing."""
        from ...value_text import say_value

        with self.quiet():
            try:
                value = Summarizer().describe_now(scope.evaluate(text))
            except InspectorError as error:
                return error.problem.what
            except BaseException as error:  # as above
                return wrap_error(error, text, "").problem.what
        self._emit(Note("info", f"{place}: {text} = {say_value(value)}"))
        return ""

    def _scope(self, number: int) -> Scope:
        """Of a frame, or with -1 of the place itself. Raises `UsageError` where there is none."""
        with self._guard:
            standing = self._standing
        scopes, frames = (standing.scopes, standing.frames) if standing is not None else self._find_scopes()
        if number not in scopes:
            if not frames:
                raise _nothing()
            if not 0 <= number < len(frames):
                raise UsageError(f"there is no frame {number}", hint=f"there are {len(frames)}, from 0")
            scopes[number] = FrameScope(frames[number].frame)
        return scopes[number]

    def _find_scopes(self) -> tuple[dict[int, Scope], Sequence[CodeFrame]]:
        """Of frames that are looked at while no pass stands still: a name that a line made is there for the next."""
        frames = self._look()
        if frames is not self._scopes_of:
            self._scopes_of = frames
            self._scopes = {-1: self.program.scope} if self.program is not None else {}
        return self._scopes, frames

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """What is called for a while on this thread is recorded nowhere and stops nowhere."""
        recorder, self._observers.recorder = self._observers.recorder, None
        try:
            with self._busy_here():
                yield
        finally:
            self._observers.recorder = recorder

    @contextlib.contextmanager
    def _busy_here(self) -> Iterator[None]:
        """Nothing on this thread stops meanwhile: a pause within one would be the only one that is known."""
        self._busy.depth = getattr(self._busy, "depth", 0) + 1
        try:
            yield
        finally:
            self._busy.depth -= 1


def _nothing() -> UsageError:
    return UsageError("no pass stands still", hint="set a stop, and run")
