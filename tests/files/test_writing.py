"""Files that are written: whole or not at all, and never in the place of something else."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.errors import UsageError
from inspector.files import check_new, replace_private, write_new, writing


def test_a_new_file_is_whole_and_private(tmp_path: Path) -> None:
    write_new(tmp_path / "new", b"data")
    assert (tmp_path / "new").read_bytes() == b"data"
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["new"]


@pytest.mark.parametrize("kind", ["file", "pipe", "directory", "link", "dangling", "circle"])
def test_nothing_is_ever_replaced(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "there"
    target = tmp_path / "elsewhere"
    if kind == "file":
        place.write_bytes(b"mine")
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "directory":
        place.mkdir()
    else:
        place.symlink_to(place if kind == "circle" else target)
        if kind == "link":
            target.write_bytes(b"mine")
    before = sorted(os.listdir(tmp_path))
    for act in (lambda: write_new(place, b"data"), lambda: check_new(place)):
        with pytest.raises(UsageError, match="is there already, and is not replaced"):
            act()
    assert sorted(os.listdir(tmp_path)) == before
    assert kind != "link" or target.read_bytes() == b"mine"


def test_what_appears_meanwhile_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "there"
    linked = os.link

    def appear(*args: object, **how: object) -> None:
        place.write_bytes(b"mine")
        linked(*args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "link", appear)
    with pytest.raises(UsageError, match="is there already"):
        write_new(place, b"data")
    assert place.read_bytes() == b"mine" and os.listdir(tmp_path) == ["there"]


def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **how: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(writing, "_UNNAMED", 0)  # such a system has no files without a name either
    write_new(tmp_path / "new", b"data")
    assert (tmp_path / "new").read_bytes() == b"data" and os.listdir(tmp_path) == ["new"]
    with pytest.raises(UsageError, match="is there already"):
        write_new(tmp_path / "new", b"other")
    assert (tmp_path / "new").read_bytes() == b"data" and os.listdir(tmp_path) == ["new"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x" * 300, "longer than a file may have"),
        ("no/such/directory", "there is no directory"),
        ("a\0b", "cannot be written"),
        ("a\ud800b", "cannot be written"),
    ],
)
def test_names_that_cannot_be_written(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        write_new(f"{tmp_path}/{name}", b"data")
    assert os.listdir(tmp_path) == []


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.fdopen

    def full(descriptor: int, *args: object) -> object:
        stream = opened(os.open("/dev/full", os.O_WRONLY), "wb")
        os.close(descriptor)
        return stream

    (tmp_path / "old").write_bytes(b"old")
    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(UsageError, match="No space left"):
        write_new(tmp_path / "new", b"data")
    with pytest.raises(OSError, match="No space left"):
        replace_private(tmp_path / "old", b"data")
    assert os.listdir(tmp_path) == ["old"] and (tmp_path / "old").read_bytes() == b"old"


@pytest.mark.parametrize("unnamed", [True, False])
def test_a_file_of_pieces_is_whole_or_not_there(unnamed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has files without a name, no part of one is ever seen: a killed process leaves none."""
    if not unnamed:
        monkeypatch.setattr(writing, "_UNNAMED", 0)
    seen: list[list[str]] = []

    def pieces(stop: bool) -> Iterator[bytes]:
        yield b"a" * 100_000
        seen.append(os.listdir(tmp_path))
        if stop:
            raise KeyboardInterrupt
        yield b"b"

    with pytest.raises(KeyboardInterrupt):
        write_new(tmp_path / "new", pieces(stop=True))
    assert os.listdir(tmp_path) == [] and bool(seen[0]) != (unnamed and bool(writing._UNNAMED))
    write_new(tmp_path / "new", pieces(stop=False))
    assert (tmp_path / "new").read_bytes() == b"a" * 100_000 + b"b" and os.listdir(tmp_path) == ["new"]


def test_a_reader_never_sees_a_part(tmp_path: Path) -> None:
    place, size, seen = tmp_path / "state", 1 << 20, set[int]()
    replace_private(place, bytes(size))
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(len(place.read_bytes()))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(30):
        replace_private(place, bytes(size))
    done.set()
    reader.join()
    assert seen <= {size}


def test_a_link_in_the_place_of_ours_is_replaced_and_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"mine")
    (tmp_path / "state").symlink_to(elsewhere)
    replace_private(tmp_path / "state", b"data")
    assert elsewhere.read_bytes() == b"mine" and not (tmp_path / "state").is_symlink()
