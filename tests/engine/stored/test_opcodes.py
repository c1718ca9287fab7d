"""What a pickle would do, told by our own loop: the same as `pickletools` tells, operation by operation."""

from __future__ import annotations

import argparse
import collections
import pickle
import pickletools
import struct
import sys
from typing import Any

import pytest
import torch

from inspector.engine.stored.opcodes import BloatedError, UnreadableError, tell

MARKS = ("_parameters", "_modules")
MOST = 10_000_000


def tell_slowly(data: bytes) -> tuple[set[tuple[str, str]], set[str], int]:
    """Imports, marks and the end; strings are followed as the unpickler does it."""
    imports, marks, memo, last = set(), set(), {}, ["", ""]
    end = 0
    for opcode, argument, at in pickletools.genops(data):
        if opcode.name in ("GLOBAL", "INST"):
            imports.add(tuple(str(argument).split(" ")))
        elif opcode.name == "STACK_GLOBAL":
            imports.add(tuple(last))
        elif "UNICODE" in opcode.name:
            last = [last[1], str(argument)]
            marks |= {last[1]} & set(MARKS)
        elif opcode.name == "MEMOIZE":
            memo[len(memo)] = last[1]
        elif "PUT" in opcode.name:
            memo[argument] = last[1]
        elif "GET" in opcode.name:
            last = [last[1], memo.get(argument, "")]
        end = (at or 0) + 1
    return imports, marks, end


def values() -> list[Any]:
    many = {f"layer.{n}._parameters": (n, float(n), f"{n}", [n] * 3, None, True) for n in range(700)}
    return [
        many,
        [many, many, {"_parameters": 1, "_modules": many}],
        collections.OrderedDict(many),
        argparse.Namespace(lr=1, net=argparse.Namespace(_modules=2)),
        list(range(-300, 70_000)),
        (b"bytes" * 100, "ü\ud800" * 300, 1 << 2_000, -5, 3.5, {1, 2}, frozenset((3,)), bytearray(b"x")),
        [pickle.loads, print, collections.Counter("aab"), collections.deque([1]), slice(1, 2)],
        {n: torch.Size((n,)) for n in range(300)},
    ]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("number", range(len(values())))
def test_it_tells_what_pickletools_tells(protocol: int, number: int) -> None:
    data = pickle.dumps(values()[number], protocol)
    told = tell(b"xyz" + data + data, 3, sys.maxsize, MOST, MARKS)
    assert (set(told.imports), told.marks, told.end - 3) == tell_slowly(data)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_operations_are_counted_as_pickletools_counts_them(protocol: int) -> None:
    data = pickle.dumps(values()[1], protocol)
    count = sum(1 for _ in pickletools.genops(data))
    tell(data, 0, len(data), count, MARKS)
    with pytest.raises(BloatedError):
        tell(data, 0, len(data), count - 1, MARKS)


@pytest.mark.parametrize("protocol", [2, 4])
def test_what_is_cut_off_is_unreadable(protocol: int) -> None:
    data = pickle.dumps(values()[3], protocol)
    for end in range(len(data)):
        with pytest.raises(UnreadableError):
            tell(data[:end], 0, end, MOST)
        with pytest.raises(UnreadableError):
            tell(data, 0, end, MOST)


@pytest.mark.parametrize(
    "operation",
    [
        b"r" + struct.pack("<I", 0xFFFF_FFFF),  # Python makes room for 8 thousand million objects
        b"r" + struct.pack("<I", 1 << 24),
        b"p4000000000\n",
        b"p-1\n",
    ],
)
def test_a_number_in_the_memo_that_nothing_can_have_is_refused(operation: bytes) -> None:
    for head in (b"\x80\x02]", b"\x80\x04\x8c\x01a\x8c\x01b\x93"):
        with pytest.raises(BloatedError):
            tell(head + operation + b".", 0, 1 << 20, MOST)


def test_a_string_longer_than_one_may_be_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.engine.stored.opcodes.MAX_TEXT", 1_000)
    with pytest.raises(BloatedError, match="1,001 bytes"):
        tell(pickle.dumps("x" * 1_001, 4), 0, 1 << 20, MOST)
