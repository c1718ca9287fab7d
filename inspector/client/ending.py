"""What the end of an engine means: in words, and what can still be answered from what it left behind."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from ..postmortem.read import Postmortem
from ..records import AnyRequest, CallColumns, CallRows, Calls, GetCalls, GetTrace, PassEnded, Problem
from .process import describe_exit, name_exit


@dataclass(frozen=True)
class Ending:
    """How an engine ended.

    Args:
        how: In words that follow "the engine": "was killed by SIGSEGV".
        kind: What a program may tell it by: "SIGSEGV".
        advice: What to do next, "" for nothing.
    """

    how: str
    kind: str
    advice: str = ""


def explain_exit(code: int | None, postmortem: Postmortem, advice: str) -> Ending:
    """The ending of a process that nobody asked to end.

    Args:
        code: Its exit status as `subprocess` gives it; None where it still runs and only its connection ended.
        postmortem: What it left behind.
        advice: What to do after any ending; what may help with this one is put before it.
    """
    if code is None:
        return Ending("closed its connection", "EngineClosed", advice)
    return Ending(describe_exit(code), name_exit(code), postmortem.advise(code == -signal.SIGKILL) + advice)


def explain_lost_connection(meanwhile: str) -> Problem:
    """The problem where the engine lives in somebody else's process, of which nothing more is known."""
    return Problem(" ".join(("the process that has the model ended the connection", meanwhile)).rstrip())


def replay(postmortem: Postmortem, problem: Problem) -> tuple[CallRows, PassEnded] | tuple[()]:
    """The events of the pass that an engine died in, as if the pass had failed with `problem`; none where nobody was
    waiting for one."""
    began = postmortem.began
    if began is None or not postmortem.shown:
        return ()
    rows = CallColumns.of(call.row for call in postmortem.calls)
    calls = CallRows(began.generation, began.number, rows, len(rows))
    return calls, PassEnded(began.generation, postmortem.summarize(problem))


def answer(postmortem: Postmortem, request: AnyRequest) -> Calls | None:
    """The reply that an engine left behind, None where it left none: the calls of the pass it died in."""
    began = postmortem.began
    if began is None or not postmortem.shown or not isinstance(request, GetCalls | GetTrace):
        return None
    if isinstance(request, GetCalls):
        calls = [call for call in postmortem.calls if call.path == request.path]
        return Calls(began.generation, began.number, tuple(calls), len(calls), path=request.path)
    page = postmortem.calls[request.first : request.first + request.count]
    return Calls(began.generation, began.number, page, len(page))
