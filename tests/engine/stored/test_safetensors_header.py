"""The header of a safetensors file, parsed quickly where it is as its writers make it, and otherwise as any JSON."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from inspector.engine.stored import safetensors_file
from inspector.engine.stored.quick_header import parse_quickly
from inspector.engine.stored.safetensors_file import Contents, read_safetensors
from inspector.errors import UsageError

PLAIN = b'{"dtype":"U8","shape":[2],"data_offsets":[0,2]}'
TWICE = b'{"dtype":"U8","shape":[2],"shape":[2],"data_offsets":[0,2]}'
ESCAPED = b'{"dtype":"U8","shape":[2],"data_offset\\u0073":[0,2]}'


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(safetensors_file, "parse_quickly", lambda data: None)
    return monkeypatch


def write(file: Path, header: bytes, held: bytes = bytes(8)) -> Path:
    file.write_bytes(struct.pack("<Q", len(header)) + header + held)
    return file


def told(file: Path) -> Any:
    """What is read of a file without its `TensorFile`, which is another one each time; or what is wrong with it."""
    try:
        contents: Contents = read_safetensors(file)
    except UsageError as error:
        return error.problem
    return {name: each[1:] for name, each in contents.unread.items()}, contents.metadata, contents.notes


@pytest.mark.parametrize("metadata", [None, {"format": "pt", "config": '{"a\\n": "\\""}', "é": "\x1b"}])
def test_what_the_library_writes_is_parsed_quickly(metadata: dict[str, str] | None, tmp_path: Path) -> None:
    file = tmp_path / "net.safetensors"
    save_file({"a.b": torch.ones(2, 3), "é": torch.ones(0), "s": torch.tensor(1)}, file, metadata)
    data = file.read_bytes()
    quick = parse_quickly(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
    assert quick is not None and set(quick[0]) == {"a.b", "é", "s"}
    assert read_safetensors(file).metadata == (metadata or {})


@pytest.mark.parametrize(
    "header",
    [
        b'{"a":%s,"a":%s}' % (PLAIN, PLAIN),
        b'{"a":%s,"a":%s}' % (PLAIN, ESCAPED),
        b'{"a":%s}' % TWICE,
        b'{"a":%s,"__metadata__":{"k":"v"}}' % PLAIN,
        b'{"__metadata__":{"k":"v"},"a":%s,"__metadata__":{"k":"v"}}' % PLAIN,
        b'{"__metadata__":{"k":"v","k":"w"},"a":%s}' % PLAIN,
        b'{"__metadata__":{"k":"v"}, "a":%s}' % PLAIN,
        b'{"__metadata__":{"k":"v"}}',
        b'{"__metadata__":{"k":"v"},}',
        b'{"__metadata__":{"k":"v"},,"a":%s}' % PLAIN,
        b'{"__metadata__":%s}' % PLAIN,
        b'{"__metadata__":7,"a":%s}' % PLAIN,
        b'{"__metadata__":null}',
        b'{"__metadata__":{"k":%s}}' % (b"[" * 9_000),
        b'{"dtype":%s,"shape":%s}' % (PLAIN, PLAIN.replace(b"0,2", b"2,4")),
        b'{"a\\u0062":%s}' % PLAIN,
        b'{"a":%s}' % PLAIN.replace(b"[2]", b"[2.0]"),
        b'{"a":%s}' % PLAIN.replace(b"[2]", b"[true]"),
        b'{"a":%s}' % PLAIN.replace(b"[2]", b"[-2]"),
        b'{"a":%s}' % PLAIN.replace(b"[2]", b"[4611686018427387904]"),
        b'{"a":%s}' % PLAIN.replace(b"0,2", b"0,2,4"),
        b'{"a":%s}' % PLAIN.replace(b"U8", b"U\xff"),
        b'{"a":%s}' % PLAIN.replace(b"U8", b"F3_E7"),
        b'{"a":%s,"b":%s}' % (PLAIN, PLAIN),
        b"{}",
        b"[]",
        b"7",
        b"",
    ],
)
def test_nothing_else_is_read_otherwise(header: bytes, tmp_path: Path, slowly: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "net.safetensors", header)
    expected = told(file)
    slowly.undo()
    assert told(file) == expected


def test_broken_headers_are_read_alike_at_random(tmp_path: Path, slowly: pytest.MonkeyPatch) -> None:
    chance = random.Random(0)
    names = ["a", "a.b", "dtype", "__metadata__", "é"]
    entries = {name: json.loads(PLAIN) for name in names}
    whole = json.dumps({"__metadata__": {"k": "v"}, **entries}, separators=(",", ":"), ensure_ascii=False).encode()
    files = []
    for number in range(300):
        at, size = chance.randrange(len(whole)), chance.randrange(1, 8)
        other = chance.choice(
            [b"", whole[at : at + 3 * size], b"{", b'"', b",", b"\\", b"0", bytes([chance.randrange(256)])]
        )
        files.append(write(tmp_path / f"{number}.safetensors", whole[:at] + other + whole[at + size :]))
    expected = [told(file) for file in files]
    slowly.undo()
    assert [told(file) for file in files] == expected
