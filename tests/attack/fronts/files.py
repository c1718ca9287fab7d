"""Files of every kind that is opened, damaged and crafted, and what is no file at all."""

from __future__ import annotations

import io
import json
import os
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from .. import models
from ..case import Broken, Case, Front
from ..command import run_command
from ..payload_files import CANARY, make_all

_TINY = f"{models.__file__}:tiny"
_COMMANDS = 5


def _flip(random: Random, data: bytes) -> bytes:
    found = bytearray(data)
    for _ in range(random.choice((1, 3, 30))):
        found[random.randrange(len(found))] = random.choice((0, 255, random.randrange(256)))
    return bytes(found)


def _cut(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data))
    return random.choice((data[:at], data[at:], data[:at] + data[at + 1 :]))


def _insert(random: Random, data: bytes) -> bytes:
    at, length = random.randrange(len(data)), random.choice((1, 9, 5000))
    return data[:at] + random.choice((b"\0", b"\xff", b"{", b"[", b"(")) * length + data[at:]


def _enlarge(random: Random, data: bytes) -> bytes:
    """A length that is not so."""
    at, form = random.randrange(max(len(data) - 8, 1)), random.choice(("<I", "<Q", ">I"))
    number = random.choice((0, 1, 2**31 - 1, 2**32 - 1, 2**20)) if form != "<Q" else random.choice((2**63, 2**40))
    return data[:at] + struct.pack(form, number) + data[at + struct.calcsize(form) :]


def _splice(random: Random, data: bytes) -> bytes:
    """With a piece of itself, or of another valid file, in the place of one of its own."""
    other = random.choice((data, random.choice(list(make_all().values())) or data))
    start, length = random.randrange(len(other)), random.choice((1, 8, 64, 4096))
    at, gone = random.randrange(len(data)), random.choice((0, length))
    return data[:at] + other[start : start + length] + data[at + gone :]


def _repack(random: Random, data: bytes) -> bytes:
    """A zip whose members are others."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, OverflowError, RuntimeError):
        return _flip(random, data)
    if not members:
        return _flip(random, data)
    name = random.choice(list(members))
    inner, folder = members.pop(name), name.partition("/")[0]
    changed = random.choice((b"", b"x", inner * 2, _flip(random, inner) if inner else b"\0", b"\0" * 200_000_000))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for other, content in members.items():
            archive.writestr(other, content)
        new = random.choice((name, name, f"{folder}/../../{CANARY}", "/" + CANARY, "\x1b[2J", f"{folder}/data.pkl"))
        archive.writestr(new, changed)
    return stream.getvalue()


def _restructure(random: Random, data: bytes) -> bytes:
    """JSON, or a header of safetensors, with another value somewhere."""
    start = 8 if data[8:9] == b"{" else 0
    try:
        size = int.from_bytes(data[:8], "little") if start else len(data)
        document = json.loads(data[start : start + size])
    except (ValueError, RecursionError):
        return _cut(random, data)
    text = json.dumps(_replace_one(random, document)).encode()
    return (len(text).to_bytes(8, "little") if start else b"") + text + data[start + size :]


_VALUES = (None, [], {}, -1, 2**63, 1e308, "", "\x1b[2J", "x" * 100_000, [[]], {"": 0}, True, [2**40] * 9)


def _replace_one(random: Random, value: Any) -> Any:
    if random.random() < 0.35 or not isinstance(value, dict | list) or not value:
        return random.choice(_VALUES)
    if isinstance(value, dict):
        key = random.choice(list(value))
        return {**value, random.choice((key, key, key + "x")): _replace_one(random, value[key])}
    at = random.randrange(len(value))
    return [*value[:at], _replace_one(random, value[at]), *value[at + 1 :]]


MUTATIONS: tuple[Callable[[Random, bytes], bytes], ...] = (
    _flip,
    _cut,
    _insert,
    _enlarge,
    _splice,
    _repack,
    _restructure,
)


def _make_special(random: Random, path: Path) -> None:
    """Something that is no file with content."""
    kind = random.choice(("fifo", "folder", "zero", "socket", "sparse", "dangling", "loop", "secret", "null", "tty"))
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path.name)
    elif kind == "sparse":
        path.touch()
        os.truncate(path, random.choice((10**9, 10**12)))
    elif kind == "secret":
        path.write_bytes(b"x")
        path.chmod(0)
    else:
        where = {"zero": "/dev/zero", "dangling": "nowhere", "loop": path.name, "null": "/dev/null", "tty": "/dev/tty"}
        path.symlink_to(where[kind])


def _put(random: Random) -> str:
    """A file in the working directory; its name."""
    name = random.choice(list(make_all()))
    path = Path(f"{random.randrange(10**6)}-{name}" if "config" not in name else name)
    if path.is_symlink() or path.exists():
        return path.name
    if random.random() < 0.12:
        _make_special(random, path)
        return path.name
    data = make_all()[name]
    for _ in range(random.choice((0, 1, 1, 1, 2))):
        data = random.choice(MUTATIONS)(random, data) if 0 < len(data) < 10_000_000 else data
    path.write_bytes(data)
    return path.name


def _use(random: Random, name: str) -> list[str]:
    """A command that opens it, mostly as what it is."""
    form = ["--print", random.choice(("json", "tree"))]
    if name.endswith(".toml") and random.random() < 0.8:
        return [_TINY, "--hooks", name, *form]
    if name == "config.json" and random.random() < 0.8:
        return ["hf:.", *form]
    if name.endswith((".npy", ".npz", ".png")) and random.random() < 0.8:
        return [_TINY, "-i", f"input=@{name}", *form]
    return random.choice((
        [name, *form], [name, *form], [_TINY, "-w", name, *form], [_TINY, "-i", f"input=@{name}", *form],
        [_TINY, "--hook", f"0:patch({name!r})", *form], [_TINY, "-w", name, "--rename", "0.=>0.", *form],
    ))  # fmt: skip


def attack(case: Case) -> None:
    for _ in range(_COMMANDS):
        name = _put(case.random)
        run_command(case, _use(case.random, name))
        if Path(CANARY).exists() or Path("..", CANARY).exists():
            raise Broken(f"code of {name} ran")


FRONT = Front(attack, seconds=150, megabytes=2_500, prepare=make_all)  # to make some of them takes half of it
