"""A file of `torch.save` whose zip is damaged: read by another way, or refused in words."""

from __future__ import annotations

import contextlib
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch

from inspector.engine.stored.saved import look
from inspector.engine.stored.torch_file import read_saved
from inspector.engine.values.nested import tensors_in
from inspector.engine.values.unread import read_tensor
from inspector.errors import UsageError

CENTRAL, LOCAL = b"PK\x01\x02", b"PK\x03\x04"
FLAGS, METHOD = {CENTRAL: 8, LOCAL: 6}, {CENTRAL: 10, LOCAL: 8}


def spoil(data: bytearray, member: bytes, field: dict[bytes, int], value: int) -> None:
    """Write `value` into a two-byte field of both headers of a member."""
    for mark, name_at in ((CENTRAL, 46), (LOCAL, 30)):
        at = data.find(mark)
        while at >= 0 and not data[at + name_at :].split(b"PK", 1)[0].startswith(member):
            at = data.find(mark, at + 1)
        struct.pack_into("<H", data, at + field[mark], value)


@pytest.mark.parametrize("member", [b"net/byteorder", b"net/data.pkl", b"net/data/0"])
@pytest.mark.parametrize(("field", "value"), [(FLAGS, 1), (METHOD, 8), (METHOD, 97)])
def test_a_member_that_cannot_be_unpacked_is_no_fault_of_ours(
    member: bytes, field: dict[bytes, int], value: int, tmp_path: Path
) -> None:
    file = tmp_path / "net.pt"
    torch.save({"a": torch.ones(3)}, file)
    data = bytearray(file.read_bytes())
    spoil(data, member, field, value)
    file.write_bytes(data)
    saved = look(file)
    with contextlib.suppress(UsageError):
        assert saved.kind == "unknown" or list(read_saved(file, saved).value) == ["a"]


def test_a_tensor_that_ends_beyond_its_file_is_refused(tmp_path: Path) -> None:
    """By the directory of the zip, the last member is larger than it is."""
    file, cut = tmp_path / "net.pt", tmp_path / "cut.pt"
    torch.save({"a": torch.ones(3000)}, file)
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(cut, "w") as archive:
        archive.writestr("net/data.pkl", whole.read("net/data.pkl"))
        archive.writestr("net/version", "3")
        archive.writestr("net/data/0", b"")
    data = bytearray(cut.read_bytes())
    spoil(data, b"net/data/0", {CENTRAL: 24, LOCAL: 22}, 12_000)
    cut.write_bytes(data)
    with contextlib.suppress(UsageError):
        read = read_saved(cut, look(cut))
        for tensor in tensors_in(read.value):
            read_tensor(read.seat(tensor))


@pytest.mark.parametrize("value", [{"a": torch.ones(4, 4), "b": torch.ones(4)}, {"a": torch.eye(4).to_sparse()}])
def test_a_storage_that_was_not_saved_to_its_end_is_refused(value: dict[str, torch.Tensor], tmp_path: Path) -> None:
    """What lies behind it in the file is not of it: torch maps that too, and refuses a file that it reads."""
    file, cut = tmp_path / "net.pt", tmp_path / "cut.pt"
    torch.save(value, file)
    with zipfile.ZipFile(file) as whole, zipfile.ZipFile(cut, "w") as archive:
        for name in whole.namelist():
            data = whole.read(name)
            archive.writestr(name, data[:-8] if name == "net/data/0" else data)
    with pytest.raises(UsageError, match="a storage has 64 bytes, of which 56 were saved"):
        read_saved(cut, look(cut))


def test_what_has_to_be_read_to_be_made_is_mapped_where_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, mapped, load = tmp_path / "net.pt", list[bool](), torch.load
    torch.save(OrderedDict(a=torch.quantize_per_tensor(torch.ones(4), 0.1, 0, torch.qint8), b=[torch.ones(2)]), file)

    def watched(*given: object, mmap: bool = False, **how: object) -> object:
        mapped.append(mmap)
        return load(*given, mmap=mmap, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(torch, "load", watched)
    read = read_saved(file, look(file))
    assert torch.equal(read.seat(read.value["a"]).dequantize(), torch.ones(4)) and mapped[-1]  # type: ignore[union-attr]
