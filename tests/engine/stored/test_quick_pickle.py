"""Python's own unpickler on checkpoints: what torch reads, and nothing else."""

from __future__ import annotations

import copyreg
import io
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from inspector.engine.stored.mapped import MappedFile
from inspector.engine.stored.quick_pickle import unpickle_quickly
from inspector.engine.stored.saved import look
from inspector.engine.stored.torch_file import read_saved
from inspector.engine.values.nested import tensors_in
from inspector.engine.values.unread import read_tensor


def checkpoint() -> dict[str, Any]:
    base = torch.arange(24.0).reshape(4, 6)
    state = OrderedDict(a=base, view=base[1:3, 2:5], turned=base.T, whole=torch.nn.Parameter(torch.ones(3)))
    state["empty"], state["bool"], state["scalar"] = torch.ones(0, 4), torch.tensor([True]), torch.tensor(7)
    vars(state)["_metadata"] = {"": {"version": 2}}
    return {
        "state_dict": state,
        "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}},
        "epoch": 3,
        "lr": [0.1, None],
    }


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_it_reads_what_torch_reads(protocol: int, tmp_path: Path) -> None:
    file = tmp_path / "net.pt"
    torch.save(checkpoint(), file, pickle_protocol=protocol)
    read = read_saved(file, look(file))
    assert read.find.__qualname__.startswith("Quick")
    expected = torch.load(file, weights_only=False)  # with True torch knows protocol 2 only
    assert vars(read.value["state_dict"]) == vars(expected["state_dict"])
    assert (read.value["epoch"], read.value["lr"]) == (3, [0.1, None])
    for mine, theirs in zip(tensors_in(read.value), tensors_in(expected), strict=True):
        seated = read_tensor(read.seat(mine))
        assert torch.equal(seated, theirs) and seated.stride() == theirs.stride() and seated.dtype == theirs.dtype


@pytest.mark.parametrize("value", [torch.ones(2).conj() * 1j, torch.ones(2).to_sparse(), torch.Generator, {1: {2}}])
def test_the_rest_is_left_to_torch(value: Any, tmp_path: Path) -> None:
    file = tmp_path / "net.pt"
    try:
        torch.save({"value": value, "w": torch.ones(2)}, file)
        expected = torch.load(file, weights_only=True)
    except Exception as error:
        pytest.skip(f"torch itself refuses it: {type(error).__name__}")
    read = read_saved(file, look(file))
    for mine, theirs in zip(tensors_in(read.value), tensors_in(expected), strict=True):
        assert torch.equal(read_tensor(read.seat(mine)).to_dense(), theirs.to_dense())


class Runs:
    """Unpickling it would run code."""

    def __reduce__(self) -> Any:
        return print, ("code ran",)


def _rebuild(*arguments: Any) -> bytes:
    """The pickle of one tensor that is made of these arguments, in place of its storage the first of them."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            return value[1:] if isinstance(value, tuple) and value[:1] == ("pid",) else None

    class Made:
        def __reduce__(self) -> Any:
            return torch._utils._rebuild_tensor_v2, arguments

    held = io.BytesIO()
    Pickler(held, 2).dump({"w": Made()})
    return held.getvalue()


STORAGE = ("pid", "storage", torch.FloatStorage, "0", "cpu", 4)


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps({"runs": Runs()}, 2),
        pickle.dumps({"runs": Runs()}, 4),
        b"\x80\x02cbuiltins\neval\n.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}b",
        b"\x80\x02ccollections\nOrderedDict\nNX\x01\x00\x00\x00a}\x86b.",
        _rebuild(STORAGE, 0, (5,), (1,), False, OrderedDict()),
        _rebuild(STORAGE, 1, (4,), (1,), False, OrderedDict()),
        _rebuild(STORAGE, -1, (2,), (1,), False, OrderedDict()),
        _rebuild(STORAGE, 0, (1 << 62, 1 << 62), (0, 0), False, OrderedDict()),
        _rebuild(STORAGE, 0, (2,), (-1,), False, OrderedDict()),
        _rebuild(STORAGE, 0, ("2",), (1,), False, OrderedDict()),
        _rebuild((*STORAGE[:5], 5), 0, (2,), (1,), False, OrderedDict()),
        _rebuild((*STORAGE[:3], "1", "cpu", 4), 0, (2,), (1,), False, OrderedDict()),
        _rebuild("no storage", 0, (2,), (1,), False, OrderedDict()),
        b"\x80\x02]",
        b"",
    ],
)
def test_what_torch_save_does_not_write_is_declined(
    data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(bytes(16))
    assert unpickle_quickly(data, MappedFile(tmp_path / "file"), {"0": (0, 16)}) is None
    assert not capsys.readouterr().out


def test_names_that_a_program_has_given_numbers_are_not_taken_unasked(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    named = b"\x80\x02\x82\xc8."
    copyreg.add_extension("builtins", "print", 200)
    try:
        assert pickle.loads(named) is print
        assert unpickle_quickly(named, MappedFile(tmp_path / "file"), {}) is None
    finally:
        copyreg.remove_extension("builtins", "print", 200)


def test_a_tensor_that_is_changed_after_it_was_made_has_no_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(16))
    good = _rebuild(STORAGE, 0, (4,), (1,), False, OrderedDict())
    made = unpickle_quickly(good, MappedFile(tmp_path / "file"), {"0": (0, 16)})
    assert made is not None and made.seat(made.value["w"]).shape == (4,)
    made.value["w"].resize_(2)
    with pytest.raises(ValueError):
        made.seat(made.value["w"])


@pytest.mark.parametrize("size", [2.0, True])
def test_sizes_are_whole_numbers(size: Any, tmp_path: Path) -> None:
    """What only equals one would be told to the app, which believes nothing more of an engine that says 2.0."""
    (tmp_path / "file").write_bytes(bytes(16))
    first, second = (_rebuild(STORAGE, 0, (each,), (1,), False, OrderedDict()) for each in (int(size), size))
    both = first[:-1] + b"0" + second[2:]  # the first is dropped
    made = unpickle_quickly(both, MappedFile(tmp_path / "file"), {"0": (0, 16)})
    assert made is not None
    assert [type(each) for each in made.seat(made.value["w"]).shape] == [int]


def test_the_directory_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "net.pt"
    torch.save(checkpoint(), file)
    saved = look(file)
    monkeypatch.delattr("zipfile.ZipFile")
    assert read_saved(file, saved).find.__qualname__.startswith("Quick")
