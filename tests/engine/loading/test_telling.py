"""How far loading is, told to whoever waits for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules import module as torch_module

from inspector.engine.loading import load
from inspector.engine.session import Session
from inspector.engine.usercode import telling
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
    built = [work.done for work in said if work.unit == "modules"]
    assert built == sorted(built) and (built[0], built[-1]) == (1, 3)  # without the root
    read = [(work.done, work.total) for work in said if work.unit == "bytes"]
    total = 4 * (16 + 4 + 8 + 2)
    assert read[0] == (64, total) and read[-1] == (total, total) and len(read) == 4
    assert not torch_module._global_module_registration_hooks  # type: ignore[attr-defined]
    assert not torch_module._global_parameter_registration_hooks  # type: ignore[attr-defined]


def test_a_model_that_is_built_without_values_tells_how_much_of_it_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of transformers are."""
    monkeypatch.setattr(telling, "PAUSE", 0.0)
    said: list[Work] = []
    state = build().state_dict()
    with telling.telling_of_modules(said.append):
        with torch.device("meta"):
            net = build()
        net.load_state_dict(state, assign=True)
    assert [(work.done, work.total) for work in said if work.unit == "bytes"][-4:] == [
        (64, 120), (80, 120), (112, 120), (120, 120),
    ]  # fmt: skip


def test_copying_and_loading_into_an_open_model_are_told_of_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "PAUSE", 0.0)
    torch.save(build().state_dict(), tmp_path / "net.pt")
    said: list[Any] = []
    session = Session(said.append)
    session.adopt(build(), (torch.ones(1, 4),), {}, "net")
    session.load_state_dict(str(tmp_path / "net.pt"), (), False)
    for what in ("copying weights", "reading weights"):
        assert [work.done for work in said if isinstance(work, Work) and work.what == what] == [64, 80, 112, 120]
    session.close()
