"""One conversation with an engine: what was asked, whose reply came, and which events everybody hears.

Pure: frames go in and out as bytes, and no loop, socket or process is known here.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from ..channel import check_greeting, decode_told, encode
from ..records import (
    AddHook,
    AnyEvent,
    AnyRequest,
    Asked,
    Changes,
    CompleteLine,
    DisableAll,
    EditParameters,
    EstimateMemory,
    Evaluate,
    Failed,
    FindFirstBad,
    GetCalls,
    GetLines,
    GetSource,
    GoOnWith,
    Hello,
    HookMarks,
    ListKinds,
    ListTargets,
    LoadRecipe,
    LoadStateDict,
    MeasureCosts,
    Observe,
    Open,
    Opened,
    PassEnded,
    Problem,
    Query,
    RemoveHook,
    ReplaceHook,
    Run,
    RunSweep,
    Save,
    SetHook,
    SetInput,
    SetStops,
    ShowStep,
    TakeBaseline,
    TryStateDict,
    Undo,
)
from .border import Border, check_size

OnReply = Callable[[AnyEvent], object]

_CHANGES = (Opened, HookMarks, PassEnded, Changes)
"""Replies that change what a client knows: everybody hears them, in the order in which they came."""

_MEANWHILE = {
    Run: "during the forward pass",
    RunSweep: "during the sweep",
    MeasureCosts: "while measuring costs",
    FindFirstBad: "while looking for the first bad value",
    EstimateMemory: "while estimating memory",
    Open: "while loading the model",
    SetInput: "while making the input",
}
"""Requests that run other people's code, and what they do in words."""

_DOING = {
    SetInput: "making the input",
    LoadStateDict: "loading the state dict",
    TryStateDict: "comparing the state dict",
    Save: "writing the file",
    LoadRecipe: "reading the hooks",
    AddHook: "adding the hook",
    ReplaceHook: "changing the hook",
    RemoveHook: "removing the hook",
    SetHook: "switching the hook",
    DisableAll: "switching hooks off",
    Observe: "switching observe hooks",
    EditParameters: "changing parameters",
    Undo: "undoing",
    TakeBaseline: "taking the baseline",
    ShowStep: "going to the step",
    GetCalls: "fetching values",
    GetLines: "fetching what lines made",
    EstimateMemory: "estimating memory",
    FindFirstBad: "looking for the first bad value",
    GetSource: "looking for the source",
    SetStops: "setting stops",
    GoOnWith: "going on",
    Evaluate: "running a line",
    CompleteLine: "completing a line",
    ListTargets: "looking for models",
    ListKinds: "looking for hooks",
}
"""What may take its time besides opening and running, in words."""
_LOOKING = "looking at the model"
"""Whatever else is asked of it."""


class Conversation:
    """From the engine's greeting to its end. `hello` is the greeting, None before it."""

    def __init__(self) -> None:
        self.hello: Hello | None = None
        self.border = Border()
        self._numbers = count(1)
        self._waiting: dict[int, tuple[AnyRequest, OnReply]] = {}
        self._goes_on = False  # a program that stands still around was asked to go on, and comes with a model again

    @property
    def busy(self) -> bool:
        """Something is being waited for that runs other people's code."""
        return any(type(request) in _MEANWHILE for request, _ in self._waiting.values())

    @property
    def _opening(self) -> bool:
        return self._goes_on or any(type(request) is Open for request, _ in self._waiting.values())

    @property
    def doing(self) -> tuple[int, str]:
        """What has been waited for longest besides opening and running, by its number and in words; (0, "") for
        nothing."""
        named = ((number, _say_doing(request)) for number, (request, _) in self._waiting.items())
        return next((each for each in named if each[1]), (0, ""))

    @property
    def stoppable(self) -> bool:
        """A pass fetches values that somebody wanted however long it takes, costs are measured, memory is estimated, or
        a file is written: each can be cancelled."""
        return any(
            isinstance(request, Save | MeasureCosts | EstimateMemory | FindFirstBad)
            or (isinstance(request, GetCalls | GetLines) and request.force)
            for request, _ in self._waiting.values()
        )

    @property
    def meanwhile(self) -> str:
        """What the engine is asked to do just now: "while loading the model"; "" where nothing can go wrong in it."""
        if self._waiting and self.hello is None:
            return "at its start"
        requests = [type(request) for request, _ in self._waiting.values()]
        return next((words for kind, words in _MEANWHILE.items() if kind in requests), "")

    def ask(self, request: AnyRequest, on_reply: OnReply) -> bytes:
        """The frame that asks for `request`; `on_reply` is called once, with the reply or with what came instead.

        Raises:
            ChannelError: The request cannot be sent. Nothing waits for a reply.
        """
        number = next(self._numbers)
        frame = encode(Asked(number, request))
        self._waiting[number] = request, on_reply
        self._goes_on = self._goes_on or (isinstance(request, GoOnWith) and request.how != "abort")
        return frame

    def hear(self, body: bytes) -> AnyEvent | None:
        """Take in the body of one frame: hand on a reply, and return the event where everybody shall hear it.

        Raises:
            ChannelError: It cannot be read, the greeting is not one of this version, or it is nothing that an engine
                says here.
        """
        told = decode_told(body)
        if self.hello is None:
            self.hello = check_greeting(told)
            return self.hello
        check_size(told.body, len(body))
        if told.id == 0:
            self.border.check_unasked(told.body, self._opening)
            self._goes_on = self._goes_on and not isinstance(told.body, Opened)
            return told.body
        request, on_reply = self._waiting.get(told.id, (None, _ignore))
        self.border.check_reply(request, told.body, self._opening)
        del self._waiting[told.id]
        on_reply(told.body)
        return told.body if isinstance(told.body, _CHANGES) else None

    def end(self, problem: Problem) -> None:
        """The engine answers no more: whoever waits for a reply gets `problem`."""
        waiting, self._waiting = self._waiting, {}
        for _, on_reply in waiting.values():
            on_reply(Failed(problem))


def _say_doing(request: AnyRequest) -> str:
    return _DOING.get(type(request), _LOOKING if isinstance(request, Query) else "")


def _ignore(event: AnyEvent) -> None:
    pass
