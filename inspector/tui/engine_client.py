"""The app's side of an engine: asks, hears, and notices its end."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import count

from textual.message import Message

from ..channel import check_greeting, decode_told, encode, receive_async
from ..client.process import Connection, how_it_ended, kill_group, kind_of_end, start_engine
from ..errors import ChannelError
from ..postmortem.read import Postmortem, clear_faults, read
from ..postmortem.record import ASK
from ..records import (
    AnyEvent,
    AnyRequest,
    Asked,
    CallRows,
    Calls,
    Changes,
    Failed,
    GetCalls,
    GetTrace,
    Hello,
    HookMarks,
    Open,
    Opened,
    PassEnded,
    Problem,
    Progress,
    Run,
    SetInput,
    Shutdown,
    Told,
)
from .messages import EngineGone, EngineOutput, EngineSaid
from .output_throttle import OutputThrottle

_CHANGES = (Opened, HookMarks, PassEnded, Changes)
"""Replies that change what the app knows: everybody hears them, in the order in which they came."""

_PROGRESS_INTERVAL = 0.05
_THROTTLE_INTERVAL = 0.2
_READ = 65536
_READS = 16  # at once, before the screen gets its turn
_DRAIN = 0.3  # seconds for reading what an engine that has ended sent before
_POLL = 0.2
_GRACE = 0.2  # seconds for what a model started, to end by itself
_LOOK = 0.05  # seconds that Python gets to write down where it is
_AGAIN = "ctrl+k starts it again"
_MEANWHILE = {Run: "during the forward pass", Open: "while loading the model", SetInput: "while making the input"}


class EngineClient:
    """One engine at a time, started or joined, and a new one after `restart`.

    What it says unasked, and replies that change the model, are posted as `EngineSaid` in order; what its process
    prints as `EngineOutput`; its end, unless it was asked for, as `EngineGone`.

    Args:
        connection: The engine to talk to.
        post: Takes the messages, an app's `post_message`.
        on_process: Told the process group and True of every engine started, and False when it has ended.
    """

    def __init__(
        self,
        connection: Connection,
        post: Callable[[Message], object],
        on_process: Callable[[int, bool], None] = lambda group, running: None,
    ) -> None:
        self._connection = connection
        self._post = post
        self._on_process = on_process
        self._ids = count(1)
        self._pending: dict[int, tuple[AnyRequest, asyncio.Future[AnyEvent]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._outputs: list[_Output] = []
        self._progress: Progress | None = None
        self._progress_timer: asyncio.TimerHandle | None = None
        self._asked_to_end = self._put_down = False
        self._postmortem = Postmortem()
        self.hello: Hello | None = None
        self.alive = False

    @property
    def ours(self) -> bool:
        """This app started the engine, and may kill it."""
        return self._connection.process is not None

    @property
    def busy(self) -> bool:
        """Something is being waited for that runs other people's code."""
        return any(isinstance(request, (*_MEANWHILE,)) for request, _ in self._pending.values())

    async def connect(self) -> None:
        """Start listening. Call once, in the app's event loop."""
        reader, self._writer = await asyncio.open_connection(sock=self._connection.sock, limit=1 << 20)
        self.alive = True
        self._asked_to_end = self._put_down = False
        self._postmortem = Postmortem()
        self._outputs = [_Output(name, fd, self._post) for name, fd in self._connection.pipes]
        self._tasks = [asyncio.create_task(self._listen(reader))]

    async def ask(self, request: AnyRequest) -> AnyEvent:
        """The reply to `request`; a `Failed` where the engine could not, or is gone and has not left the answer."""
        if not self.alive or self._writer is None:
            return self._left(request) or Failed(Problem("the engine is not running", hint=_AGAIN))
        number = next(self._ids)
        future: asyncio.Future[AnyEvent] = asyncio.get_running_loop().create_future()
        self._pending[number] = request, future
        try:
            self._writer.write(encode(Asked(number, request)))
        except ChannelError as error:
            self._pending.pop(number)
            return Failed(error.problem)
        except UnicodeEncodeError:
            self._pending.pop(number)
            return Failed(Problem("a name with bytes that are not UTF-8 cannot be sent to the engine"))
        return await future

    async def restart(self) -> None:
        """Kill the engine with everything it started, and start a new one. Only for one that is `ours`."""
        await self.kill()
        self._connection = start_engine()
        assert self._connection.process is not None
        self._on_process(self._connection.process.pid, True)
        await self.connect()

    def _left(self, request: AnyRequest) -> AnyEvent | None:
        """The answer from what an engine that is gone has left behind."""
        left = self._postmortem
        if not left.shown or left.began is None or not isinstance(request, (GetCalls, GetTrace)):
            return None
        path = request.path if isinstance(request, GetCalls) else None
        found = [call for call in left.calls if path is None or call.path == path]
        if isinstance(request, GetTrace):
            found = found[request.first : request.first + request.count]
        return Calls(left.began.generation, left.began.number, tuple(found), len(found), path=path)

    async def look(self) -> Postmortem:
        """Where the running pass is, without the engine's help: its Python may be stuck anywhere."""
        process, call_log = self._connection.process, self._connection.call_log
        if process is None or call_log is None or self.hello is None or process.poll() is not None:
            return Postmortem()
        clear_faults(call_log)
        with contextlib.suppress(OSError):
            process.send_signal(ASK)
        await asyncio.sleep(_LOOK)
        return read(call_log)

    async def put_down(self) -> None:
        """Kill it in the middle of what it does, with everything it started. `EngineGone` follows, and says where it
        was. Only for one that is `ours`."""
        process = self._connection.process
        if process is not None:
            await self.look()
            self._put_down = True
            self._connection.end_everything()

    async def kill(self) -> None:
        """End the engine at once. One that is not `ours` is left alone, without its connection."""
        self._asked_to_end = True
        self._connection.end_everything()
        await _cancelled(self._tasks)
        await self._end(Problem("the engine was killed"))

    async def close(self, patience: float = 0.5) -> None:
        """Ask the engine to put the model back and leave; make it where it does not, or is too busy to hear. No process
        is left."""
        self._asked_to_end = True
        process, busy = self._connection.process, self.busy and self.ours
        if self.alive and self.hello is not None and not busy:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.ask(Shutdown()), patience)
        if process is not None and self.hello is not None and (busy or not await _ended(process, patience)):
            kill_group(process.pid, signal.SIGTERM)
            await _ended(process, _GRACE)
        await self.kill()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        process = self._connection.process
        hearing = asyncio.create_task(self._hear(reader))
        waiting = asyncio.create_task(_wait(process))
        try:
            # A process that the engine forked may hold its socket open, so the end of either is the end.
            await asyncio.wait({hearing, waiting}, return_when=asyncio.FIRST_COMPLETED)
            wrong = await _result(hearing, _DRAIN)
        finally:
            hearing.cancel()
            waiting.cancel()
        if process is not None:
            await _ended(process, 1.0 if wrong is None else 0.0)
            self._connection.end_everything()
        self._take_postmortem()
        problem = wrong or self._problem()
        expected = self._asked_to_end
        await self._end(problem)
        if not expected:
            self._post_postmortem(problem)
            self._post(EngineGone(problem))

    def _take_postmortem(self) -> None:
        if self._connection.call_log is not None:
            self._postmortem = read(self._connection.call_log)

    def _post_postmortem(self, problem: Problem) -> None:
        """What was captured until the end, as if the pass had failed."""
        left = self._postmortem
        if not left.shown or left.began is None:
            return
        generation, number = left.began.generation, left.began.number
        rows = tuple(call.row for call in left.calls)
        self._post(EngineSaid(CallRows(generation, number, rows, len(rows))))
        self._post(EngineSaid(PassEnded(generation, left.summary(problem))))

    async def _hear(self, reader: asyncio.StreamReader) -> Problem | None:
        """Dispatch messages until the stream ends; what was wrong with the last one."""
        try:
            first = await receive_async(reader)
            if first is None:
                return None
            self.hello = check_greeting(decode_told(first))
            self._post(EngineSaid(self.hello))
            while (body := await receive_async(reader)) is not None:
                self._dispatch(decode_told(body))
        except ChannelError as error:
            return error.problem
        return None

    def _dispatch(self, message: Told) -> None:
        event = message.body
        if isinstance(event, Progress):
            self._hold_progress(event)
            return
        if message.id == 0 or isinstance(event, _CHANGES):
            self._progress = None  # it leads up to what came now
            self._post(EngineSaid(event))
        _, future = self._pending.pop(message.id, (None, None))
        if future is not None and not future.done():
            future.set_result(event)

    def _hold_progress(self, event: Progress) -> None:
        """Hand on the newest progress a few times a second; a pass sends one for every module."""
        self._progress = event
        if self._progress_timer is None:
            loop = asyncio.get_running_loop()
            self._progress_timer = loop.call_later(_PROGRESS_INTERVAL, self._post_progress)

    def _post_progress(self) -> None:
        self._progress_timer = None
        if self._progress is not None:
            self._post(EngineSaid(self._progress))
            self._progress = None

    def _problem(self) -> Problem:
        requests = [type(request) for request, _ in self._pending.values()]
        meanwhile = next((words for kind, words in _MEANWHILE.items() if kind in requests), "")
        process = self._connection.process
        if process is None:
            return Problem(" ".join(("the process that has the model ended the connection", meanwhile)).rstrip())
        code = process.returncode
        if self._put_down:
            return self._postmortem.problem("was killed from here", "Killed", _AGAIN, meanwhile)
        if code is None:
            return self._postmortem.problem("closed its connection", "EngineClosed", _AGAIN, meanwhile)
        hint = f"{self._postmortem.hint(code == -signal.SIGKILL)}{_AGAIN}"
        return self._postmortem.problem(how_it_ended(code), kind_of_end(code), hint, meanwhile)

    async def _end(self, problem: Problem) -> None:
        """Forget the engine: no task, timer, descriptor or unanswered request stays."""
        self.alive = False
        self.hello = None
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for output in self._outputs:
            output.close()
        self._outputs = []
        if self._progress_timer is not None:
            self._progress_timer.cancel()
            self._progress_timer = None
        self._progress = None
        for _, future in self._pending.values():
            if not future.done():
                future.set_result(Failed(problem))
        self._pending.clear()
        process, call_log = self._connection.process, self._connection.call_log
        if call_log is not None:
            os.close(call_log)
            self._connection = replace(self._connection, call_log=None)
        if process is not None and await _ended(process, 2.0):
            self._on_process(process.pid, False)


class _Output:
    """Reads one pipe to its end, whatever comes, and posts what a person can take of it."""

    def __init__(self, stream: str, fd: int, post: Callable[[Message], object]) -> None:
        self._stream = stream
        self._fd = fd
        self._post = post
        self._loop = asyncio.get_running_loop()
        self._throttle = OutputThrottle(self._loop.time())
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._timer: asyncio.TimerHandle | None = None
        self._open = True
        os.set_blocking(fd, False)
        _make_roomy(fd)
        self._loop.add_reader(fd, self._read_some)

    def close(self) -> None:
        """Read what is there already, show it, and let go of the pipe."""
        while self._open and self._read():
            pass
        self._finish()

    def _read_some(self) -> None:
        for _ in range(_READS):
            if not self._read():
                return

    def _read(self) -> bool:
        try:
            data = os.read(self._fd, _READ)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._finish()
            return False
        self._show(self._throttle.feed(data, self._loop.time()))
        if self._throttle.holds_back and self._timer is None:
            self._timer = self._loop.call_later(_THROTTLE_INTERVAL, self._later)
        return True

    def _later(self) -> None:
        self._timer = None
        self._show(self._throttle.release(self._loop.time()))
        if self._throttle.holds_back:
            self._timer = self._loop.call_later(_THROTTLE_INTERVAL, self._later)

    def _show(self, data: bytes) -> None:
        if text := self._decoder.decode(data):
            self._post(EngineOutput(self._stream, text))

    def _finish(self) -> None:
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._fd)
        os.close(self._fd)
        if self._timer is not None:
            self._timer.cancel()
        self._show(self._throttle.release(self._loop.time(), end=True))


def _make_roomy(pipe: int) -> None:
    """A model that prints a lot shall not have to wait for this side; Linux lets a pipe be larger."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _READ * _READS)


async def _wait(process: subprocess.Popen[bytes] | None) -> None:
    """Until the process ends; for ever where there is none."""
    while process is None or process.poll() is None:
        await asyncio.sleep(_POLL)


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    tasks.clear()


async def _ended(process: subprocess.Popen[bytes], patience: float) -> bool:
    """Whether the process ends within `patience` seconds."""
    deadline = asyncio.get_running_loop().time() + patience
    while process.poll() is None:
        if asyncio.get_running_loop().time() >= deadline:
            return False
        await asyncio.sleep(0.01)
    return True


async def _result(hearing: asyncio.Task[Problem | None], patience: float) -> Problem | None:
    """What the reader found wrong, once it has read what came before the end."""
    done, _ = await asyncio.wait({hearing}, timeout=patience)
    if not done:
        hearing.cancel()
        return None
    return hearing.result()
