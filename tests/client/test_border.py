"""An engine that lies: what no engine of ours says is refused in a line, and everything else is let through."""

from __future__ import annotations

import struct
from random import Random
from typing import get_args

import msgspec
import pytest

from inspector.channel import decode_asked
from inspector.client.conversation import Conversation
from inspector.errors import ChannelError
from inspector.records import (
    PROTOCOL,
    AnyEvent,
    AnyRequest,
    Brief,
    CallColumns,
    CallCost,
    CallDetail,
    CallRow,
    CallRows,
    Calls,
    Choices,
    Cost,
    CostRow,
    Costs,
    Done,
    Failed,
    GetTrace,
    Hello,
    HookMarks,
    ListTargets,
    MappingValue,
    MeasureCosts,
    ModelInfo,
    ModuleRow,
    ModuleRows,
    NoneValue,
    Note,
    Open,
    Opened,
    PassEnded,
    PassSummary,
    Problem,
    Progress,
    Run,
    SequenceValue,
    Target,
    Told,
)
from inspector.records.replies import REPLIES
from tests.mutants import make_record, mutate

INFO = ModelInfo("net", "your model", "Net", 2, 2, 0, 0, 0, 0, False, "cpu", "2")
ROWS = (ModuleRow(0, -1, "", "Net", 0, 0, 0), ModuleRow(1, 0, "a", "Linear", 0, 0, 0))
CALL = CallRow(1, 0, 0, 1, 0, 0.5, "ok", Brief())
EMPTY = MappingValue("dict", (), (), 0)
NO = Failed(Problem("no"))


def body(event: AnyEvent, number: int = 0) -> bytes:
    return msgspec.msgpack.encode(Told(number, event))


@pytest.fixture
def conversation() -> Conversation:
    """After a model of two modules was opened and announced."""
    opened = Conversation()
    for event in (Hello(PROTOCOL, 1, "3"), Opened(1, INFO), ModuleRows(1, ROWS, 2)):
        opened.hear(body(event))
    return opened


def ask(conversation: Conversation, request: AnyRequest) -> int:
    return decode_asked(conversation.ask(request, lambda reply: None)[4:]).id


def nest(depth: int) -> SequenceValue | NoneValue:
    value: SequenceValue | NoneValue = NoneValue()
    for _ in range(depth):
        value = SequenceValue("list", (value,), 1)
    return value


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        (Done(), "Done without being asked"),
        (Hello(PROTOCOL, 1, "3"), "Hello without being asked"),
        (Note("info", "x" * (1 << 21)), "more than anybody can look at"),
        (Opened(0, INFO), "a model out of order"),
        (Opened(1, msgspec.structs.replace(INFO, rows=3)), "another module list"),
        (ModuleRows(1, ROWS[:1], 2), "more rows of the module list"),
        (CallRows(2, 1, CallColumns.of([CALL]), 1), "of a model that it did not open"),
        (CallRows(1, 1, CallColumns.of([msgspec.structs.replace(CALL, module=2)]), 1), "of module 2 of 2"),
        (CallRows(1, 1, CallColumns.of([CALL, CALL]), 1), "more calls than it announced"),
        (HookMarks(1, b"\1"), "hook marks"),
        (HookMarks(1, b"\1\7"), "hook marks"),
        (HookMarks(1, b"\1\1", {9: 1}), "of module 9"),
        (HookMarks(1, b"\1\1", edited=(-1,)), "of module -1"),
        (Progress(1, 1, 2, 5, 0.0), "of module 5"),
        (PassEnded(1, PassSummary(1, 0.0, 1, direct=(7,))), "of module 7"),
        (PassEnded(1, PassSummary(1, 0.0, 1, output=nest(60))), "nested too deep"),
        (PassEnded(1, PassSummary(1, 0.0, 1, steps=1 << 40)), "a pass of 1,099,511,627,776 steps"),
        (Opened(2, INFO), "another model without being asked"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_lies_told_by_itself(lie: AnyEvent, words: str, conversation: Conversation) -> None:
    with pytest.raises(ChannelError, match=f"^the engine sent .*{words}"):
        conversation.hear(body(lie))


@pytest.mark.parametrize(
    "rows",
    [
        (ROWS[1],),
        (ROWS[0], ROWS[0]),
        (ROWS[0], msgspec.structs.replace(ROWS[1], parent=1)),
        (ROWS[0], msgspec.structs.replace(ROWS[1], parent=-1)),
        (msgspec.structs.replace(ROWS[0], parent=0),),
        (ROWS[0], msgspec.structs.replace(ROWS[1], alias_of=1)),
        (ROWS[0], ROWS[1], msgspec.structs.replace(ROWS[1], index=2)),
        (*ROWS, ModuleRow(2, 0, "b", "ReLU", 0, 0, 0), ModuleRow(3, 1, "late", "ReLU", 0, 0, 0)),
    ],
)
def test_rows_that_make_no_tree(rows: tuple[ModuleRow, ...]) -> None:
    conversation = Conversation()
    conversation.hear(body(Hello(PROTOCOL, 1, "3")))
    conversation.hear(body(Opened(1, msgspec.structs.replace(INFO, rows=4))))
    with pytest.raises(ChannelError, match="of the module list"):
        conversation.hear(body(ModuleRows(1, rows, 4)))


def test_hook_marks_come_after_the_modules_that_they_are_of() -> None:
    conversation = Conversation()
    for event in (Hello(PROTOCOL, 1, "3"), Opened(1, INFO), ModuleRows(1, ROWS[:1], 2)):
        conversation.hear(body(event))
    with pytest.raises(ChannelError, match="before the module list"):
        conversation.hear(body(HookMarks(1, b"\1\1")))


def test_another_model_is_told_of_while_one_is_asked_for(conversation: Conversation) -> None:
    number = ask(conversation, Open(Target("net")))
    conversation.hear(body(Opened(2, INFO, guessing=True)))
    assert conversation.hear(body(Opened(2, INFO), number)) is not None


@pytest.mark.parametrize("code", [0, 256, -1])
def test_what_was_wrong_is_never_the_exit_code_of_success(code: int, conversation: Conversation) -> None:
    problem = msgspec.structs.replace(NO.problem, exit_code=code)
    with pytest.raises(ChannelError, match="cannot be read"):
        conversation.hear(body(Failed(problem)))


def test_answers_come_once_of_the_kind_that_was_asked_for(conversation: Conversation) -> None:
    number = ask(conversation, ListTargets())
    with pytest.raises(ChannelError, match="Done as the answer to ListTargets"):
        conversation.hear(body(Done(), number))
    assert conversation.hear(body(Choices("", ()), number)) is None
    for unknown in (number, 99, -1):
        with pytest.raises(ChannelError, match="an answer to nothing"):
            conversation.hear(body(NO, unknown))


def test_a_page_is_the_one_that_was_asked_for(conversation: Conversation) -> None:
    detail = CallDetail(CALL, ("a",), "Linear", (), EMPTY, None)
    for calls, total in (((), 5), ((detail, detail), 5)):
        with pytest.raises(ChannelError, match="the page that was asked for"):
            conversation.hear(body(Calls(1, 1, calls, total), ask(conversation, GetTrace(1, 0, 1))))
    conversation.hear(body(Calls(1, 1, (), 0), ask(conversation, GetTrace(1, 0, 1))))


@pytest.mark.parametrize("ms", [float("nan"), float("inf")])
def test_a_time_is_a_number(ms: float, conversation: Conversation) -> None:
    with pytest.raises(ChannelError, match="cannot be read"):
        conversation.hear(body(PassEnded(1, PassSummary(1, ms, 1)), ask(conversation, Run(1))))


def test_every_request_has_its_replies() -> None:
    assert set(get_args(AnyRequest)) == set(REPLIES)
    for request, replies in REPLIES.items():
        words = "".join((request.__doc__ or "").split())
        assert "Reply:" not in words or all(f"`{reply.__name__}`" in words for reply in replies), request


@pytest.mark.parametrize("kind", get_args(AnyEvent), ids=lambda kind: kind.__name__)
def test_any_message_is_taken_or_refused_in_a_line(kind: type, conversation: Conversation) -> None:
    random = Random(kind.__name__)
    for _ in range(100):
        told = Told(random.choice((0, 0, 1)), make_record(kind, random))
        try:
            conversation.hear(mutate(told, random))
        except ChannelError as error:
            assert error.problem.what and not error.problem.traceback


@pytest.mark.parametrize("seed", range(20))
def test_bytes_that_are_no_message_are_refused_in_a_line(seed: int, conversation: Conversation) -> None:
    random = Random(seed)
    for junk in (random.randbytes(200), struct.pack("!I", 2**31), b"\x91" * 100_000, b"", body(NO)[:-3]):
        with pytest.raises(ChannelError):
            conversation.hear(junk)


@pytest.mark.parametrize("of_calls", [True, False])
def test_costs_are_of_modules_that_there_are(of_calls: bool, conversation: Conversation) -> None:
    cost = Cost(1.0, 1.0, None, None, 0, 0)
    told = Costs(1, (CostRow(1, 1, cost),), (CallCost(0, 0, cost),), 1.0, 5, "host")
    conversation.hear(body(told, ask(conversation, MeasureCosts(1))))
    calls, rows = ((CallCost(2, 0, cost),), ()) if of_calls else ((), (CostRow(2, 1, cost),))
    lie = msgspec.structs.replace(told, rows=rows, calls=calls)
    with pytest.raises(ChannelError, match="Costs of module 2 of 2"):
        conversation.hear(body(lie, ask(conversation, MeasureCosts(1))))
