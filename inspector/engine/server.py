"""Requests in, events out: the engine's end of the channel.

Three threads. The reader answers `Cancel` at once and sorts the rest; the looker answers requests that only read, so
that the screen follows the cursor while a pass runs; the main thread does everything else, because that is where a
model expects to run. The outbox has a thread of its own and never blocks any of them.
"""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import socket
import sys
import threading
import traceback
from typing import TYPE_CHECKING

from ..channel import Outbox, decode_asked, receive
from ..errors import ChannelError, InspectorError
from ..postmortem.record import CallLog
from ..records import (
    PROTOCOL,
    AddHook,
    AnyEvent,
    AnyRequest,
    Asked,
    Cancel,
    CheckHook,
    Choices,
    DisableAll,
    Done,
    EditParameters,
    Failed,
    GetAllHooks,
    GetAttributes,
    GetCalls,
    GetHistory,
    GetHooks,
    GetHookSource,
    GetLocations,
    GetParameters,
    GetSource,
    GetTrace,
    Hello,
    ListKinds,
    ListTargets,
    LoadRecipe,
    Observe,
    Open,
    Opened,
    PassEnded,
    Problem,
    RemoveHook,
    ReplaceHook,
    Run,
    Save,
    SetHook,
    SetInput,
    Shutdown,
    Stage,
    TakeBaseline,
    TryStateDict,
    Undo,
)
from ..text import encodable
from . import crash

if TYPE_CHECKING:
    from .session import Session

_LOOKS = (GetSource, GetAttributes, GetParameters, GetHooks, GetLocations)


class Server:
    """Serves one client until it shuts down or goes away.

    Args:
        sock: Connected to the client.
        own_process: This process is here for the client alone, and ends at once when it is gone.
        call_log: Where passes write down what they see, for a client that outlives this process.
    """

    def __init__(self, sock: socket.socket, own_process: bool = True, call_log: CallLog | None = None) -> None:
        self._sock = sock
        self._work: queue.SimpleQueue[Asked] = queue.SimpleQueue()
        self._looks: queue.SimpleQueue[Asked] = queue.SimpleQueue()
        self._own_process = own_process
        self._call_log = call_log
        self.outbox = Outbox(sock, self._client_gone)
        self.session: Session | None = None  # made by `serve`, so that the greeting need not wait for torch
        self.outbox.put(Hello(PROTOCOL, os.getpid(), sys.version.split()[0]))

    def serve(self) -> None:
        """Answer until the client is gone. Runs models on the calling thread."""
        for target, name in ((self._read, "inspector-reader"), (self._look, "inspector-looker")):
            threading.Thread(target=target, name=name, daemon=True).start()
        if self._own_process:
            self.session = self._prepare()
        while not isinstance((asked := self._work.get()).body, Shutdown):
            self._answer(asked)
        self._looks.put(asked)
        if self.session is not None:
            self.session.close()
        self.outbox.put(Done(), asked.id)
        self.outbox.close()

    def busy(self) -> bool:
        """Whether requests wait for the main thread."""
        return not self._work.empty()

    def _read(self) -> None:
        try:
            while (body := receive(self._sock)) is not None:
                self._sort(decode_asked(body))
        except (ChannelError, OSError) as error:
            self.outbox.put(Failed(Problem(encodable(str(error), 400))))
            self.outbox.close()  # the client is told why before this process ends
        self._client_gone()

    def _sort(self, asked: Asked) -> None:
        if isinstance(asked.body, Cancel):
            if self.session is not None:
                self.session.cancel()
            self.outbox.put(Done(), asked.id)
        elif isinstance(asked.body, _LOOKS) and self.session is not None:
            self._looks.put(asked)
        else:
            if self.session is not None:
                self.session.cancel_background()
            self._work.put(asked)

    def _client_gone(self) -> None:
        if self._own_process:
            os._exit(0)  # the model may be anywhere, in C code too; nothing is left to restore it for
        if self.session is not None:
            self.session.cancel()
        self._work.put(Asked(0, Shutdown()))

    def _look(self) -> None:
        while not isinstance((asked := self._looks.get()).body, Shutdown):
            self._answer(asked)

    def _answer(self, asked: Asked) -> None:
        try:
            reply = self._reply(asked.body)
        except InspectorError as error:
            reply = Failed(error.problem)
        except Exception:  # a bug of ours must be seen and must not end the session
            lines = tuple(encodable(line, 1000) for line in traceback.format_exc().splitlines()[-40:])
            what = f"the inspector itself failed: {lines[-1]}"
            reply = Failed(Problem(what, hint="please report this, with the traceback", traceback=lines))
        self.outbox.put(reply, asked.id)
        if isinstance(asked.body, Open) and isinstance(reply, Opened) and self.session is not None:
            self.session.announce()

    def _reply(self, request: AnyRequest) -> AnyEvent:
        session = self.session
        assert session is not None  # made before the first request is taken
        if isinstance(request, Open):
            self.outbox.put(Stage(f"loading {encodable(request.target.target, 200)}"))
            return session.open(request.target)
        if isinstance(request, ListTargets):
            from .loading import list_targets

            return Choices("Targets", list_targets())
        if isinstance(request, ListKinds):
            return session.kinds()
        session.check(getattr(request, "generation", session.generation))
        return _replies(session, request)

    def _prepare(self) -> Session:
        """Import torch, before anybody asks for it; what it leaves for the garbage collector is looked at never again:
        one full collection during the imports takes as long as a tenth of them."""
        self.outbox.put(Stage("importing torch"))
        gc.disable()
        from .restore.process_state import keep_streams
        from .session import Session

        keep_streams()
        gc.freeze()
        gc.enable()
        if not self.busy():
            self.outbox.put(Stage("no model is open"))
        return Session(self.outbox.put, self.busy, self._call_log)


def _replies(session: Session, request: AnyRequest) -> AnyEvent:
    match request:
        case Run():
            return PassEnded(session.generation, session.run(request))
        case SetInput():
            return session.set_input(request.specs)
        case Observe():
            return session.observe(request.paths, request.subtree, request.on)
        case GetSource():
            return session.queries.source(request.path, request.part)
        case GetCalls():
            return session.calls_of(request.path, request.values, request.force)
        case GetTrace():
            return session.queries.trace(request.first, request.count)
        case GetParameters():
            return session.queries.parameters(request.path, request.limit)
        case GetHooks():
            return session.queries.hooks(request.path)
        case SetHook():
            return session.set_hook(request.path, request.kind, request.id, request.on, request.of)
        case (
            AddHook()
            | ReplaceHook()
            | RemoveHook()
            | DisableAll()
            | EditParameters()
            | Undo()
            | TakeBaseline()
            | LoadRecipe()
        ):
            return session.change(request)
        case GetHookSource():
            return session.queries.hook_source(request.path, request.kind, request.id, request.of)
        case TryStateDict():
            return session.queries.state_dict(request.file)
        case Save():
            return session.save(request.file)
        case CheckHook():
            return session.queries.check_hook(request.where, request.hook, request.code)
        case GetAllHooks():
            return session.queries.all_hooks(request.first, request.count)
        case GetHistory():
            return session.queries.history(request.path)
        case GetAttributes():
            return session.queries.attributes(request.path)
        case GetLocations():
            return session.queries.locations()
    raise InspectorError(f"{type(request).__name__} cannot be answered now")


def main(fd: int, call_log: int) -> None:
    """The engine process: serve the client at the other end of the inherited socket `fd`, and leave a `call_log`."""
    crash.die_with_parent()
    crash.go_first()
    fd, call_log = crash.out_of_the_way(fd), crash.out_of_the_way(call_log)
    crash.write_to(call_log)
    leave = os._exit
    server = Server(socket.socket(fileno=fd), call_log=CallLog(call_log))
    server.serve()
    with contextlib.suppress(Exception):  # a model may have put anything in its place
        sys.stdout.flush()
    leave(0)  # threads that a model left behind must not hold the process
