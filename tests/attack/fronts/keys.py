"""Keys, mouse, pastes and resizes, as somebody types who knows every key and has no idea what it does."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random

from tests.payloads import PAYLOADS

from ..attacked_app import AttackedApp
from ..case import Case, Front
from ..models import TARGETS

_DEEDS = 250

_NAMES = {
    "question_mark": b"?", "colon": b":", "slash": b"/", "minus": b"-", "equals_sign": b"=", "plus": b"+",
    "underscore": b"_", "less_than_sign": b"<", "greater_than_sign": b">", "full_stop": b".", "comma": b",",
    "left_curly_bracket": b"{", "right_curly_bracket": b"}", "left_square_bracket": b"[",
    "right_square_bracket": b"]", "left_parenthesis": b"(", "right_parenthesis": b")", "space": b" ", "enter": b"\r",
    "escape": b"\x1b", "tab": b"\t", "shift+tab": b"\x1b[Z", "f1": b"\x1bOP", "up": b"\x1b[A", "down": b"\x1b[B",
    "right": b"\x1b[C", "left": b"\x1b[D", "home": b"\x1b[H", "end": b"\x1b[F", "pageup": b"\x1b[5~",
    "pagedown": b"\x1b[6~", "backspace": b"\x7f", "delete": b"\x1b[3~", "insert": b"\x1b[2~",
}  # fmt: skip

_FORMS = {
    b"a": ("scale(2)", "zero()", "noise(0.1, seed=1)", "observe()", "record('r')", "python: output * 2", "scale(",
           "print()", "clamp(0, 1)", "round(1)", "zero(call=3)", "scale(2, when='nan > 0')", "dropout(0.5)",
           "scale(1e400)", "patch('none.safetensors')", "scale(2, where='[9][..., 3:1]')", "prune(0.5)"),
    b"E": ("scale(2)", "prune(0.5)", "zero()", "set(1)", "noise(1)"),
    b"f": ("class:Linear", "l*", "[", "***", "class:", "0.1.2", "zzz"),
    b"/": ("1", "forward", "(", "[", "\\", "self"),
    b":": ("help", "run", "quit?", "panel", "theme", "zzz", ""),
    b"s": ("7", "-1", "99999999999999999999", "x", ""),
    b"w": ("out.toml", "out.py", "out.safetensors", "/nowhere/out.toml", "out", "", "a" * 300 + ".toml"),
    b"R": ("out.toml", "none.toml", "", "/dev/zero", "."),
    b"D": ("none.pt", "", "/dev/zero", ".", "out.safetensors"),
    b"m": ("2", "3", "0", "x", "1000000"),
    b"o": ("", "nothing.py", "resnet81", "\x01"),
}  # fmt: skip


@cache
def _bound() -> tuple[bytes, ...]:
    """What a terminal sends for every key that does something, apart from those that end it."""
    from inspector.tui.keys import COMMANDS

    keys = [key for command in COMMANDS for key in command.keys.split(",") if command.id not in ("quit", "interrupt")]
    return tuple(_sent(key) for key in keys)


def _sent(key: str) -> bytes:
    if key in _NAMES:
        return _NAMES[key]
    name = key.removeprefix("ctrl+")
    return bytes([ord(name) & 31]) if name != key else name.encode()


def _press(random: Random) -> bytes:
    return random.choice(_bound()) * random.choice((1, 1, 1, 2, 8))


def _move(random: Random) -> bytes:
    named = random.choice(("up", "down", "left", "right", "pageup", "pagedown", "home", "end", "tab", "shift+tab"))
    return _NAMES[named] * random.randint(1, 5)


def _print(random: Random) -> bytes:
    letters = "".join(chr(random.choice((random.randint(32, 126), random.randint(160, 0x2FFF)))) for _ in range(4))
    return letters.replace("q", "w").encode()


def _fill(random: Random) -> bytes:
    """Open a form, type into it, and confirm it or not."""
    key = random.choice(list(_FORMS))
    end = random.choice((b"\r", b"\r", b"\r\r", b"\t\r", b"\x1b", b""))
    return key + random.choice(_FORMS[key]).replace("q", "w").encode() + end


def _point(random: Random) -> bytes:
    button = random.choice((0, 0, 2, 32, 35, 64, 65))
    at = f"{button};{random.randint(1, 260)};{random.randint(1, 80)}"
    return f"\x1b[<{at}M\x1b[<{at}m".encode()


def _paste(random: Random) -> bytes:
    text = random.choice(list(PAYLOADS.values()))[:2000].replace("\x1b[201~", "")
    return b"\x1b[200~" + text.encode("utf-8", "replace") + b"\x1b[201~"


def _leave(random: Random) -> bytes:
    return random.choice((b"\x1b", b"\x1b\x1b", b"q", b"\x03", b"\x1a"))


_KINDS: dict[Callable[[Random], bytes], int] = {
    _press: 50, _move: 15, _fill: 14, _print: 6, _point: 8, _paste: 3, _leave: 2,
}  # fmt: skip


def attack(case: Case) -> None:
    random = case.random
    with AttackedApp(case, random.choice(TARGETS), case.draw_size()) as app:
        app.start()
        kinds = random.choices(list(_KINDS), list(_KINDS.values()), k=_DEEDS)
        for kind in kinds:
            if random.random() < 0.04:
                size = case.draw_size()
                if case.note(f"resize {size}"):
                    app.resize(size)
            keys = kind(random)
            if case.note(f"{kind.__name__[1:]} {keys!r}"):
                app.send(keys)
                app.resume()
                app.check(random.choice((0, 0.02, 0.1)))
            if app.ended:
                return
        app.leave()


FRONT = Front(attack, seconds=150, shrinks=True, prepare=_bound)
