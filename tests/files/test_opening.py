"""Files that are read: regular ones of a size that fits, and nothing that could make the program wait."""

from __future__ import annotations

import errno
import os
import resource
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.errors import UsageError
from inspector.files import check_file, is_directory, is_file, is_there, open_file, parse_json, read_file
from inspector.files.purposes import CONFIG, SOURCE, Purpose

SMALL = Purpose("a small file", 10)


def make_socket(path: Path) -> None:
    where = os.getcwd()
    os.chdir(path.parent)  # the name of a socket has 108 bytes at most
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(where)


def make_circle(path: Path) -> None:
    path.symlink_to(path)


SPECIAL: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "is a named pipe, not a regular file"),
    "socket": (make_socket, "is a socket, not a regular file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "is a device, not a regular file"),
    "directory": (os.mkdir, "is a directory, not a file"),
    "circle": (make_circle, "is a link that leads to itself"),
    "nowhere": (lambda path: path.symlink_to(path.parent / "gone"), "is a link to .*gone, which is not there"),
    "missing": (lambda path: None, "there is no file"),
}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("opens", [check_file, open_file, read_file])
def test_what_is_no_regular_file_is_refused_at_once(opens: Callable[..., object], kind: str, tmp_path: Path) -> None:
    make, words = SPECIAL[kind]
    make(tmp_path / kind)
    with pytest.raises(UsageError, match=words) as caught:
        opens(tmp_path / kind, SOURCE)
    assert "did you mean" not in caught.value.problem.hint


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x" * 300, "longer than a file may have"),
        ("d/" * 3_000 + "x", "longer than a file may have"),
        ("a\0b", "null"),
        ("a\ud800b", "cannot be opened"),
        ("", "no file|a directory"),
        ("~nobody-of-that-name/x", "there is no file"),
        ("~a\0b", "null"),
        ("~a\ud800", "cannot be opened"),
    ],
)
def test_names_that_no_file_can_have(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_file(name, SOURCE)
    assert not is_file(name)
    assert name == "" or not (is_directory(name) or is_there(name))


def test_a_nearby_name_is_proposed(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("")
    with pytest.raises(UsageError) as caught:
        check_file(tmp_path / "recipes.toml", SOURCE)
    assert "did you mean" in caught.value.problem.hint


def test_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(UsageError, match="too large for a config") as caught:
        read_file(file, CONFIG)
    assert f"{1 << 40:,}" in caught.value.problem.where


def test_what_grows_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "grows"
    file.write_bytes(b"1234567890")
    assert read_file(file, SMALL) == b"1234567890"
    asked = os.fstat

    def grow(descriptor: int) -> os.stat_result:
        found = asked(descriptor)
        with file.open("ab") as stream:
            stream.write(b"x" * 100)
        return found

    monkeypatch.setattr(os, "fstat", grow)
    with pytest.raises(UsageError, match="too large for a small file"):
        read_file(file, SMALL)


def test_a_pipe_in_the_place_of_a_file_is_never_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a file when it is asked about, and a pipe when it is opened."""
    file = tmp_path / "changes"
    file.write_bytes(b"x")
    asked = os.stat

    def swap(path: object, **how: object) -> os.stat_result:
        found = asked(path, **how)  # type: ignore[call-overload]
        if path == file:
            file.unlink()
            os.mkfifo(file)
        return found  # type: ignore[no-any-return]

    monkeypatch.setattr(os, "stat", swap)
    with pytest.raises(UsageError, match="is a named pipe"):
        open_file(file, SOURCE)


def test_what_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"x")

    def refuse(*args: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # root may read everything
    with pytest.raises(UsageError, match="may not be read: Permission denied") as caught:
        read_file(file, SOURCE)
    assert "ls -l" in caught.value.problem.hint


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(b"x" * 100)
    before = len(os.listdir("/dev/fd"))
    for _ in range(20):
        with pytest.raises(UsageError):
            open_file(file, SMALL)
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 200_000 + "]" * 200_000, "nests too deep|brackets"),
        ("[" + "[]," * 3_000_000 + "0]", "little but brackets"),
        ('{"a": ' * 200_000, "nests too deep|brackets|Expecting"),
        ("1" * 10_000, "digits"),
        ("{", "Expecting"),
        ("\udc80", "decode"),
    ],
)
def test_json_that_fills_the_memory(text: str, words: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=words):
        parse_json(text.encode("utf-8", "surrogateescape"))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_only_what_ends_is_to_be_copied_into_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    hints = []
    for name in ("pipe", "device"):
        with pytest.raises(UsageError) as caught:
            check_file(tmp_path / name, SMALL)
        hints.append(caught.value.problem.hint)
    assert "cat " in hints[0] and "cat " not in hints[1]
