"""`--print`: the same engine process as behind the app, asked from here without a screen.

The model runs in the child, so what it prints goes to standard error and can never spoil the report. A pass that kills
its process, and one that is interrupted, is reported like any other that failed, with what was captured until then.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from msgspec.structs import replace

from ..channel import check_greeting, decode_told, encode, receive
from ..client.process import Connection, how_it_ended, kind_of_end, start_engine
from ..errors import ChannelError, InspectorError
from ..postmortem.read import Postmortem, clear_faults, read
from ..postmortem.record import ASK
from ..records import (
    AnyEvent,
    AnyRequest,
    Asked,
    CallDetail,
    CallRow,
    CallRows,
    Calls,
    Choices,
    Failed,
    GetLocations,
    GetTrace,
    Location,
    Locations,
    ModuleRow,
    ModuleRows,
    Note,
    Open,
    Opened,
    PassEnded,
    Problem,
    Run,
    Shutdown,
    Target,
)
from ..report.calls import render_calls
from ..report.json_report import render_json
from ..report.model import Report
from ..report.problem import render_problem
from ..report.tree import render_tree
from ..text import visible

PAGE = 200
"""Calls fetched per request."""

PATIENCE = 5
"""Seconds an engine has to leave."""

LOOK = 0.05
"""Seconds that Python gets to write down where it is."""


class Gone(InspectorError):
    """The engine ended, or was ended, before it answered; `left` are what it left."""

    def __init__(self, problem: Problem, left: Postmortem) -> None:
        super().__init__(problem.what)
        self.problem = problem
        self.left = left


def print_report(target: Target, form: str, out: Callable[[str], object]) -> int:
    """Load, run and report. Returns the exit code.

    Args:
        target: What to open.
        form: "tree", "calls" or "json".
        out: Writes the report.
    """
    client = Client(start_engine())
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminate)
    try:
        return _print(client, target, form, out)
    except Gone as gone:
        return _print_postmortem(client, gone, form, out)
    except InspectorError as error:
        sys.stderr.write(render_problem(error.problem))
        return error.problem.exit_code
    except KeyboardInterrupt as interrupt:
        number = signal.SIGTERM if isinstance(interrupt, _Terminated) else signal.SIGINT
        return _print_postmortem(client, client.interrupt(128 + number), form, out)
    finally:
        client.close()


class _Terminated(KeyboardInterrupt):
    """SIGTERM, as CI sends it to what takes too long."""


def _terminate(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # once is enough: what follows takes no time
    raise _Terminated


def _print_postmortem(client: Client, gone: Gone, form: str, out: Callable[[str], object]) -> int:
    """The report of a pass that ended with its engine. Without a model there is none."""
    client.drain()
    opened, left, problem = client.opened, gone.left, gone.problem
    if opened is not None and len(client.modules) == opened.info.rows:
        rows, details = [call.row for call in left.calls], left.calls if form == "json" else ()
        found = Report(
            opened.info, client.modules, rows, details, client.places, summary=left.summary(problem), problem=problem
        )
        out(_text(found, form))
    sys.stderr.write(render_problem(problem))
    return problem.exit_code


def _print(client: Client, target: Target, form: str, out: Callable[[str], object]) -> int:
    opened = client.ask(Open(target))
    if isinstance(opened, Choices):
        return _say_choices(opened)
    assert isinstance(opened, Opened)
    client.opened = opened
    client.hear_modules(opened.info.rows)
    if form == "json":
        client.places = _locations(client, opened.generation)
    summary = problem = None
    if target.run and not (opened.info.callable and opened.info.runnable):
        pass  # a note says so
    elif target.run and opened.info.lazy and not target.materialize:
        problem = _lazy(opened)
    elif target.run and not opened.form:
        ended = client.ask(
            Run(
                opened.generation,
                backward=target.backward,
                batches=target.batches,
                loss=target.loss,
                optimizer=target.optimizer,
                loader=target.loader,
            )
        )
        assert isinstance(ended, PassEnded)
        summary, problem = ended.summary, ended.summary.problem
    elif target.run and opened.info.callable:
        problem = _no_input(opened)
    found = Report(
        opened.info,
        client.modules,
        client.calls,
        _details(client, opened.generation) if form == "json" else (),
        client.places,
        summary,
        problem,
    )
    out(_text(found, form))
    if problem is not None:
        sys.stderr.write(render_problem(problem))
    return 0 if problem is None else problem.exit_code


def _text(found: Report, form: str) -> str:
    if form == "json":
        return render_json(found) + "\n"
    width = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 120
    return render_calls(found, width) if form == "calls" else render_tree(found, width)


def _details(client: Client, generation: int) -> list[CallDetail]:
    details: list[CallDetail] = []
    while len(details) < len(client.calls):
        page = client.ask(GetTrace(generation, len(details), PAGE))
        assert isinstance(page, Calls)
        details += page.calls
    return details


def _locations(client: Client, generation: int) -> tuple[Location, ...]:
    reply = client.ask(GetLocations(generation))
    assert isinstance(reply, Locations)
    return reply.rows


def _lazy(opened: Opened) -> Problem:
    return Problem(
        what=f"lazy modules: {opened.info.lazy}. A pass would give them their shapes; nothing was run",
        hint="--materialize allows it (they are made lazy again after the pass), or --no-forward",
        kind="Lazy",
        exit_code=2,
    )


def _no_input(opened: Opened) -> Problem:
    names = ", ".join(f"{field.name}{'' if field.required else '?'}" for field in opened.form)
    proposals = " ".join(f"-i {field.name}={field.proposal}" for field in opened.form if field.proposal)
    tried = f" (the likeliest guess failed: {opened.problem.what})" if opened.problem else ""
    return Problem(
        what=f"the sample input is unknown{tried}",
        where=f"forward({names})",
        hint=f"give it: {proposals or '-i 1x3x224x224'}, or --no-forward",
        kind="NoInput",
        exit_code=2,
    )


def _say_choices(choices: Choices) -> int:
    sys.stderr.write(f"inspector: {visible(choices.title)}; name one of them:\n")
    for choice in choices.items:
        sys.stderr.write(f"  inspector {visible(choice.name)}    {visible(choice.kind)} {visible(choice.detail)}\n")
    return 2


class Client:
    """A blocking client of one engine: asks, and keeps what the engine tells meanwhile."""

    def __init__(self, connection: Connection) -> None:
        self.modules: list[ModuleRow] = []
        self.calls: list[CallRow] = []
        assert connection.process is not None
        self.opened: Opened | None = None
        self.places: tuple[Location, ...] = ()
        self._connection = connection
        self._process = connection.process
        self._call_log = connection.call_log
        self._sock = connection.sock
        self._last = 0
        self._drains = [threading.Thread(target=_to_stderr, args=(fd,), daemon=True) for _, fd in connection.pipes]
        for drain in self._drains:
            drain.start()
        self._greeted = False

    def ask(self, request: AnyRequest) -> AnyEvent:
        """The reply to `request`.

        Raises:
            InspectorError: The engine could not, or is gone.
        """
        self._last += 1
        try:
            self._sock.sendall(encode(Asked(self._last, request)))
        except OSError:
            raise self._gone() from None
        while True:
            told = self._next()
            if told[0] == self._last:
                reply = told[1]
                if isinstance(reply, Failed):
                    error = InspectorError(reply.problem.what)
                    error.problem = reply.problem
                    raise error
                return reply
            self._keep(told[1])

    def hear_modules(self, total: int) -> None:
        """Wait for the module list that follows an `Opened`."""
        while len(self.modules) < total:
            self._keep(self._next()[1])

    def interrupt(self, exit_code: int) -> Gone:
        """End the engine in the middle of whatever it does; says where that was."""
        if self._call_log is not None and self._greeted:
            clear_faults(self._call_log)
            with contextlib.suppress(OSError):
                self._process.send_signal(ASK)
            time.sleep(LOOK)
        left = self._postmortem()
        self.kill()
        problem = left.problem("was interrupted", "Interrupted", "", self._meanwhile)
        return Gone(replace(problem, exit_code=exit_code), left)

    def drain(self) -> None:
        """Let everything that was printed be written before what is written next."""
        self.kill()  # what the engine started holds its pipes open
        for drain in self._drains:
            drain.join(1)

    def kill(self) -> None:
        """End the engine and everything it started, at once."""
        self._connection.end_everything()

    def close(self) -> None:
        """Ask the engine to leave, and end what is still there."""
        with contextlib.suppress(InspectorError, OSError):
            self._sock.settimeout(PATIENCE)
            self.ask(Shutdown())
        self._sock.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it is killed below
            self._process.wait(1)
        self.kill()
        self._process.wait()
        for drain in self._drains:
            drain.join(1)
        if self._call_log is not None:
            os.close(self._call_log)
            self._call_log = None

    def _next(self) -> tuple[int, AnyEvent]:
        try:
            body = receive(self._sock)
        except (OSError, ChannelError):
            body = None
        if body is None:
            raise self._gone()
        told = decode_told(body)
        if not self._greeted:
            check_greeting(told)
            self._greeted = True
        return told.id, told.body

    def _keep(self, event: AnyEvent) -> None:
        if isinstance(event, Opened):
            self.opened = event
        elif isinstance(event, ModuleRows):
            self.modules += event.rows
        elif isinstance(event, CallRows):
            self.calls += event.rows
        elif isinstance(event, Note):
            sys.stderr.write(f"inspector: {visible(event.text)}\n")

    def _gone(self) -> Gone:
        try:
            code: int | None = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            code = None
        left = self._postmortem()
        meanwhile = self._meanwhile
        hint = left.hint(code == -signal.SIGKILL) + "the lines above are what it printed last"
        if code is None:
            return Gone(left.problem("does not answer any more", "EngineClosed", hint, meanwhile), left)
        return Gone(left.problem(how_it_ended(code), kind_of_end(code), hint, meanwhile), left)

    @property
    def _meanwhile(self) -> str:
        return "" if self.opened is not None else "while loading the model" if self._greeted else "at its start"

    def _postmortem(self) -> Postmortem:
        return read(self._call_log) if self._call_log is not None else Postmortem()


def _to_stderr(fd: int) -> None:
    """What the model prints, harmless for whatever terminal is there."""
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    with contextlib.suppress(OSError):
        while part := os.read(fd, 65536):
            sys.stderr.write(visible(decoder.decode(part), keep="\n\t\r"))
            sys.stderr.flush()
