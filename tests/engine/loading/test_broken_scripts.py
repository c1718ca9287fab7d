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
