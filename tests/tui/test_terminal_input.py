"""What a terminal sends: every key that Textual knows comes as it is, and everything else does no harm."""

from __future__ import annotations

from random import Random

import pytest
from textual import events
from textual._xterm_parser import XTermParser
from textual.keys import Keys
from textual.message import Message

from inspector.tui.terminal.flood import DONE_OF_A_FLOOD, FLOOD, thin_flood
from inspector.tui.terminal.terminal_input import (
    AT_ONCE,
    LARGEST,
    PASTE_LIMIT,
    PATIENCE,
    UNMARKED_PATIENCE,
    TerminalInput,
)

from ..terminal.sequences import KNOWN, NAMED, make_sequence

LATER = 10.0
"""Seconds after which nothing is waited for any more."""


def hear(*parts: bytes) -> list[Message]:
    """What comes of these reads, one right after the other, and of the silence after them."""
    terminal = TerminalInput()
    return [message for part in parts for message in terminal.feed(part, 0.0)] + terminal.tick(LATER)


def keys(messages: list[Message]) -> list[tuple[str, str | None]]:
    return [(message.key, message.character) for message in messages if isinstance(message, events.Key)]


def textuals(sequence: bytes) -> list[tuple[str, str | None]]:
    parser = XTermParser()
    messages = [*parser.feed(sequence.decode()), *parser.feed("")]
    return [key for key in keys(messages) if key[0] != Keys.Ignore]


@pytest.mark.parametrize("sequence", KNOWN, ids=repr)
def test_a_key_is_what_textual_takes_it_for_in_one_read_or_two(sequence: bytes) -> None:
    expected = textuals(sequence)
    assert keys(hear(sequence)) == expected
    for at in range(1, len(sequence)):
        assert keys(hear(sequence[:at], sequence[at:])) == expected


@pytest.mark.parametrize("sequence", NAMED, ids=repr)
def test_the_key_after_anything_is_heard(sequence: bytes) -> None:
    assert keys(hear(sequence, b"j"))[-1] == ("j", "j")
    for at in range(1, len(sequence)):
        assert keys(hear(sequence[:at], sequence[at:] + b"j"))[-1] == ("j", "j")


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        (b"\x1b[97;1:1;97u", [("a", "a")]),  # pressed
        (b"\x1b[97;1:2;97u", [("a", "a")]),  # repeated
        (b"\x1b[97;1:3;97u", []),  # released
        (b"\x1b[1089::99;5u", [("ctrl+с", None)]),  # what the key is in another layout
        (b"\x1b[1;5:1A", [("ctrl+up", None)]),
        (b"\x1b\x1b[A", [("escape", "\x1b"), ("up", None)]),
        (b"\x1b\xc3\xa9", [("alt+é", "é")]),
        (b"\x1b", [("escape", "\x1b")]),
        (b"\x00", [("ctrl+@", "\x00")]),
        ("é漢".encode(), [("é", "é"), ("漢", "漢")]),
        (b"\x1b[?1;2c", []),
        (b"\x1b]52;c;cHduZWQ=\x07", []),
        (b"\x1b]11;never ended", []),
        (b"\x1b[1;5", []),
        (b"\xff\xc3", []),
    ],
)
def test_what_a_sequence_means(sequence: bytes, expected: list[tuple[str, str | None]]) -> None:
    assert keys(hear(sequence)) == expected


def test_a_paste_may_be_split_anywhere() -> None:
    sequence = "\x1b[200~a\0é\x1b[A\x1b[201~j".encode()
    for at in range(1, len(sequence)):
        paste, key = hear(sequence[:at], sequence[at:])
        assert isinstance(paste, events.Paste) and paste.text == "aé\x1b[A"
        assert isinstance(key, events.Key) and key.key == "j"


def test_a_paste_without_end_is_taken_after_a_silence_and_said() -> None:
    said: list[str] = []
    terminal = TerminalInput(said.append)
    assert terminal.feed(b"\x1b[200~abc", 0.0) == terminal.feed(b"d", 0.4) == terminal.tick(0.4 + PATIENCE / 2) == []
    (paste,) = terminal.tick(0.4 + PATIENCE)
    assert isinstance(paste, events.Paste) and paste.text == "abcd"
    assert said == ["a paste that did not end was taken as it is"]
    assert keys(terminal.feed(b"j", 2.0)) == [("j", "j")]


def test_of_a_giant_paste_the_beginning_is_taken_and_it_is_said() -> None:
    said: list[str] = []
    terminal = TerminalInput(said.append)
    assert terminal.feed(b"\x1b[200~", 0.0) == []
    for _ in range(10 * 256):
        assert terminal.feed(b"x" * 4096, 0.0) == []
    paste, key = terminal.feed(b"\x1b[201~j", 0.0)
    assert isinstance(paste, events.Paste) and paste.text == "x" * PASTE_LIMIT
    assert isinstance(key, events.Key)
    assert said == ["of a paste the first 1 MiB are taken"]


@pytest.mark.parametrize("start", [b"\x1b[", b"\x1b[<", b"\x1b[124:;", b"\x1bO", b"\x1b[?1;"], ids=repr)
@pytest.mark.parametrize("length", [30, 40, 4_000, 9_000])
def test_of_a_sequence_that_is_too_long_nothing_is_typed(start: bytes, length: int) -> None:
    sequence = start + b"9" * length + b"u"
    for size in (100, 4_096):
        parts = [sequence[at : at + size] for at in range(0, len(sequence), size)]
        assert keys(hear(*parts, b"j")) == [("j", "j")]
        assert keys(hear(*parts[:-1], b"\x1b[Aj")) == [("up", None), ("j", "j")]


def test_text_that_nobody_types_at_once_is_a_paste() -> None:
    said: list[str] = []
    terminal = TerminalInput(said.append)
    assert keys(terminal.feed(b"x" * (AT_ONCE - 1), 0.0)) == [("x", "x")] * (AT_ONCE - 1)
    text = "é漢\r" * AT_ONCE
    for at in range(0, len(text.encode()), 1000):
        assert terminal.feed(text.encode()[at : at + 1000], 1.0) == []
    (paste,) = terminal.tick(1.0 + UNMARKED_PATIENCE)
    assert isinstance(paste, events.Paste) and paste.text == text
    assert keys(terminal.feed(b"j", 2.0)) == [("j", "j")]
    assert said == ["so much text at once was taken for a paste"]


def test_a_sequence_ends_a_paste_without_marks() -> None:
    terminal = TerminalInput()
    assert terminal.feed("é".encode()[:1], 0.0) == []
    paste, key = terminal.feed("é".encode()[1:] + b"x" * AT_ONCE + b"\x1b[A", 0.0)
    assert isinstance(paste, events.Paste) and paste.text == "é" + "x" * AT_ONCE
    assert keys([key]) == [("up", None)]


def test_of_a_flood_a_part_is_done() -> None:
    """And whatever is no key, such as the size of the window, is not lost."""
    flood = b"\x1b[A\x1b[<35;5;5M" * (FLOOD // 10) + b"\x1b[48;24;80;480;800tj"
    messages = hear(flood)
    done, left_out = thin_flood(messages, len(flood))
    assert len(done) == DONE_OF_A_FLOOD + 1 and len(done) + left_out == len(messages)
    assert isinstance(done[-2], events.Resize)
    assert keys(done)[-1] == ("j", "j")
    assert thin_flood(messages, FLOOD - 1) == (messages, 0)


def test_escape_comes_at_once_and_a_broken_sequence_not_at_all() -> None:
    terminal = TerminalInput()
    terminal.feed(b"\x1b", 0.0)
    assert keys(terminal.tick(0.2)) == [("escape", "\x1b")]
    terminal.feed(b"\x1b[1;5", 1.0)
    assert terminal.tick(1.2) == []
    assert keys(terminal.feed(b"A", 1.3)) == [("ctrl+up", None)]


@pytest.mark.parametrize(
    ("sequence", "size"),
    [
        (b"\x1b[48;24;80;480;800t", (80, 24)),
        (b"\x1b[48;24:1;80:2;480:3;800:4t", (80, 24)),
        (b"\x1b[48;24;99999;1;1t", (LARGEST[0], 24)),
        (b"\x1b[48;65535;65535;65535;65535t", LARGEST),
    ],
)
def test_a_window_is_no_larger_than_can_be_drawn(sequence: bytes, size: tuple[int, int]) -> None:
    resize, moved = hear(sequence, b"\x1b[<35;5;5M")
    assert isinstance(resize, events.Resize) and resize.size == size
    assert isinstance(moved, events.MouseMove)


@pytest.mark.parametrize("sequence", [b"\x1b[48;0;0;0;0t", b"\x1b[48;24;0;480;0t", b"\x1b[48;9999999999;80;480;800t"])
def test_a_window_without_a_size_is_not_believed(sequence: bytes) -> None:
    assert hear(sequence) == []


def test_only_the_last_of_many_changes_of_focus_is_told() -> None:
    assert [type(message) for message in hear(b"\x1b[I\x1b[O" * 1000)] == [events.AppBlur]


@pytest.mark.parametrize("seed", range(4))
def test_any_bytes_in_any_pieces_do_no_harm(seed: int) -> None:
    assert_harmless(seed, count=5_000)


def assert_harmless(seed: int, count: int) -> None:
    """Feed so many sequences, in pieces, with silences; every message can be shown, and a key is heard after each."""
    random, terminal, now = Random(seed), TerminalInput(), 0.0
    for _ in range(count):
        sequence = make_sequence(random)
        at = random.randint(0, len(sequence))
        messages = [*terminal.feed(sequence[:at], now), *terminal.feed(sequence[at:], now)]
        if random.random() < 0.5:
            now += LATER
            messages += terminal.tick(now)
            assert keys(terminal.feed(b"j", now)) == [("j", "j")], sequence
        for message in messages:
            assert_sane(message)


def assert_sane(message: Message) -> None:
    if isinstance(message, events.Key):
        (message.key + (message.character or "")).encode()  # no half of a pair
    elif isinstance(message, events.Resize):
        assert 0 < message.size.width <= LARGEST[0] and 0 < message.size.height <= LARGEST[1]
    elif isinstance(message, events.MouseEvent):
        assert 0 <= message.x <= 65535 and 0 <= message.y <= 65535
