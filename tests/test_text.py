"""Text from outside cannot do anything to a terminal, and says what it was."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import get_character_cell_size

from inspector.text import ELLIPSIS, encodable, harmless, lines, visible

from .payloads import PAYLOADS, hidden

# Whole code space, lone surrogates included; and more of what is dangerous than chance would bring.
anything = st.text(st.characters() | st.characters(categories=["Cs"]))
hostile = st.lists(
    st.sampled_from(["\x1b[2J", "\x1b]52;c;eA==\x07", "\x9b31m", "\u202e", "\r", "\n", "\t", "[/]", "\\", "\x00", "é"])
    | anything
).map("".join)

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def shows_itself(char: str) -> bool:
    return char == "\u200d" or unicodedata.category(char) not in HIDDEN


@given(hostile)
@example("\x1b[31m\x9b0m\u202e\u200b\ufeff\u2028")
def test_visible_leaves_no_character_that_acts(text: str) -> None:
    assert all(shows_itself(char) for char in visible(text))


@given(hostile)
def test_visible_is_stable(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(anything)
def test_visible_leaves_what_shows_itself(text: str) -> None:
    harmless = "".join(char for char in text if shows_itself(char))
    assert visible(harmless) == harmless


@given(hostile)
def test_visible_keeps_only_what_it_is_told_to(text: str) -> None:
    shown = visible(text, keep="\n")
    assert shown.count("\n") == text.count("\n")
    assert all(shows_itself(char) for char in shown.replace("\n", ""))


@pytest.mark.parametrize(
    ("char", "shown"),
    [("\x1b", "\\e"), ("\n", "\\n"), ("\x9b", "\\x9b"), ("\u202e", "\\u202e"), ("\ud800", "\\ud800"),
     ("\U000e0001", "\\U000e0001"), ("\x7f", "\\x7f")],
)  # fmt: skip
def test_an_escape_names_the_character(char: str, shown: str) -> None:
    assert visible(f"a{char}b") == f"a{shown}b"


def test_a_joined_emoji_stays_whole() -> None:
    assert visible("👩\u200d👩\u200d👧") == "👩\u200d👩\u200d👧"


@given(hostile, st.integers(1, 50))
def test_encodable_can_be_sent_at_a_bounded_size(text: str, limit: int) -> None:
    sent = encodable(text, limit)
    sent.encode("utf-8")
    assert len(sent) <= 6 * limit  # a lone surrogate becomes six characters
    assert "\x00" not in sent or "\x00" in text


@given(anything.filter(lambda text: text.isprintable()))
def test_encodable_leaves_short_text_alone(text: str) -> None:
    assert encodable(text, 1_000) == text


def test_encodable_marks_the_cut() -> None:
    assert encodable("abcdef", 4) == "abc" + ELLIPSIS
    assert encodable("abcd", 4) == "abcd"


@given(hostile)
def test_lines_are_split_at_newlines_only(text: str) -> None:
    shown = lines(text)
    assert len(shown) == text.replace("\r\n", "\n").count("\n") + 1
    assert all(shows_itself(char) for line in shown for char in line)


def test_lines_expand_tabs() -> None:
    assert lines("a\tb\r\n\tc") == ["a   b", "    c"]


@pytest.mark.parametrize("payload", PAYLOADS.values())
def test_a_harmless_line_keeps_its_width(payload: str) -> None:
    made = harmless(payload, get_character_cell_size)
    assert not hidden(made)
    assert sum(map(get_character_cell_size, made)) == sum(map(get_character_cell_size, payload))
