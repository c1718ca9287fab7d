"""Whoever talks to an engine does it with this: it asks, hears, notices the engine's end and outlives it.

One client on asyncio serves the app and the command line, which differ only in who listens. What needs no event loop is
apart: `conversation` numbers requests and matches replies, `ending` says what an end means.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Protocol

import msgspec

from ..channel import CutOff, receive_async
from ..errors import ChannelError
from ..postmortem.frames import explain_bug
from ..postmortem.read import Postmortem, clear_faults, read
from ..postmortem.record import ASK
from ..records import AnyEvent, AnyRequest, Failed, Problem, Shutdown
from ..text import encodable
from ..turns import give_way
from .conversation import Conversation
from .ending import Ending, answer, explain_exit, explain_lost_connection, replay
from .output_pipe import OutputPipe
from .process import Connection, EngineProcess, start_engine

_DRAIN = 3.0  # seconds for reading what an engine that has ended sent before, where its socket stays open without it
_POLL = 0.2
_GRACE = 0.2  # seconds for what a model started, to end by itself
_PATIENCE = 4.0  # seconds for everything that a model started to be ended
_TURN = 0.001  # seconds of taking in messages, after which whatever else waits is due: many more may be here already
_LOOK = 0.05  # seconds that Python gets to write down where it is


class Listener(Protocol):
    """Hears of one engine after another, in the client's event loop and in order."""

    def on_event(self, event: AnyEvent) -> None:
        """An event that answers no request, or a reply that changes what a client knows of the model."""

    def on_output(self, stream: str, data: bytes) -> None:
        """What the engine's process wrote to one of its streams; `b""` at the end of the stream."""

    def on_end(self, problem: Problem | None) -> None:
        """The engine is gone: why, None where it was asked to go. What it sent and wrote before has come."""


class EngineClient:
    """One engine at a time, started or joined, and a new one after `restart`.

    `alive` says whether there is one. When it has ended, `problem` says how and `postmortem` is what it left behind.

    Args:
        connection: The engine to talk to.
        listener: Hears what it says unasked, what it prints, and its end.
        advice: What a person can do when it has ended, as the hint of the problem.
    """

    def __init__(self, connection: Connection, listener: Listener, advice: str) -> None:
        self._connection = connection
        self._listener = listener
        self._advice = advice
        self._conversation = Conversation()
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._pipes: list[OutputPipe] = []
        self._asked_to_end = False
        self._interruption: Ending | None = None
        self._end_told = True
        self.problem: Problem | None = None
        self.postmortem = Postmortem()
        self.alive = False

    @property
    def ours(self) -> bool:
        """This process started the engine, and may kill it."""
        return self._connection.process is not None

    @property
    def busy(self) -> bool:
        """Something is being waited for that runs other people's code."""
        return self._conversation.busy

    @property
    def doing(self) -> tuple[int, str]:
        """What it has been asked for longest besides opening and running: a number, and in words."""
        return self._conversation.doing

    @property
    def stoppable(self) -> bool:
        """It runs a pass that fetches values, or writes a file, and can be cancelled."""
        return self._conversation.stoppable

    async def connect(self) -> None:
        """Start listening, in the running event loop."""
        reader, self._writer = await asyncio.open_connection(sock=self._connection.sock, limit=1 << 20)
        self.alive = True
        self._asked_to_end = self._end_told = False
        self._interruption = None
        self._conversation = Conversation()
        self.problem, self.postmortem = None, Postmortem()
        on_output = self._listener.on_output
        self._pipes = [OutputPipe(fd, partial(on_output, name)) for name, fd in self._connection.pipes]
        self._tasks = [asyncio.create_task(self._listen(reader))]

    async def ask(self, request: AnyRequest) -> AnyEvent:
        """The reply to `request`; a `Failed` where the engine could not, or is gone and has not left the answer."""
        if not self.alive or self._writer is None:
            return answer(self.postmortem, request) or Failed(Problem("the engine is not running", hint=self._advice))
        reply: asyncio.Future[AnyEvent] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(self._conversation.ask(request, partial(_settle, reply)))
        except ChannelError as error:
            return Failed(error.problem)
        return await reply

    async def restart(self) -> None:
        """Kill the engine with everything it started, and start a new one. Only for one that is `ours`."""
        await self.kill()
        self._connection = start_engine()
        await self.connect()

    async def look(self) -> Postmortem:
        """Where the running pass is, without the engine's help: its Python may be stuck anywhere."""
        process, call_log = self._connection.process, self._connection.call_log
        if process is None or call_log is None or self._conversation.hello is None or process.poll() is not None:
            return Postmortem()
        clear_faults(call_log)
        process.send_signal(ASK)
        await asyncio.sleep(_LOOK)
        # It may have ended meanwhile, and its call log with it.
        return read(call_log) if self._connection.call_log == call_log else self.postmortem

    async def interrupt(self, ending: Ending) -> None:
        """Kill the engine in the middle of what it does, with everything it started. Its end is noticed as any other,
        and is told as `ending` with where it was. Only for one that is `ours`."""
        if self.ours:
            await self.look()
            self._interruption = ending
            self._end_process()
            process = self._connection.process
            if process is not None and not await _ends_within(process, _PATIENCE):
                process.end_by_force()

    def stop(self) -> None:
        """Let the engine rest, with what it is doing, for as long as this process is stopped itself."""
        if (process := self._connection.process) is not None:
            process.send_signal(signal.SIGTSTP)

    def go_on(self) -> None:
        """Undo `stop`."""
        if (process := self._connection.process) is not None:
            process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """End the engine at once. One that is not `ours` is left alone, without its connection."""
        self._asked_to_end = True
        self._end_process()
        await _cancel(self._tasks)
        await self._end(Problem("the engine was killed"))

    async def close(self, patience: float = 0.5) -> None:
        """Ask the engine to put the model back and leave; make it where it does not, or is too busy to hear. No process
        is left.

        Args:
            patience: Seconds for its answer, and as many for its end.
        """
        self._asked_to_end = True
        process, busy = self._connection.process, self.busy and self.ours
        greeted = self.alive and self._conversation.hello is not None
        if greeted and not busy:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.ask(Shutdown()), patience)
        if process is not None and greeted and (busy or not await _ends_within(process, patience)):
            process.send_signal(signal.SIGTERM)
            await _ends_within(process, _GRACE)
        await self.kill()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Hear the engine to its end, and tell the end."""
        try:
            problem = await self._hear_to_the_end(reader)
        except Exception as error:  # a bug of ours must be seen, and nobody may wait for ever
            problem = explain_bug(error)
            self._end_process()
        await self._end(problem)

    async def _hear_to_the_end(self, reader: asyncio.StreamReader) -> Problem:
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
            await _ends_within(process, 1.0 if wrong is None else 0.0)
            process.end()
            await _ends_within(process, _PATIENCE)
        if self._connection.call_log is not None:
            self.postmortem = self._read_call_log(self._connection.call_log)
        return wrong or self._explain_end()

    async def _hear(self, reader: asyncio.StreamReader) -> Problem | None:
        """Dispatch messages until the stream ends; what was wrong with the last one."""
        worked = 0.0
        try:
            while (body := await receive_async(reader)) is not None:
                began = perf_counter()
                event = self._conversation.hear(body)
                if event is not None:
                    self._listener.on_event(event)
                worked += perf_counter() - began
                if worked > _TURN:
                    worked = 0.0
                    await give_way()
        except CutOff:  # an end, whose reason the process gives
            return None
        except ChannelError as error:
            return self._explain_breach(error)
        return None

    def _explain_breach(self, error: ChannelError) -> Problem:
        """The engine said what no engine of ours says: nothing that it says is believed any more."""
        problem = error.problem
        what = problem.what if problem.what.startswith("the engine") else f"the engine sent {problem.what}"
        hint = problem.hint or self._advice
        return msgspec.structs.replace(problem, what=encodable(what, 1_000), hint=hint, kind="ChannelError")

    def _read_call_log(self, call_log: int) -> Postmortem:
        """What it left behind; of one that was written over, only how it ended."""
        left = read(call_log)
        try:
            self._conversation.border.check_details(left.calls)
        except ChannelError:
            return Postmortem(damaged=True, fault=left.fault, frames=left.frames)
        return left

    def _end_process(self) -> None:
        """With everything that it started; it takes a moment."""
        if self._connection.process is not None:
            self._connection.process.end()

    def _explain_end(self) -> Problem:
        meanwhile = self._conversation.meanwhile
        process = self._connection.process
        if process is None:
            return explain_lost_connection(meanwhile)
        ending = self._interruption or explain_exit(process.returncode, self.postmortem, self._advice)
        return self.postmortem.explain(ending.how, ending.kind, ending.advice, meanwhile)

    async def _end(self, problem: Problem) -> None:
        """Forget the engine and tell that it is gone: no task, descriptor or unanswered request stays."""
        self.alive = False
        self.problem = self.problem or problem
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for pipe in self._pipes:
            pipe.close()
        self._pipes = []
        self._conversation.end(problem)
        process, call_log = self._connection.process, self._connection.call_log
        if call_log is not None:
            os.close(call_log)
            self._connection = replace(self._connection, call_log=None)
        if process is not None:
            process.end()
            await _ends_within(process, _PATIENCE)
            process.end_by_force()
        self._tell_end(problem)

    def _tell_end(self, problem: Problem) -> None:
        """Once. What was captured until an end that nobody asked for comes before it, as if the pass had failed."""
        if self._end_told:
            return
        self._end_told = True
        if not self._asked_to_end:
            for event in replay(self.postmortem, problem):
                self._listener.on_event(event)
        self._listener.on_end(None if self._asked_to_end else problem)


def _settle(reply: asyncio.Future[AnyEvent], event: AnyEvent) -> None:
    if not reply.done():  # whoever asked may have stopped waiting
        reply.set_result(event)


async def _wait(process: EngineProcess | None) -> None:
    """Until the process ends; for ever where there is none."""
    while process is None or process.poll() is None:
        await asyncio.sleep(_POLL)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    tasks.clear()


async def _ends_within(process: EngineProcess, patience: float) -> bool:
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
