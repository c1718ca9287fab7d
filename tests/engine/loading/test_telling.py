"""How far loading is, told to whoever waits for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.modules import module as torch_module

from inspector.engine.loading import load, telling
from inspector.records import Target, Work


def build() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 2)))


def test_modules_that_are_built_and_bytes_that_are_read_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "PAUSE", 0.0)
    torch.save(build().state_dict(), tmp_path / "net.pt")
    said: list[Work] = []
    load(Target(f"{__file__}:build", weights=str(tmp_path / "net.pt")), said.append)
    built = [work.done for work in said if work.what == "building"]
    assert built == [1, 2, 3]  # those that are put into others
    read = [(work.done, work.total) for work in said if work.unit == "bytes"]
    total = 4 * (16 + 4 + 8 + 2)
    assert read[0] == (64, total) and read[-1] == (total, total) and len(read) == 4
    assert not torch_module._global_module_registration_hooks  # type: ignore[attr-defined]
