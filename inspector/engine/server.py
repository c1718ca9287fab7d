"""Requests in, events out: the engine's end of the channel.

Three threads. The reader answers at once what stops a pass and lets it go on, and sorts the rest; the looker answers
requests that only read, so that the screen follows the cursor while a pass runs; the main thread does everything else,
because that is where a model expects to run. The outbox has a thread of its own and never blocks any of them.
"""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import socket
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING

from ..channel import Outbox, decode_asked, read_number, receive
from ..errors import ChannelError, InspectorError
from ..postmortem.frames import explain_bug
from ..postmortem.record import CallLog
from ..records import (
    PROTOCOL,
    AnyEvent,
    AnyRequest,
    Asked,
    Cancel,
    Done,
    Failed,
    GoOnWith,
    Hello,
    InPause,
    Look,
    Open,
    Opened,
    Problem,
    SetStops,
    Shutdown,
    Stage,
)
from ..text import encodable
from . import crash
from .answers import answer

if TYPE_CHECKING:
    from .session import Session

_AT_ONCE = (Cancel, SetStops, GoOnWith)
"""What is done while the main thread is in a pass, and changes nothing but that."""
_ASIDE = Asked(0, Done())  # type: ignore[arg-type]  # no client asks for it
"""The program that stands still around is to go on."""


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
        self._began = False
        self.outbox.put(Hello(PROTOCOL, os.getpid(), sys.version.split()[0]))

    def serve(self) -> None:
        """Answer until the client is gone, or a program that stands still around is to go on to where it stands still
        next: `session` is the next one then, and this is called again. Runs models on the calling thread."""
        if not self._began:
            self._began = True
            for target, name in ((self._read, "inspector-reader"), (self._look, "inspector-looker")):
                threading.Thread(target=target, name=name, daemon=True).start()
        if self._own_process:
            self.session = self._prepare()
        while not isinstance((asked := self._next()).body, Shutdown):
            if asked is _ASIDE:
                return
            self._answer(asked)
        self._answer(asked)
        self.end()

    def end(self) -> None:
        """No thread is left, and nothing is sent any more."""
        self._looks.put(Asked(0, Shutdown()))
        self.outbox.close()

    def _next(self) -> Asked:
        """What the main thread is asked to do; until then it does what it would have to do later, piece by piece. In
        somebody else's process it does nothing unasked."""
        while self._own_process and self.session is not None and not self.busy() and self.session.go_ahead():
            pass
        return self._work.get()

    def busy(self) -> bool:
        """Whether requests wait for the main thread."""
        return not self._work.empty()

    def _read(self) -> None:
        try:
            while (body := receive(self._sock)) is not None:
                self._take(body)
        except (ChannelError, OSError) as error:
            self.outbox.put(Failed(Problem(encodable(str(error), 400))))
            self.outbox.close()  # the client is told why before this process ends
        self._client_gone()

    def _take(self, body: bytes) -> None:
        """A request that cannot be read is refused, and the next one heard."""
        try:
            asked = decode_asked(body)
        except ChannelError as error:
            self.outbox.put(Failed(Problem(encodable(error.problem.what, 400), exit_code=2)), read_number(body))
        else:
            self._sort(asked)

    def _sort(self, asked: Asked) -> None:
        if isinstance(asked.body, _AT_ONCE):
            session = self.session
            self._answer(asked)
            if isinstance(asked.body, GoOnWith) and session is not None:
                self._go_on(session)
        elif isinstance(asked.body, InPause) and self.session is not None:
            if not self.session.hand_over(partial(self._answer, asked)):
                self._queue(asked)
        elif isinstance(asked.body, Look) and self.session is not None:
            self._looks.put(asked)
        else:
            self._queue(asked)

    def _go_on(self, session: Session) -> None:
        """Leave `serve`, where the program around is to go on."""
        if session.generation and session.runner.stopper.standstill.program_goes_on:
            session.cancel()
            self._work.put(_ASIDE)

    def _queue(self, asked: Asked) -> None:
        """For the main thread."""
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
            from .restore.process.leftovers import LOOKS  # torch is there by now, and was not when this was imported

            with LOOKS.one():
                self._answer(asked)

    def _answer(self, asked: Asked) -> None:
        try:
            reply = self._reply(asked.body)
        except InspectorError as error:
            reply = Failed(error.problem)
        except Exception as error:  # a bug of ours must be seen and must not end the session
            reply = Failed(explain_bug(error))
        except BaseException as error:  # ours raises none: code of theirs would leave, where it was run beside a pass
            if isinstance(error, KeyboardInterrupt) and not self._own_process:
                raise  # a person's, at the program that this process is
            reply = Failed(_explain_leaving(error))
        self.outbox.put(reply, asked.id)
        if isinstance(asked.body, Open) and isinstance(reply, Opened) and self.session is not None:
            self.session.announce()

    def _reply(self, request: AnyRequest) -> AnyEvent:
        session = self.session
        if session is None:  # before the first there is nothing to be done, and while a program goes on to its next
            if isinstance(request, (Cancel, Shutdown)):
                return Done()
            raise InspectorError("no model is open at this moment: the program around goes on")
        if isinstance(request, (*_AT_ONCE, InPause, Look)):
            return answer(session, request)
        with session.turn():
            return answer(session, request)

    def _prepare(self) -> Session:
        """Import torch, before anybody asks for it; what it leaves for the garbage collector is looked at never again:
        one full collection during the imports takes as long as a tenth of them."""
        self.outbox.put(Stage("importing torch"))
        gc.disable()
        from .restore.process.python_settings import keep_faults, keep_frozen
        from .restore.process.streams import keep_streams
        from .session import Session
        from .values.collector import own_process

        own_process()
        keep_streams()
        keep_faults(crash.enable_faults)
        gc.freeze()
        keep_frozen()
        gc.enable()
        if not self.busy():
            self.outbox.put(Stage("no model is open"))
        return Session(self.outbox.put, self.busy, self._call_log, alone=True)


def _explain_leaving(error: BaseException) -> Problem:
    from .usercode.running import wrap_error

    hint = "raise an Exception there: it is told, and the session goes on"
    return wrap_error(error, "your code raised where that ends a program:", hint).problem


def main(fd: int, call_log: int) -> None:
    """The engine process: serve the client at the other end of the inherited socket `fd`, and leave a `call_log`."""
    crash.be_killed_first()
    fd, call_log = crash.move_out_of_the_way(fd), crash.move_out_of_the_way(call_log)
    crash.write_faults_to(call_log)
    leave = os._exit
    server = Server(socket.socket(fileno=fd), call_log=CallLog(call_log))
    server.serve()
    with contextlib.suppress(Exception):  # a model may have put anything in its place
        sys.stdout.flush()
    leave(0)  # threads that a model left behind must not hold the process
