"""One engine, one target, one question."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import msgspec

from ...app_keys import app_keys
from ...client.ending import Ending
from ...client.engine_client import EngineClient
from ...client.process import start_engine
from ...errors import InspectorError, UsageError
from ...records import (
    AnyEvent,
    AnyRequest,
    Cancel,
    Choices,
    Failed,
    FindFirstBad,
    Open,
    Opened,
    Problem,
    RunSweep,
    Target,
)
from ..job import list_leaving, stop_together
from ..progress import Progress
from ..reading import PATIENCE, explain_lazy, explain_no_input

_ADVICE = "the lines above are what it printed last"
_INTERRUPTED = Ending("was interrupted", "Interrupted")


class Question:
    """Asked once by `ask`. The first SIGINT cancels what is asked for, a second one ends the engine.

    Args:
        target: What to open.
        request: What to ask when it is open; its generation is not known before.
        progress: Says what the model prints, and collects.
        waiting: For what a person waits meanwhile: "the sweep".
        no_input: It can be answered without a sample input.
    """

    def __init__(
        self,
        target: Target,
        request: RunSweep | FindFirstBad,
        progress: Progress,
        waiting: str,
        *,
        no_input: bool = False,
    ) -> None:
        self._target = target
        self._request = request
        self._progress = progress
        self._waiting = waiting
        self._no_input = no_input
        self._engine = EngineClient(start_engine(), progress, _ADVICE)
        self._signals: list[int] = []
        self._tasks: list[asyncio.Task[Any]] = []  # the loop itself would let go of them
        self._asked = False

    async def ask(self) -> tuple[AnyEvent | None, Problem | None]:
        """The answer, or what went wrong; after an interrupt perhaps both. The engine is gone afterwards."""
        answer: AnyEvent | None = None
        problem: Problem | None = None
        try:
            await self._engine.connect()
            self._listen_to_signals()
            answer, problem = await self._open_and_ask()
        except InspectorError as error:
            problem = self._engine.problem or error.problem
        finally:
            await self._engine.close(PATIENCE)
        if not self._signals:
            return answer, problem
        interrupted = problem or Problem("interrupted", kind="Interrupted")
        return answer, msgspec.structs.replace(interrupted, exit_code=128 + self._signals[0])

    async def _open_and_ask(self) -> tuple[AnyEvent | None, Problem | None]:
        async with self._progress.bar.waiting("the model, which is being loaded"):
            opened = await self._reply_to(Open(self._target, app_keys()))
        if isinstance(opened, Choices):
            names = ", ".join(choice.name for choice in opened.items)
            raise UsageError(f"{opened.title}: name one of them", hint=names[:400])
        assert isinstance(opened, Opened)
        if opened.info.lazy:
            return None, msgspec.structs.replace(
                explain_lazy(opened), hint=f"{self._waiting} needs modules with shapes"
            )
        if opened.form and not self._no_input:
            return None, explain_no_input(opened)
        self._asked = True
        async with self._progress.bar.waiting(self._waiting):
            return await self._reply_to(msgspec.structs.replace(self._request, generation=opened.generation)), None

    async def _reply_to(self, request: AnyRequest) -> AnyEvent:
        reply = await self._engine.ask(request)
        if isinstance(reply, Failed):
            raise InspectorError.of(reply.problem)
        return reply

    def _listen_to_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in list_leaving():
                asyncio.get_running_loop().add_signal_handler(number, self._interrupt, number)
            stop_together(self._engine, self._progress.bar)

    def _interrupt(self, number: int) -> None:
        self._signals.append(number)
        gentle = self._asked and len(self._signals) == 1
        ending = self._engine.ask(Cancel()) if gentle else self._engine.interrupt(_INTERRUPTED)
        self._tasks.append(asyncio.ensure_future(ending))
