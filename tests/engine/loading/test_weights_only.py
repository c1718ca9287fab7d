"""Weights without a model: opened from the header, shown as a tree of their names, never called."""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import save_file
from torch import Tensor, nn

from inspector.engine.answers import answer
from inspector.engine.loading import load
from inspector.engine.loading.files import weights_only
from inspector.engine.modules.weight_tree import weight_tree
from inspector.engine.session import Session
from inspector.errors import InspectorError, UsageError
from inspector.records import (
    AddHook,
    AnyEvent,
    Choices,
    EditParameters,
    MappingValue,
    ModuleRows,
    Note,
    Opened,
    ParameterRow,
    ScalarValue,
    StateDictReport,
    TakeBaseline,
    Target,
    TensorValue,
)

GIB = 1 << 30


class Opening:
    """A session on a file, and what it told."""

    def __init__(self, file: Path | str, **how: Any) -> None:
        self.told: list[AnyEvent] = []
        self.session = Session(self.told.append)
        opened = self.session.open(replace(Target(str(file)), **how))
        assert isinstance(opened, Opened)
        self.opened, self.info = opened, opened.info
        self.session.announce()

    @property
    def shapes(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Name -> dtype and shape, as the tree has them."""
        rows = [row for event in self.told if isinstance(event, ModuleRows) for row in event.rows]
        paths = self.session.subject.tree.paths
        return {".".join(paths[row.index]): (row.class_name, row.shape) for row in rows if row.shape is not None}

    def parameters(self, *path: str) -> dict[str, ParameterRow]:
        return {row.name: row for row in self.session.queries.parameters(path, 200).rows}

    def mean(self, *path: str) -> float | None:
        (row,) = self.session.queries.parameters(path, 1).rows
        assert isinstance(row.value, TensorValue) and row.value.statistics is not None
        return row.value.statistics.mean

    def attributes(self, *path: str) -> dict[str, Any]:
        others = self.session.queries.attributes(path).others
        return dict(zip(others.keys, others.items, strict=True))


def state() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 4, 3), bn=nn.BatchNorm2d(4))).state_dict()


NAMES = {
    "conv.weight": ("float32", (4, 3, 3, 3)),
    "conv.bias": ("float32", (4,)),
    "bn.weight": ("float32", (4,)),
    "bn.bias": ("float32", (4,)),
    "bn.running_mean": ("float32", (4,)),
    "bn.running_var": ("float32", (4,)),
    "bn.num_batches_tracked": ("int64", ()),
}


def checkpoint() -> dict[str, Any]:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return {"model": state(), "optimizer": optimizer.state_dict(), "epoch": 3, "lr": [0.1, 0.2]}


def problem(file: Path | str, **how: Any) -> str:
    with pytest.raises(UsageError) as caught:
        load(replace(Target(str(file)), **how))
    found = caught.value.problem
    return f"{found.what} | {found.hint}"


@pytest.mark.parametrize("kind", ["net.pt", "net.pth", "net.bin", "net.ckpt", "legacy.pth", "net.safetensors", "blob"])
def test_names_shapes_dtypes_and_sizes_are_shown_whatever_the_format(kind: str, tmp_path: Path) -> None:
    file = tmp_path / kind
    if kind in ("net.safetensors", "blob"):
        save_file(state(), file)
    else:
        torch.save(state(), file, _use_new_zipfile_serialization=kind != "legacy.pth")
    opening = Opening(file)
    info = opening.info
    assert opening.shapes == NAMES
    assert (info.kind, info.is_model, info.tensors, info.parameters, info.trainable) == ("weights", False, 7, 129, 0)
    assert info.nbytes == sum(tensor.nbytes for tensor in state().values())
    assert opening.mean("conv", "weight") == pytest.approx(state()["conv.weight"].mean().item())
    assert set(opening.parameters("bn")) == {name.removeprefix("bn.") for name in NAMES if name.startswith("bn.")}
    assert {row.kind for row in opening.parameters().values()} == {"tensor"}


def test_the_values_are_those_of_the_file(tmp_path: Path) -> None:
    tensors = {
        "plain": torch.arange(12.0).view(3, 4),
        "transposed": torch.arange(12.0).view(3, 4).t(),
        "part": torch.arange(12.0)[3:7],
        "expanded": torch.tensor([5.0]).expand(3),
        "half": torch.tensor([1.0, 2.0]).bfloat16(),
        "float8": torch.tensor([1.0, 2.0]).to(torch.float8_e4m3fn),
        "complex": torch.tensor([3 + 4j, 1j]).conj(),
        "negative": torch.tensor([3 + 4j, 1j]).conj().imag,
        "flags": torch.tensor([True, False]),
        "empty": torch.ones(0, 4),
        "scalar": torch.tensor(7),
        "quantized": torch.quantize_per_tensor(torch.ones(4), 0.5, 0, torch.qint8),
        "sparse": torch.eye(3).to_sparse(),
        "missing": torch.tensor([float("nan"), 1.0]),
    }
    lazy = [name for name in tensors if name not in ("quantized", "sparse")]
    for names in (lazy, list(tensors)):  # the second cannot be read onto the meta device
        torch.save({name: tensors[name] for name in names}, tmp_path / "net.pt")
        tree = weight_tree(load(Target(str(tmp_path / "net.pt"))).model)  # type: ignore[union-attr, arg-type]
        for name in names:
            held = tree.object_at((name,)).module.own
            assert isinstance(held, Tensor) and held.dtype == tensors[name].dtype
            assert held.shape == tensors[name].shape and held.device.type == "cpu"
            assert same(held, tensors[name])


def same(a: Tensor, b: Tensor) -> bool:
    """Equal, NaN to NaN."""
    if a.is_quantized:
        a, b = a.dequantize(), b.dequantize()
    a, b = (each.float() if each.element_size() == 1 else each.to_dense() for each in (a, b))
    return torch.equal(a.nan_to_num(-1.0), b.nan_to_num(-1.0))


def test_strange_names_stay_apart(tmp_path: Path) -> None:
    one = torch.ones(2)
    names = ["a", "a.b", "a.b.c", "x..y", ".x", "x.", "", "\x1b[2Jk", "training", "_parameters", "forward.weight"]
    names.append("d\ud800")
    torch.save({name: one + number for number, name in enumerate(names)}, tmp_path / "net.pt")
    opening = Opening(tmp_path / "net.pt")
    assert len(opening.shapes) == len(names) == opening.info.tensors
    assert {"a", "a.b", "a.b.c", "x..y", ".x", "x.", "training", "_parameters", "forward.weight"} <= set(opening.shapes)
    assert opening.mean("a") == 1 and opening.mean("a", "b") == 2 and opening.mean("a", "b", "c") == 3
    assert len(opening.parameters()) == len(names)


def test_a_name_of_very_many_components_is_not_taken_apart_to_the_end(tmp_path: Path) -> None:
    save_file({".".join("a" * 5_000): torch.ones(2)}, tmp_path / "net.safetensors")
    assert Opening(tmp_path / "net.safetensors").info.rows < 100


def test_numbers_stand_in_their_order(tmp_path: Path) -> None:
    save_file({f"layers.{number}.w": torch.ones(1) for number in range(12)}, tmp_path / "net.safetensors")
    assert list(Opening(tmp_path / "net.safetensors").shapes) == [f"layers.{number}.w" for number in range(12)]


def test_a_tensor_under_two_names_is_counted_once(tmp_path: Path) -> None:
    shared = torch.ones(10)
    torch.save({"a": shared, "b": shared, "part": shared[2:5]}, tmp_path / "net.pt")
    opening = Opening(tmp_path / "net.pt")
    assert (opening.info.tensors, opening.info.parameters) == (3, 13)
    assert opening.parameters()["a"].tied == ("b",) and opening.parameters()["part"].tied == ()


def test_packed_parameters_of_a_quantized_model_are_shown(tmp_path: Path) -> None:
    packed = (torch.quantize_per_tensor(torch.ones(3, 2), 0.5, 0, torch.qint8), None)
    torch.save({"0.scale": torch.tensor(1.0), "0._packed": packed, "0.dtype": torch.qint8}, tmp_path / "net.pt")
    opening = Opening(tmp_path / "net.pt")
    assert opening.shapes["0._packed.0"] == ("qint8", (3, 2)) and "0.dtype" not in opening.shapes
    assert "dtype" in opening.attributes("0")


def test_of_a_checkpoint_the_state_dict_is_shown_and_the_rest_named(tmp_path: Path) -> None:
    torch.save(checkpoint(), tmp_path / "net.ckpt")
    opening = Opening(tmp_path / "net.ckpt")
    assert opening.shapes == NAMES
    assert "this is the entry 'model' of the file" in opening.info.notes
    assert any("entry=optimizer opens them" in note for note in opening.info.notes)
    beside = opening.attributes()["beside"]
    assert isinstance(beside, MappingValue) and beside.keys == ("optimizer", "epoch", "lr")
    assert beside.items[0] == ScalarValue("str", "6 tensors, 0.0 MB") and beside.items[1] == ScalarValue("int", 3)


def test_any_entry_can_be_opened(tmp_path: Path) -> None:
    torch.save(checkpoint(), tmp_path / "net.ckpt")
    opening = Opening(tmp_path / "net.ckpt", arguments=(("entry", "optimizer"),))
    assert opening.shapes["state.0.exp_avg"] == ("float32", (2, 3)) and len(opening.shapes) == 6
    assert "has no entry 'optimiser'" in problem(tmp_path / "net.ckpt", arguments=(("entry", "optimiser"),))
    assert "nothing to call" in problem(tmp_path / "net.ckpt", arguments=(("depth", "3"),))


def test_two_networks_in_a_file_are_shown_side_by_side(tmp_path: Path) -> None:
    torch.save({"generator": state(), "discriminator": state()}, tmp_path / "gan.pt")
    expected = {f"{net}.{name}" for net in ("generator", "discriminator") for name in NAMES}
    assert set(Opening(tmp_path / "gan.pt").shapes) == expected


def test_other_classes_stand_beside_the_weights_without_being_made(tmp_path: Path) -> None:
    saved = {"state_dict": state(), "hp": argparse.Namespace(lr=0.5), "best": numpy.float64(3), "path": Path("x")}
    torch.save(saved, tmp_path / "net.ckpt")
    opening = Opening(tmp_path / "net.ckpt")
    assert opening.shapes == NAMES
    assert any("argparse.Namespace" in note and "not run" in note for note in opening.info.notes)
    beside = opening.attributes()["beside"]
    held = dict(zip(beside.keys, beside.items, strict=True))
    assert held["hp"].keys == ("lr",) and "not loaded" in held["best"].value


class Runs:
    """Unpickling it would make a file."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("function", [os.open, eval])
def test_nothing_of_a_file_is_run(function: Any, zipped: bool, tmp_path: Path) -> None:
    made = tmp_path / "made"
    runs = Runs(os.open, str(made), os.O_CREAT) if function is os.open else Runs(eval, f"open({str(made)!r}, 'w')")
    torch.save({"w": torch.ones(2), "x": runs}, tmp_path / "n.pt", _use_new_zipfile_serialization=zipped)
    try:
        assert Opening(tmp_path / "n.pt").info.tensors == 1
    except InspectorError as error:  # torch refuses the module os whatever it is told
        assert function is os.open and "blocked" in error.problem.what
    assert not made.exists()


def test_metadata_of_a_safetensors_file_is_shown(tmp_path: Path) -> None:
    save_file(state(), tmp_path / "net.safetensors", metadata={"format": "pt", "by": "\x1b]0;x"})
    opening = Opening(tmp_path / "net.safetensors")
    metadata = opening.attributes()["metadata"]
    assert dict(zip(metadata.keys, metadata.items, strict=True))["format"] == ScalarValue("str", "pt")
    assert any(note.startswith("metadata: ") and "format = pt" in note for note in opening.info.notes)


def test_no_pass_is_run_and_every_way_to_one_says_why(tmp_path: Path) -> None:
    save_file(state(), tmp_path / "net.safetensors")
    opening = Opening(tmp_path / "net.safetensors")
    session = opening.session
    assert (opening.opened.form, opening.opened.problem, opening.info.input) == ((), None, "")
    assert not [event for event in opening.told if isinstance(event, Note)]
    generation = session.generation
    for ask in (
        session.run,
        lambda: session.set_input(("1x3",)),
        lambda: session.observe(((),), True, True),
        lambda: answer(session, AddHook(generation, "conv", "zero()")),
        lambda: answer(session, EditParameters(generation, "conv", "zero()")),
        lambda: answer(session, TakeBaseline(generation)),
    ):
        with pytest.raises(UsageError) as caught:
            ask()
        assert caught.value.problem.what == (
            f"weights without a model: nothing to call; inspector NAME -w {tmp_path / 'net.safetensors'} "
            "opens them in a model"
        )
    queries = session.queries
    assert queries.check_hook("conv", "zero()", edits=False).problem is not None
    assert queries.calls_of(("conv",)).note == queries.hooks(("conv",)).note == queries.source((), "auto").notes[0]
    assert queries.locations().rows == () and queries.all_hooks(0, 10).total == 0
    session.close()


@pytest.mark.parametrize(
    "how",
    [
        {"weights": "x.pt"},
        {"inputs": ("1x3",)},
        {"hooks": ("conv:zero()",)},
        {"recipe": "x.toml"},
        {"device": "meta"},
        {"dtype": "bfloat16"},
        {"training": True},
        {"backward": True},
        {"batches": 3},
        {"loss": "sum"},
        {"optimizer": "SGD(lr=1)"},
        {"loader": "data:loader"},
    ],
)
def test_what_needs_a_model_is_a_usage_error(how: dict[str, Any], tmp_path: Path) -> None:
    save_file(state(), tmp_path / "net.safetensors")
    assert "nothing to call" in problem(tmp_path / "net.safetensors", **how)


def test_the_names_are_compared_with_another_file(tmp_path: Path) -> None:
    save_file(state(), tmp_path / "net.safetensors")
    other = {**state(), "conv.bias": torch.ones(5), "fc.weight": torch.ones(1)}
    del other["bn.bias"]
    torch.save(other, tmp_path / "other.pt")
    report = Opening(tmp_path / "net.safetensors").session.queries.state_dict(str(tmp_path / "other.pt"))
    assert isinstance(report, StateDictReport)
    assert report.counts == {"mismatched": 1, "missing": 1, "unexpected": 1, "fits": 5}


def sparse(file: Path, count: int, elements: int) -> None:
    """A safetensors file of zeros that takes no room on the disk."""
    size = 2 * elements
    header = {
        f"layers.{n}.w": {"dtype": "BF16", "shape": [elements], "data_offsets": [n * size, (n + 1) * size]}
        for n in range(count)
    }
    text = json.dumps(header).encode()
    with file.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        stream.truncate(8 + len(text) + count * size)


COST = """
import resource, sys
from inspector.engine.session import Session
from inspector.records import Target
def read(): return int(next(line for line in open("/proc/self/io") if line.startswith("rchar")).split()[1])
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = read(), peak()
session = Session(lambda event: None)
info = session.open(Target(sys.argv[1])).info
session.announce()
rows = session.queries.parameters((), 200).rows
print(info.nbytes, len(rows), read() - before[0], peak() - before[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("format", ["safetensors", "torch"])
def test_opening_a_checkpoint_costs_its_header(format: str, tmp_path: Path) -> None:
    file = tmp_path / "net.bin"
    if format == "safetensors":
        sparse(file, 50, GIB // 2)
    else:
        with torch.serialization.skip_data():  # room for the tensors, which nothing is written to
            torch.save({f"layers.{n}.w": torch.empty(GIB // 4) for n in range(50)}, file)
    assert file.stat().st_size > 49 * GIB and file.stat().st_blocks * 512 < 1 << 22
    command = [sys.executable, "-c", COST, str(file)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    nbytes, rows, read, peak = map(int, ran.stdout.split())
    assert (nbytes, rows) == (50 * GIB, 50)
    assert read < 1 << 20, "bytes read"
    assert peak < 64 << 20, "memory"


def test_large_tensors_are_read_when_they_are_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.engine.views.parameters.LARGE", 10)
    save_file({"a": torch.ones(20), "b": torch.ones(5)}, tmp_path / "net.safetensors")
    opening = Opening(tmp_path / "net.safetensors")
    large, small = (opening.parameters()[name].value for name in "ab")
    assert isinstance(large, TensorValue) and large.statistics is None and "alone" in large.why
    assert isinstance(small, TensorValue) and small.statistics is not None
    assert opening.mean("a") == 1


def written(file: Path, header: Any, data: bytes = bytes(16), length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return file


def tensor(start: int, stop: int, shape: Any = None, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": [(stop - start) // 4] if shape is None else shape, "data_offsets": [start, stop]}


@pytest.mark.parametrize(
    ("header", "length", "words"),
    [
        ({"a": tensor(0, 16)}, 1 << 40, "than one may have"),
        ({"a": tensor(0, 16)}, 5_000, "should have 5,000 bytes"),
        (b"{" + b"x" * 20, None, "cannot be read"),
        (b"[1]", None, "no JSON object"),
        (b"[" * 100_000, None, "cannot be read"),
        ({"a": tensor(0, 32)}, None, "holds 16 after its header"),
        ({"a": tensor(0, 8), "b": tensor(4, 12)}, None, "'a' and 'b' overlap"),
        ({"a": tensor(8, 4, [1])}, None, "ends before it begins"),
        ({"a": tensor(0, 16, [3])}, None, "does not take 16 bytes"),
        ({"a": tensor(0, 16, [-4])}, None, "not a dtype, a shape and two offsets"),
        ({"a": {"dtype": "F32"}}, None, "not a dtype, a shape and two offsets"),
        ({"a": 3}, None, "not a dtype, a shape and two offsets"),
        ({"a": tensor(0, 0, [1 << 61, 1 << 61, 0])}, None, "cannot be"),
        (b'{"a": 1, "a": 2}', None, "'a' is there twice"),
        ({"__metadata__": 3, "a": tensor(0, 16)}, None, "__metadata__ is no object"),
    ],
)
def test_a_header_that_lies_is_a_clear_error(header: Any, length: int | None, words: str, tmp_path: Path) -> None:
    assert words in problem(written(tmp_path / "net.safetensors", header, length=length))


def test_a_dtype_that_torch_lacks_is_shown_as_bytes(tmp_path: Path) -> None:
    opening = Opening(written(tmp_path / "net.safetensors", {"a": tensor(0, 6, [8], "F6_E2M3")}))
    assert opening.shapes == {"a": ("uint8", (6,))} and any("F6_E2M3" in note for note in opening.info.notes)


def test_tensors_may_lie_at_any_byte(tmp_path: Path) -> None:
    data = b"\0" + struct.pack("<3f", 1, 2, 3)
    opening = Opening(written(tmp_path / "n.safetensors", {"b": tensor(0, 1, [1], "U8"), "a": tensor(1, 13)}, data))
    assert opening.mean("a") == 2


@pytest.mark.parametrize("cut", [0, 1, 40, 500, -1])
@pytest.mark.parametrize("kind", ["net.pt", "legacy.pt", "net.safetensors"])
def test_a_file_that_is_cut_off_is_a_clear_error(kind: str, cut: int, tmp_path: Path) -> None:
    file = tmp_path / kind
    if kind == "net.safetensors":
        save_file(state(), file)
    else:
        torch.save(state(), file, _use_new_zipfile_serialization=kind == "net.pt")
    file.write_bytes(file.read_bytes()[:cut])
    assert kind in problem(file)


def test_the_content_counts_and_not_the_suffix(tmp_path: Path) -> None:
    save_file(state(), tmp_path / "net.pt")
    torch.save(state(), tmp_path / "net.safetensors")
    assert Opening(tmp_path / "net.pt").shapes == Opening(tmp_path / "net.safetensors").shapes == NAMES
    (tmp_path / "text.pt").write_text("hello")
    assert "no file that torch.save or safetensors wrote" in problem(tmp_path / "text.pt")
    assert "there is no file" in problem(tmp_path / "none.safetensors")
    torch.save({"epoch": 3}, tmp_path / "none.pt")
    assert "holds no tensors but a dict with epoch" in problem(tmp_path / "none.pt")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("reverse", [True, False])
def test_a_zip_that_was_packed_anew_shows_the_same_values(reverse: bool, compression: int, tmp_path: Path) -> None:
    torch.save({"a": torch.ones(4), "b": torch.ones(4) * 2}, tmp_path / "net.pt")
    with zipfile.ZipFile(tmp_path / "net.pt") as old, zipfile.ZipFile(tmp_path / "new.pt", "w", compression) as new:
        for entry in sorted(old.namelist(), reverse=reverse):
            new.writestr(entry, old.read(entry))
    opening = Opening(tmp_path / "new.pt")
    assert (opening.mean("a"), opening.mean("b")) == (1, 2)


def sharded(folder: Path, suffix: str = "safetensors") -> Path:
    """Two shards with an index."""
    halves = [dict(list(state().items())[:3]), dict(list(state().items())[3:])]
    weight_map = {}
    for number, half in enumerate(halves, 1):
        file = f"model-0000{number}-of-00002.{suffix}"
        weight_map |= dict.fromkeys(half, file)
        save_file(half, folder / file) if suffix == "safetensors" else torch.save(half, folder / file)
    index = folder / f"model.{suffix}.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 5}, "weight_map": weight_map}))
    return index


@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
def test_shards_are_shown_as_one(suffix: str, tmp_path: Path) -> None:
    index = sharded(tmp_path, suffix)
    for target in (index, tmp_path):
        opening = Opening(target)
        assert opening.shapes == NAMES and opening.mean("conv", "weight") is not None
        assert "metadata" in opening.attributes()


def test_a_shard_that_is_missing_or_lacks_a_tensor_is_named(tmp_path: Path) -> None:
    index = sharded(tmp_path)
    shard = tmp_path / "model-00002-of-00002.safetensors"
    content = json.loads(index.read_text())
    content["weight_map"]["gone.weight"] = shard.name
    index.write_text(json.dumps(content))
    assert "1 tensor that is not there: gone.weight in model-00002" in problem(index)
    shard.unlink()
    assert "1 shard of 2 is not there: model-00002-of-00002.safetensors (5 tensors)" in problem(index)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", *(json.dumps({"weight_map": {"a": file}}) for file in (3, "../x", "/etc/passwd", "", "a\0"))],
)
def test_an_index_that_is_none_is_a_clear_error(content: str, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(content)
    assert "no sound index" in problem(tmp_path / "model.safetensors.index.json")


def test_a_tensor_that_the_index_does_not_name_is_left_out(tmp_path: Path) -> None:
    index = sharded(tmp_path)
    content = json.loads(index.read_text())
    del content["weight_map"]["bn.bias"]
    index.write_text(json.dumps(content))
    opening = Opening(index)
    assert "bn.bias" not in opening.shapes and any("not in the index" in note for note in opening.info.notes)


def test_a_directory_opens_its_one_file_and_lists_several(tmp_path: Path) -> None:
    save_file(state(), tmp_path / "model.safetensors")
    assert Opening(tmp_path).shapes == NAMES
    torch.save(state(), tmp_path / "pytorch_model.bin")
    listed = load(Target(str(tmp_path)))
    assert isinstance(listed, Choices)
    assert [Path(choice.name).name for choice in listed.items] == ["model.safetensors", "pytorch_model.bin"]
    (tmp_path / "config.json").write_text("{}")
    said = problem(tmp_path)
    assert f"hf:{tmp_path} for the model" in said and "model.safetensors for its weights" in said


def test_a_directory_called_like_a_model_of_torchvision_does_not_hide_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "resnet18").mkdir()
    save_file(state(), tmp_path / "resnet18" / "model.safetensors")
    assert not weights_only.LOADER.claims("resnet18") and weights_only.LOADER.claims("./resnet18")
