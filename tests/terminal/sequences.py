"""Bytes as a terminal, a broken terminal and somebody who means harm send them. Seeded: the same again for the same
generator."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS

KNOWN = [sequence.encode() for sequence in ANSI_SEQUENCES_KEYS]
"""Every key that Textual knows."""

NAMED = (
    b"\x1b[1;1:3u",
    b"\x1b[:H",
    b"\x1b[;:~",
    b"\x1b[97:65;2:1;97:98u",
    b"\x1b[99999999999999999999u",
    b"\x1b[1114112u",
    b"\x1b[55296u",
    b"\x1b[48;24;99999;1;1t",
    b"\x1b[48;0;0;0;0t",
    b"\x1b[48;24;80;0;0t\x1b[<0;5;5M",
    b"\x1b[<0;99999999999;5M",
    b"\x1b[<0;-1;-1M",
    b"\x1b[M \xff\xff",
    b"\x1b[999999999;999999999R",
    b"\x1b]11;rgb:0000/0000/0000\x1b\\",
    b"\x1bP1$r0m\x1b\\",
    b"\x1b_Gi=1;OK\x1b\\",
    b"\x1b[?1;2c",
    b"\x1b[?2026;2$y",
    b"\x1b[?2048;0$y",
    b"\x9b1;2u",
    b"\x00",
    b"\xff\xfe\xc3\x28\xed\xa0\x80",
    b"\x1b[I\x1b[O" * 20,
    b"\x1b[200~pasted \x1b[1;1:3u\x00\x1b[201~",
    b"\x1b[201~",
)
"""What ended, stalled or confused the app once, and its neighbours."""

_NUMBERS = (
    b"",
    b"0",
    b"1",
    b"2",
    b"27",
    b"48",
    b"97",
    b"200",
    b"57441",
    b"55555",
    b"65535",
    b"99999",
    b"1114112",
    b"9" * 40,
)
_ENDINGS = b"u~ABCDEFHPQRSMmtcnyIOxZ@`|"


def make_control(random: Random) -> bytes:
    """By the grammar of control sequences, with numbers that nobody expects."""
    parameters = b";".join(
        b":".join(random.choice(_NUMBERS) for _ in range(random.randint(1, 3))) for _ in range(random.randint(0, 5))
    )
    prefix, between = (
        random.choice((b"", b"", b"", b"?", b"<", b">", b"=")),
        random.choice((b"", b"", b"", b"$", b" ", b"-")),
    )
    return b"\x1b[" + prefix + parameters + between + bytes([random.choice(_ENDINGS)])


def make_string(random: Random) -> bytes:
    """The answer to a query, whole or not."""
    inside = random.randbytes(random.randint(0, 40))
    return (
        b"\x1b"
        + random.choice((b"]", b"P", b"^", b"_", b"X"))
        + inside
        + random.choice((b"\x07", b"\x1b\\", b"", b"\x18"))
    )


def make_paste(random: Random) -> bytes:
    end = random.choice((b"\x1b[201~", b"\x1b[201~", b"\x1b[201", b""))
    return b"\x1b[200~" + random.randbytes(random.randint(0, 200)) + end


def mutate(random: Random) -> bytes:
    """A sequence that means something, with a byte lost, doubled or changed."""
    sequence = bytearray(random.choice((*KNOWN, *NAMED)))
    at = random.randrange(len(sequence))
    sequence[at : at + random.randint(0, 2)] = random.randbytes(random.randint(0, 2))
    return bytes(sequence)


_MAKERS: tuple[Callable[[Random], bytes], ...] = (
    make_control,
    make_control,
    make_control,
    mutate,
    mutate,
    make_string,
    make_paste,
    lambda random: random.randbytes(random.randint(1, 12)),
    lambda random: random.choice(KNOWN),
    lambda random: random.choice(NAMED),
)


def make_sequence(random: Random) -> bytes:
    """One sequence of any of these kinds."""
    return random.choice(_MAKERS)(random)
