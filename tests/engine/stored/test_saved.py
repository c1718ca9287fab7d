"""What a saved file is, told without unpickling it."""

from __future__ import annotations

import argparse
import io
import os
import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from inspector.engine.stored.saved import look, what_is


class Runs:
    """Unpickling it would make a file."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return os.open, (str(self.made), os.O_CREAT)


def state() -> dict[str, torch.Tensor]:
    return nn.Linear(2, 3).state_dict()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_state_dict_and_a_module_are_told_apart(zipped: bool, tmp_path: Path) -> None:
    file = tmp_path / "net.pt"
    for value, kind in (
        (state(), "state"),
        ({"state_dict": state(), "epoch": 3, "seen": {1, 2}}, "state"),
        (torch.ones(2), "state"),
        (nn.Linear(2, 3), "module"),
        ({"epoch": 3, "model": nn.Linear(2, 3)}, "module"),
    ):
        torch.save(value, file, _use_new_zipfile_serialization=zipped)
        assert (what_is(file), look(file).legacy) == (kind, not zipped)


@pytest.mark.parametrize("protocol", [2, 4])
def test_what_else_a_pickle_would_import_is_named(protocol: int, tmp_path: Path) -> None:
    file = tmp_path / "net.ckpt"
    torch.save({"state_dict": state(), "with": argparse.Namespace(lr=1)}, file, pickle_protocol=protocol)
    assert look(file).kind == "state" and look(file).foreign == ("argparse.Namespace",)


def test_programs_are_told_from_pickles(tmp_path: Path) -> None:
    torch.jit.script(nn.Linear(2, 3)).save(tmp_path / "net.pt")
    torch.export.save(torch.export.export(nn.Linear(2, 3), (torch.ones(1, 2),)), tmp_path / "net.pt2")
    assert (what_is(tmp_path / "net.pt"), what_is(tmp_path / "net.pt2")) == ("script", "exported")


def test_the_suffix_says_nothing(tmp_path: Path) -> None:
    save_file(state(), tmp_path / "net.pt")
    torch.save(state(), tmp_path / "net.safetensors")
    assert (what_is(tmp_path / "net.pt"), what_is(tmp_path / "net.safetensors")) == ("safetensors", "state")


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_is_unpickled(zipped: bool, tmp_path: Path) -> None:
    file, made = tmp_path / "net.pt", tmp_path / "made"
    torch.save({"weight": torch.ones(2), "runs": Runs(made)}, file, _use_new_zipfile_serialization=zipped)
    assert look(file).foreign == ("posix.open",) or look(file).foreign == ("nt.open",)
    assert not made.exists()


def zip_with(pickled: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("net/data.pkl", pickled)
    return held.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"\x80",
        b"\x80\x02",
        b"not a saved file at all",
        pickle.dumps({"a": 1}),
        pickle.dumps(2**70, 2) * 4,
        struct.pack("<Q", 1 << 62) + b"{}",
        zip_with(b""),
        zip_with(b"\x80\x04\x8d" + struct.pack("<Q", 1 << 40)),  # a string as long as a disk
        zip_with(pickle.dumps(["x"])[:-1]),
    ],
)
def test_what_is_broken_or_something_else_is_unknown(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "net.pt"
    file.write_bytes(content)
    assert what_is(file) == "unknown"


def test_what_is_no_file_is_unknown(tmp_path: Path) -> None:
    assert what_is(tmp_path) == what_is(tmp_path / "none") == what_is("a\0b") == "unknown"


def test_a_file_that_changed_is_looked_at_again(tmp_path: Path) -> None:
    file = tmp_path / "net.pt"
    torch.save(state(), file)
    assert what_is(file) == "state"
    torch.save(nn.Linear(2, 3), file)
    assert what_is(file) == "module"
