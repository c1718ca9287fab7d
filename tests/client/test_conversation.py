"""The half of a client that needs no process, no socket and no loop."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from inspector.channel import decode_asked
from inspector.client.conversation import _DOING, Conversation
from inspector.errors import ChannelError
from inspector.records import (
    PROTOCOL,
    AnyEvent,
    AnyRequest,
    Calls,
    Cancel,
    Done,
    Failed,
    GetCalls,
    GetTrace,
    GoOnWith,
    Hello,
    ListTargets,
    MeasureCosts,
    ModelInfo,
    Note,
    Open,
    Opened,
    Problem,
    Progress,
    Query,
    Run,
    RunSweep,
    Save,
    Shutdown,
    Target,
    Told,
)

HELLO = Hello(PROTOCOL, 1, "3")
INFO = ModelInfo("net", "your model", "Net", 1, 1, 0, 0, 0, 0, False, "cpu", "2")


def body(event: AnyEvent, number: int = 0) -> bytes:
    return msgspec.msgpack.encode(Told(number, event))


@pytest.fixture
def conversation() -> Conversation:
    greeted = Conversation()
    assert greeted.hear(body(HELLO)) == HELLO == greeted.hello
    return greeted


def number_of(frame: bytes) -> int:
    return decode_asked(frame[4:]).id


def test_a_program_that_was_asked_to_go_on_comes_with_its_model_again(conversation: Conversation) -> None:
    conversation.hear(body(Opened(1, INFO)))
    conversation.ask(GoOnWith(1, "over"), lambda event: None)
    assert conversation.hear(body(Opened(2, INFO))) == Opened(2, INFO)
    with pytest.raises(ChannelError, match="another model"):
        conversation.hear(body(Opened(3, INFO)))


def test_replies_go_to_whoever_asked_in_whatever_order_they_come(conversation: Conversation) -> None:
    first: list[AnyEvent] = []
    second: list[AnyEvent] = []
    numbers = [number_of(conversation.ask(GetTrace(1, 0, 9), replies.append)) for replies in (first, second)]
    assert 0 not in numbers and len(set(numbers)) == 2
    calls, refusal = Calls(0, 1, (), 0), Failed(Problem("no"))
    assert conversation.hear(body(refusal, numbers[1])) is None and conversation.hear(body(calls, numbers[0])) is None
    assert (first, second) == ([calls], [refusal])


@pytest.mark.parametrize("event", [Note("info", "x"), Progress(0, 1, 2, 0, 0.0), Opened(1, INFO)])
def test_what_answers_nothing_is_for_everybody(event: AnyEvent, conversation: Conversation) -> None:
    assert conversation.hear(body(event)) == event


def test_a_reply_that_changes_the_model_is_for_everybody_too(conversation: Conversation) -> None:
    replies: list[AnyEvent] = []
    number = number_of(conversation.ask(Open(Target("net")), replies.append))
    assert conversation.hear(body(Opened(1, INFO), number)) == Opened(1, INFO)
    assert replies == [Opened(1, INFO)]


def test_who_does_not_greet_is_not_listened_to() -> None:
    for first in (Done(), Hello(PROTOCOL + 1, 1, "3")):
        conversation = Conversation()
        with pytest.raises(ChannelError):
            conversation.hear(body(first))
        assert conversation.hello is None


def test_what_cannot_be_sent_waits_for_no_reply(conversation: Conversation) -> None:
    replies: list[AnyEvent] = []
    with pytest.raises(ChannelError):
        conversation.ask(Open(Target("\udcff")), replies.append)
    conversation.end(Problem("gone"))
    assert not conversation.busy and not replies


def test_an_end_answers_everybody_once(conversation: Conversation) -> None:
    replies: list[AnyEvent] = []
    for request in (ListTargets(), Run(1)):
        conversation.ask(request, replies.append)
    conversation.end(Problem("gone"))
    conversation.end(Problem("again"))
    assert replies == [Failed(Problem("gone"))] * 2


def test_it_says_what_the_engine_is_busy_with(conversation: Conversation) -> None:
    def ignore(reply: AnyEvent) -> None:
        pass

    conversation.ask(GetTrace(1, 0, 9), ignore)
    assert (conversation.busy, conversation.meanwhile) == (False, "")
    number = number_of(conversation.ask(Open(Target("net")), ignore))
    assert (conversation.busy, conversation.meanwhile) == (True, "while loading the model")
    conversation.hear(body(Failed(Problem("no")), number))
    assert not conversation.busy
    ungreeted = Conversation()
    assert ungreeted.meanwhile == ""
    ungreeted.ask(Open(Target("net")), ignore)
    assert ungreeted.meanwhile == "at its start"


def test_whatever_is_asked_is_named() -> None:
    """But for what is told of by itself: a model that is opened, a pass, a sweep, costs, and what ends them."""
    kinds = {kind for kind in get_args(AnyRequest) if not issubclass(kind, Query)}
    assert kinds - set(_DOING) == {Open, Run, RunSweep, MeasureCosts, Cancel, Shutdown}


def test_what_is_waited_for_longest_is_told_and_whether_it_can_be_stopped(conversation: Conversation) -> None:
    assert conversation.doing == (0, "") and not conversation.stoppable
    for request in (GetTrace(1, 0, 1), ListTargets(), GetCalls(1, (), values=True)):
        conversation.ask(request, lambda reply: None)
    assert conversation.doing == (1, "looking at the model") and not conversation.stoppable
    conversation.ask(GetCalls(1, (), values=True, force=True), lambda reply: None)
    assert conversation.stoppable
    writing = Conversation()
    writing.ask(Save(1, "clean.safetensors"), lambda reply: None)
    assert writing.doing == (1, "writing the file") and writing.stoppable
