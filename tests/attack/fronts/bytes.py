"""Bytes that a terminal, or somebody who writes to one, may send: well-formed, nearly well-formed, and neither."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ..attacked_app import AttackedApp
from ..case import Case, Front
from ..models import TARGETS

_DEEDS = 250
_CONTROL = bytes(range(0x20, 0x30))
_FINAL = bytes(range(0x40, 0x7F))


def _number(random: Random) -> str:
    return random.choice(("", "0", "1", str(random.randint(0, 300)), "99999", "1" * 30, "9" * 5000, "-1", "0x1"))


def _parameters(random: Random) -> str:
    count = random.choice((0, 1, 2, 3, 5, 40))
    return "".join(_number(random) + random.choice(";:;;") for _ in range(count))[: random.choice((-1, None))]


def _csi(random: Random) -> bytes:
    start = random.choice(("", "", "<", "?", ">", "=", "[", "M"))
    middle = bytes(random.choices(_CONTROL, k=random.choice((0, 0, 0, 1, 3))))
    return b"\x1b[" + start.encode() + _parameters(random).encode() + middle + bytes([random.choice(_FINAL)])


def _kitty(random: Random) -> bytes:
    code = random.choice((random.randint(0, 0x120000), 57344 + random.randint(0, 120), random.randint(32, 126)))
    fields = [str(code), _parameters(random), _parameters(random)]
    return f"\x1b[{random.choice((';', ':')).join(fields)}{random.choice('u~ABCDHFPQSu')}".encode()


def _ss3(random: Random) -> bytes:
    return b"\x1bO" + random.randbytes(random.choice((0, 1, 1, 3)))


def _string(random: Random) -> bytes:
    """OSC, DCS, APC, PM and SOS, ended or not."""
    body = random.choice((b"52;c;cHduZWQ=", b"0;title", b"10;rgb:ffff/ffff/ffff", random.randbytes(60), b"x" * 20_000))
    return b"\x1b" + random.choice((b"]", b"P", b"_", b"^", b"X")) + body + random.choice((b"\x07", b"\x1b\\", b""))


def _mouse(random: Random) -> bytes:
    sgr = f"\x1b[<{_number(random)};{_number(random)};{_number(random)}{random.choice('Mmx')}".encode()
    return random.choice((sgr, b"\x1b[M" + random.randbytes(3), b"\x1b[M", sgr[:-1]))


def _report(random: Random) -> bytes:
    """What a terminal answers or tells: sizes, modes, focus, colours, where the cursor is."""
    sizes = ";".join(_number(random) for _ in range(random.choice((2, 4, 5))))
    return random.choice((
        f"\x1b[48;{sizes}t", f"\x1b[8;{sizes}t", f"\x1b[?2026;{_number(random)}$y", f"\x1b[?2048;{_number(random)}$y",
        "\x1b[I", "\x1b[O", f"\x1b[{sizes}R", f"\x1b[?{_number(random)}u", f"\x1b[?{sizes}c",
    )).encode()  # fmt: skip


def _paste(random: Random) -> bytes:
    body = random.choice((random.randbytes(200), b"text", b"\x1b[200~", b"x" * 50_000, b"\x1b[2J\x9b31m"))
    return b"\x1b[200~" + body + random.choice((b"\x1b[201~", b"\x1b[201~", b""))


def _noise(random: Random) -> bytes:
    return random.randbytes(random.randint(1, 40))


def _text(random: Random) -> bytes:
    """UTF-8 that may be cut short, and control characters."""
    whole = "é漢👩‍👩‍👧\u202e\u0301".encode() * 3
    start = random.randrange(len(whole))
    return random.choice(
        (whole[start : start + 5], b"\xed\xa0\x80", b"\xff\xfe", b"\xc3", bytes([random.randrange(32)]))
    )


_KINDS: tuple[Callable[[Random], bytes], ...] = (
    _csi, _csi, _csi, _kitty, _kitty, _ss3, _string, _mouse, _report, _paste, _noise, _text,
)  # fmt: skip


def _mutate(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    cut, doubled = data[:at], data[:at] + data[: at // 2] + data[at:]
    return random.choice((data, data, data, cut, doubled, data[:at] + random.randbytes(1) + data[at:]))


def _defuse(random: Random, data: bytes) -> bytes:
    """Seldom a plain key that quits: the case would be over."""
    return data if random.random() < 0.01 else data.replace(b"q", b"Q").replace(b"\x03", b"\x02")


def attack(case: Case) -> None:
    random = case.random
    with AttackedApp(case, random.choice(TARGETS[:4]), case.draw_size()) as app:
        app.start()
        for kind in random.choices(_KINDS, k=_DEEDS):
            data = _defuse(random, _mutate(random, kind(random)))
            if case.note(f"{kind.__name__[1:]} {data[:300]!r}"):
                app.send(data)
                app.resume()
                app.check(random.choice((0, 0, 0.02)))
            if app.ended:
                return
        app.leave()


FRONT = Front(attack, seconds=150, shrinks=True)
