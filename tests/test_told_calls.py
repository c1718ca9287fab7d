"""Calls on the channel: each value once, the same to the last bit, and nothing believed that an engine cannot say."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from inspector.channel import decode_told, encode
from inspector.errors import ChannelError
from inspector.records import (
    Brief,
    CallDetail,
    CallRow,
    Calls,
    Histogram,
    MappingValue,
    NoneValue,
    Preview,
    ScalarValue,
    SequenceValue,
    Statistics,
    TensorValue,
    Told,
    ToldCall,
    ToldCalls,
    ToldValue,
    Value,
)
from inspector.told_calls import DEEPEST, hear, tell

NO_NAMES = MappingValue("dict", (), (), 0)


def tensor(mean: float, **more: Any) -> TensorValue:
    return TensorValue((2, 3), "float32", "cpu", statistics=Statistics(0.0, 1.0, mean, 0.5), **more)


def call(number: int, *inputs: Value, kwargs: MappingValue = NO_NAMES, **more: Any) -> CallDetail:
    row = CallRow(number % 3, number, 2 * number, 2 * number + 1, 1, 0.5, "ok", Brief((2, 3)), file="m.py", line=3)
    return CallDetail(row, ("layers", str(number % 3)), "Linear", inputs, kwargs, **({"output": None} | more))


def sent(calls: Calls) -> Calls:
    body = decode_told(encode(Told(3, calls))[4:]).body
    assert isinstance(body, Calls)
    return body


def test_all_that_is_known_of_a_call_comes_over() -> None:
    inner = SequenceValue("Pair", (tensor(0.1), NoneValue()), 2, ("a", "b"), is_tuple=True)
    full = call(
        1,
        inner,
        kwargs=MappingValue("dict", ("x",), (inner,), 1),
        output=tensor(0.2, histogram=Histogram(0.0, 1.0, (1, 2)), preview=Preview((0,), ((1.5, 2, True, "1+2j"),))),
        previous=tensor(0.3),
        baseline=inner,
        difference=Histogram(0.0, 1.0, (3,)),
        gradients=(tensor(0.4), tensor(0.5)),
    )
    calls = Calls(1, 2, (full, call(2)), 9, "why", ("layers",), "slow")
    assert sent(calls) == calls


def test_a_value_is_told_once_and_read_as_one_object() -> None:
    """A cache that each of many calls is handed takes hardly more than one of it."""
    cache = [SequenceValue("list", tuple(tensor(layer + n / 64) for n in range(64)), 64) for layer in range(3)]
    calls = Calls(1, 1, tuple(call(n, tensor(n), cache[n % 3], output=tensor(n + 1)) for n in range(200)), 200)
    found = sent(calls)
    assert found == calls
    assert len(encode(Told(3, calls))) < len(msgspec.msgpack.encode(calls)) / 20
    assert len({id(each.inputs[1]) for each in found.calls}) == 3
    assert all(one.output is other.inputs[0] for one, other in zip(found.calls, found.calls[1:], strict=False))


def test_only_what_is_the_same_to_the_last_bit_is_the_same() -> None:
    alike: tuple[Value, ...] = (
        ScalarValue("int", 1), ScalarValue("int", True), ScalarValue("int", 1.0), tensor(0.0), tensor(-0.0),
        tensor(math.nan), SequenceValue("list", (tensor(0.0),), 1), SequenceValue("list", (tensor(-0.0),), 1),
    )  # fmt: skip
    (found,) = sent(Calls(1, 1, (call(0, *alike),), 1)).calls
    assert repr(found.inputs) == repr(alike)


@dataclass(frozen=True)
class Lie:
    what: dict[str, Any]
    words: str


def _bomb(levels: int) -> tuple[ToldValue, ...]:
    held = SequenceValue("list", (), 2)
    return (ToldValue(NoneValue()), *(ToldValue(held, (n, n)) for n in range(levels)), ToldValue(NO_NAMES))


def _deep(levels: int) -> tuple[ToldValue, ...]:
    held = SequenceValue("list", (), 1)
    return (ToldValue(NoneValue()), *(ToldValue(held, (n,)) for n in range(levels)), ToldValue(NO_NAMES))


HONEST = msgspec.msgpack.decode(
    msgspec.msgpack.encode(tell(Calls(1, 1, (call(0, tensor(0.1), output=tensor(0.2)), call(1, tensor(0.2))), 2))),
    type=ToldCalls,
)


def _with(**more: Any) -> dict[str, Any]:
    return {"calls": (replace(HONEST.calls[0], **more), HONEST.calls[1])}


@pytest.mark.parametrize(
    "lie",
    [
        Lie(_with(inputs=(99,)), "not told of"),
        Lie(_with(output=99), "not told of"),
        Lie(_with(output=-2), "not told of"),
        Lie(_with(module=7), "not told of"),
        Lie(_with(kwargs=-1), "another kind"),
        Lie(_with(kwargs=0), "another kind"),
        Lie(_with(gradients=(1,)), "another kind"),
        Lie({"calls": HONEST.calls[:1]}, ""),
        Lie({"values": (ToldValue(SequenceValue("list", (), 1), (0,)), *HONEST.values[1:])}, "not told of"),
        Lie({"values": (HONEST.values[0], ToldValue(NoneValue(), (0,)), *HONEST.values[2:])}, "holds none"),
        Lie({"values": _bomb(60), "calls": (ToldCall(0, (), 61, -1, -1, -1, None, ()),) * 2}, "more than"),
        Lie({"values": _deep(DEEPEST), "calls": (ToldCall(0, (), 101, -1, -1, -1, None, ()),) * 2}, "deeper than"),
        Lie({"values": _bomb(14), "calls": (ToldCall(0, (14,) * 600, 15, -1, -1, -1, None, ()),) * 2}, "more than"),
    ],
    ids=str,
)
def test_calls_that_do_not_go_together_are_refused(lie: Lie) -> None:
    told: ToldCalls = replace(HONEST, **lie.what)
    with pytest.raises(ValueError, match=lie.words):
        hear(told)
    with pytest.raises(ChannelError, match="calls that cannot be read"):
        decode_told(msgspec.msgpack.encode([3, told]))
