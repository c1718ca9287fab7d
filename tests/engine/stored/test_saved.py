"""What a saved file is, told without unpickling it."""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import os
import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from inspector.engine.session import Session
from inspector.engine.stored import images
from inspector.engine.stored.safetensors_file import read_safetensors
from inspector.engine.stored.saved import look, what_is
from inspector.engine.stored.values import read_values
from inspector.errors import InspectorError, UsageError
from inspector.files.purposes import INPUT
from inspector.records import Target


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
    ids=itertools.count(),  # a zip says when it was made, and each worker makes its own
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


def test_a_refusal_is_told_without_advice_to_run_the_file(tmp_path: Path) -> None:
    for name in ("system", "getcwd"):
        file = tmp_path / f"{name}.pt"
        torch.save({"x": _Calls(name)}, file)
        with pytest.raises(UsageError) as caught:
            read_values(file, INPUT)
        words = caught.value.problem.what
        assert name in words and "trusted source" not in words and "weights_only" not in words


class _Calls:
    def __init__(self, name: str) -> None:
        self.name = name

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return getattr(os, self.name), ()


def test_a_header_that_cannot_be_read_leaves_no_file_open(tmp_path: Path) -> None:
    file = tmp_path / "cut.safetensors"
    file.write_bytes(b"\xff" * 40)
    before = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else pytest.skip("needs /proc")
    errors = []
    for _ in range(3):
        with pytest.raises(UsageError) as caught:
            read_safetensors(file)
        errors.append(caught)  # with the frames that the error came through
    assert len(os.listdir("/proc/self/fd")) == len(before)


def _encode(image: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1"])
def test_an_image_is_what_torchvision_makes_of_it(kind: str, mode: str) -> None:
    from torchvision.io import ImageReadMode, decode_image

    if kind == "jpeg" and mode in ("RGBA", "P"):
        pytest.skip("there is none such")
    drawn = Image.effect_noise((9, 7), 80).convert("RGB").convert(mode)
    data = _encode(drawn, kind)
    truth = decode_image(torch.frombuffer(bytearray(data), dtype=torch.uint8), mode=ImageReadMode.RGB)
    found = images.decode(data)
    assert found.shape == truth.shape and (found - truth.float() / 255).abs().max() <= 1 / 255


def test_greys_of_sixteen_bits_keep_their_range() -> None:
    drawn = Image.new("I;16", (3, 2), 65_535)
    found = images.decode(_encode(drawn, "png"))
    assert found.shape == (3, 2, 3) and bool((found == 1).all())


def test_a_damaged_image_is_an_error_and_no_end_of_the_process() -> None:
    """torchvision's decoder of PNG leaves by a jump that ends the process."""
    data = bytearray(_encode(Image.new("RGB", (40, 40), "red"), "png"))
    for at in range(33, len(data)):
        damaged = bytes(data[:at]) + bytes([data[at] ^ 255]) + bytes(data[at + 1 :])
        with contextlib.suppress(Exception):  # of many kinds
            images.decode(damaged)


def test_the_pickle_that_torch_would_read_is_looked_at(tmp_path: Path) -> None:
    """That of the folder of the first member, whatever follows."""
    file = tmp_path / "two.pt"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps(print, 2))
        archive.writestr("b/data.pkl", pickle.dumps({}, 2))
    assert look(file).foreign == ("builtins.print",)


@pytest.mark.parametrize("ending", ["pt", "pth", "ckpt", "pt2", "npz"])
@pytest.mark.parametrize("way", ["target", "weights", "input"])
def test_an_archive_with_nothing_in_it_is_told(ending: str, way: str, tmp_path: Path) -> None:
    file = tmp_path / f"empty.{ending}"
    zipfile.ZipFile(file, "w").close()
    net = Target("torch.nn:Linear", (("in_features", "4"), ("out_features", "3")))
    target = {
        "target": Target(str(file)),
        "weights": replace(net, weights=str(file)),
        "input": replace(net, inputs=(f"input=@{file}",)),
    }[way]
    with pytest.raises(InspectorError) as told:
        Session(lambda event: None).open(target)
    assert told.value.problem.hint
