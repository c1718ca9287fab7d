"""Files that would take far more memory than they have bytes are refused before they do."""

from __future__ import annotations

import io
import json
import pickle
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from inspector.engine.loading.files.state import read_state
from inspector.errors import UsageError

ROOM = 500 << 10
"""KiB of memory that opening such a file may take."""
LARGE = 700 << 20
MILLION = 1_000_000

OPEN = """
import json, sys, torch
from importlib.util import find_spec
from inspector.engine.loading import load
from inspector.engine.inputs.specs import sample_from_specs
from inspector.engine.loading.files.state import read_state
from inspector.errors import InspectorError
from inspector.records import Target
import inspector.engine.stored.images, PIL.Image, torchvision.io
if find_spec("torch.export.pt2_archive"):
    import torch.export.pt2_archive.constants
torch.set_num_threads(1)
uses = {
    "target": lambda name: load(Target(name, run=False)),
    "state": read_state,
    "input": lambda name: sample_from_specs([f"@{name}"], torch.nn.ReLU(), 0),
}
def memory(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1])
def use(name):
    for act in uses.values():
        try:
            act(name)
            yield "opened"
        except InspectorError as error:
            yield error.problem.what
list(use(sys.argv[1]))
for name in sys.argv[2:]:
    open("/proc/self/clear_refs", "w").write("5")
    before = memory("VmRSS")
    print(json.dumps([list(use(name)), memory("VmHWM") - before]), flush=True)
"""


def open_everywhere(ordinary: Path, files: list[Path]) -> list[tuple[list[str], int]]:
    """What became of each file as a target, as a state dict and as an input; and KiB of memory that it took."""
    command = [sys.executable, "-c", OPEN, ordinary, *files]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


def deflate(file: Path, members: dict[str, bytes | int]) -> None:
    """A zip with these members; a number is so many zeros."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            with archive.open(name, "w", force_zip64=True) as member:
                left = content if isinstance(content, int) else 0
                while left > 0:
                    member.write(bytes(min(left, 1 << 20)))
                    left -= 1 << 20
                if isinstance(content, bytes):
                    member.write(content)


def deflated_weights(file: Path) -> None:
    """One large tensor, all zeros."""
    saved = io.BytesIO()
    torch.save({"w": torch.zeros(4)}, saved)
    with zipfile.ZipFile(saved) as archive:
        head = archive.read("archive/data.pkl").replace(b"K\x04", b"J" + struct.pack("<i", LARGE // 4))
        deflate(file, {"archive/data.pkl": head, "archive/version": b"3\n", "archive/data/0": LARGE})


def deflated_pickle(file: Path) -> None:
    deflate(file, {"archive/data.pkl": LARGE, "archive/version": b"3\n"})


def deflated_script(file: Path) -> None:
    deflate(file, {"net/data.pkl": b"", "net/constants.pkl": b"", "net/version": b"3\n", "net/code/x.py": LARGE})


def script_with_long_text(file: Path) -> None:
    """A string of three gigabytes is claimed by a pickle of some hundred bytes."""
    plain = file.with_name("plain.script.pt")
    torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)), plain)  # type: ignore[no-untyped-call]
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(file, "w") as archive:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("/data.pkl"):
                data = data.replace(b"X\x08\x00\x00\x00training", b"X\x08\x00\x00\xb0training")
            archive.writestr(name, data)


def deflated_program(file: Path) -> None:
    deflate(file, {"net/archive_format": b"pt2", "net/models/model.json": LARGE, "net/version": b"3\n"})


def deflated_arrays(file: Path) -> None:
    head = io.BytesIO()
    import numpy

    numpy.lib.format.write_array_header_1_0(head, {"descr": "|u1", "fortran_order": False, "shape": (LARGE,)})
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("a.npy", "w") as member,
    ):
        member.write(head.getvalue())
        for _ in range(LARGE >> 20):
            member.write(bytes(1 << 20))


def claimed_array(file: Path) -> None:
    import numpy

    with file.open("wb") as stream:
        numpy.lib.format.write_array_header_1_0(
            stream, {"descr": "<f8", "fortran_order": False, "shape": (1 << 20, 1 << 12)}
        )


def overlapping(file: Path) -> None:
    """A thousand names for the same bytes."""
    data = io.BytesIO()
    torch.save({"w": torch.zeros(1 << 20)}, data)
    raw = data.getvalue()
    end = raw.rindex(b"PK\x05\x06")
    directory = raw[raw.index(b"PK\x01\x02") : end]
    many = directory * 1_000
    count = directory.count(b"PK\x01\x02") * 1_000
    tail = struct.pack(
        "<4sHHHHIIH", b"PK\x05\x06", 0, 0, count % 65536, count % 65536, len(many), raw.index(b"PK\x01\x02"), 0
    )
    file.write_bytes(raw[: raw.index(b"PK\x01\x02")] + many + tail)


def stored_pickle(code: bytes) -> Callable[[Path], None]:
    """A file of torch whose pickle is `code`."""

    def write(file: Path) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("archive/data.pkl", b"\x80\x02" + code + b".")
            archive.writestr("archive/version", b"3\n")

    return write


def legacy_pickle(code: bytes) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        saved = io.BytesIO()
        torch.save({}, saved, _use_new_zipfile_serialization=False)
        saved.seek(0)
        for _ in range(3):
            pickle.load(saved)
        file.write_bytes(saved.getvalue()[: saved.tell()] + b"\x80\x02" + code + b"." + pickle.dumps([]))

    return write


def claimed_storage(file: Path) -> None:
    """A tensor of 12 GB on a storage of four bytes, in the format from before torch 1.6."""
    saved = io.BytesIO()
    torch.save({"w": torch.zeros(7)}, saved, _use_new_zipfile_serialization=False)
    file.write_bytes(saved.getvalue().replace(b"K\x07\x85", b"J" + struct.pack("<i", (1 << 31) - 1) + b"\x85"))


def large_image(file: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packed = zlib.compressobj(9)
    rows = b"".join(packed.compress(bytes(12_001)) for _ in range(12_000)) + packed.flush()
    head = struct.pack(">IIBBBBB", 12_000, 12_000, 8, 0, 0, 0, 0)
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def bracketed_header(file: Path) -> None:
    text = b'{"a": [' + b"[]," * 10_000_000 + b"0]}"
    file.write_bytes(struct.pack("<Q", len(text)) + text)


BLOATED: dict[str, tuple[Callable[[Path], None], str]] = {
    "deflated.pt": (deflated_weights, "is not unpacked"),
    "pickle.pt": (deflated_pickle, "is not unpacked"),
    "script.pt": (deflated_script, "is not unpacked"),
    "text.pt": (script_with_long_text, "cut off or damaged"),
    "program.pt2": (deflated_program, "is not unpacked"),
    "arrays.npz": (deflated_arrays, "is not unpacked"),
    "array.npy": (claimed_array, "it claims"),
    "overlaps.pt": (overlapping, "is not unpacked|is no file|cut off"),
    "memo.pt": (stored_pickle(b"N" + b"\x94" * 5 * MILLION), "is not unpacked"),
    "lists.pt": (stored_pickle(b"(" + b"]" * 5 * MILLION + b"l"), "is not unpacked"),
    "dicts.pth": (legacy_pickle(b"(" + b"}" * 5 * MILLION + b"l"), "is not unpacked"),
    "names.pt": (stored_pickle(b"".join(b"ca%x\nb\n0" % n for n in range(400_000)) + b"N"), "is not unpacked"),
    "bytes.pt": (stored_pickle(b"c__builtin__\nbytearray\nJ\x00\x00\x00\x70\x85R"), "bytearray"),
    "storage.pth": (claimed_storage, "is not unpacked|cannot be read"),
    "image.png": (large_image, "would become an image"),
    "header.safetensors": (bracketed_header, "little but brackets"),
}


@pytest.mark.timeout(250)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux alone tells the peak of a process")
def test_they_are_refused_within_the_memory_of_an_ordinary_file(tmp_path: Path) -> None:
    for name, (make, _) in BLOATED.items():
        make(tmp_path / name)
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "ordinary.pt")
    found = open_everywhere(tmp_path / "ordinary.pt", [tmp_path / name for name in BLOATED])
    for (name, (_, words)), (said, peak) in zip(BLOATED.items(), found, strict=True):
        assert "opened" not in said, (name, said)
        assert any(word in what for word in words.split("|") for what in said), (name, said)
        assert peak < ROOM, f"{name}: {peak >> 10} MB"


def test_weights_that_are_half_zeros_and_compressed_open(tmp_path: Path) -> None:
    """What somebody packed anew with zip is no bomb."""
    weights = torch.randn(1 << 22)
    weights[::2] = 0
    torch.save({"w": weights}, tmp_path / "net.pt")
    with (
        zipfile.ZipFile(tmp_path / "net.pt") as archive,
        zipfile.ZipFile(tmp_path / "packed.pt", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for entry in archive.namelist():
            packed.writestr(entry, archive.read(entry))
    from inspector.engine.loading.files.state import read_state

    assert torch.equal(read_state(str(tmp_path / "packed.pt")).values["w"], weights)


@pytest.mark.parametrize("label", ["version", "byteorder", ".format_version", ".data/serialization_id"])
def test_a_label_that_is_none_is_refused(label: str, tmp_path: Path) -> None:
    """torch puts what it cannot read into a message, several times over."""
    torch.save({"a": torch.zeros(2)}, tmp_path / "plain.pt")
    with zipfile.ZipFile(tmp_path / "plain.pt") as plain, zipfile.ZipFile(tmp_path / "odd.pt", "w") as odd:
        for name in plain.namelist():
            odd.writestr(name, bytes(2 << 20) if name.endswith(f"/{label}") else plain.read(name))
        if f"plain/{label}" not in plain.namelist():
            odd.writestr(f"plain/{label}", bytes(2 << 20))
    with pytest.raises(UsageError, match="holds 2,097,152 bytes in place of a word"):
        read_state(str(tmp_path / "odd.pt"))
