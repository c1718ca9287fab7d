"""What is written piece by piece is what the library of the format reads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from inspector.engine.hooks.tensor_file import read_notes, write_tensors
from inspector.engine.stored.safetensors_file import DTYPES
from inspector.errors import UsageError


def test_the_library_reads_every_dtype_shape_and_layout(tmp_path: Path) -> None:
    found = {str(dtype): torch.arange(6).reshape(2, 3).to(dtype) for dtype in DTYPES.values() if dtype.itemsize > 0}
    found |= {"a": torch.tensor(3.0), "ü\n": torch.empty(0, 4), "turned": torch.arange(12.0).reshape(3, 4).T[1:]}
    found |= {
        "conj": torch.tensor([1 + 2j]).conj(),
        "one of many": torch.arange(9)[4:5],
        "grad": torch.ones(3).requires_grad_(),
    }
    write_tensors(tmp_path / "all.safetensors", found, {"model": "Net"})
    again = load_file(tmp_path / "all.safetensors")
    assert set(again) == set(found) and read_notes(str(tmp_path / "all.safetensors")) == {"model": "Net"}
    for name, tensor in found.items():
        assert again[name].dtype == tensor.dtype and again[name].shape == tensor.shape, name
        assert torch.equal(
            *(each.detach().resolve_conj().contiguous().reshape(-1).view(torch.uint8) for each in (again[name], tensor))
        ), name
    with pytest.raises(UsageError, match=r"sparse is .*, for which safetensors files have no place"):
        write_tensors(tmp_path / "sparse.safetensors", {"sparse": torch.ones(2).to_sparse()})
    assert [file.name for file in tmp_path.iterdir()] == ["all.safetensors"]
