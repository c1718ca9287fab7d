"""TorchScript archives that torch's own reader stumbles over."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from inspector.engine.session import Session
from inspector.errors import UsageError
from inspector.records import Target


@pytest.mark.filterwarnings("ignore")
def test_a_member_outside_the_archive_s_folder(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.pt", tmp_path / "broken.pt"
    torch.jit.save(torch.jit.trace(nn.Linear(4, 3), torch.ones(2, 4)), whole)  # type: ignore[no-untyped-call]
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(broken, "w") as archive:
        for name in source.namelist():
            archive.writestr(name.replace("whole/", "broken/"), source.read(name))
        archive.writestr("/canary", b"x")
    with pytest.raises(UsageError, match="cannot be read"):
        Session(lambda event: None).open(Target(str(broken)))


@pytest.mark.filterwarnings("ignore")
def test_a_bit_that_flipped_in_a_pickle_is_found(tmp_path: Path) -> None:
    """torch would read on, and may end the process with what it takes for something else."""
    whole = tmp_path / "whole.pt"
    torch.jit.save(torch.jit.trace(nn.Linear(4, 3), torch.ones(2, 4)), whole)  # type: ignore[no-untyped-call]
    data = whole.read_bytes()
    (tmp_path / "flipped.pt").write_bytes(data.replace(b"training", b"tRaining", 1))
    with pytest.raises(UsageError, match=r"data\.pkl in it is damaged"):
        Session(lambda event: None).open(Target(str(tmp_path / "flipped.pt")))


def test_a_storage_that_is_smaller_than_it_claims_is_not_loaded(tmp_path: Path) -> None:
    """torch reads and writes beyond the memory of such a tensor."""
    whole, cut = tmp_path / "whole.pt", tmp_path / "cut.pt"
    torch.jit.save(torch.jit.trace(nn.Linear(40, 30), torch.ones(2, 40)), whole)  # type: ignore[no-untyped-call]
    with zipfile.ZipFile(whole) as before, zipfile.ZipFile(cut, "w") as after:
        for name in before.namelist():
            data = before.read(name)
            after.writestr(name, data[:8] if len(data) == 4 * 40 * 30 else data)
    with pytest.raises(UsageError, match=r"data\.pkl in it claims 4,800 bytes of data/\d, which has not so many"):
        Session(lambda event: None).open(Target(str(cut)))
