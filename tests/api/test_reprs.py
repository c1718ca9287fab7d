"""What a capture and its calls look like where they are printed."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import inspector
from inspector.report.captured import CapturedRow, render_captured
from tests.models import Returns, build


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "110")


def test_a_capture_is_a_table_of_its_calls() -> None:
    model, x = nn.Sequential(nn.Linear(4, 4), nn.ReLU()), torch.ones(2, 4)
    with torch.no_grad():
        model[0].weight.fill_(-0.5)
        model[0].bias.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    with inspector.capture(model) as cap:
        model(x).sum().backward()
    lines = repr(cap).splitlines()
    assert lines[0].startswith("3 calls of Sequential in ") and lines[0].endswith(" ms")
    assert lines[1].split() == ["path", "class", "output", "min", "mean", "max", "std", "zeros", "grad", "ms"]
    assert lines[2].split()[:9] == ["0", "Linear", "2×4", "-1", "0.5", "2", "1.12", "25%", "0.707"]
    assert lines[3].split()[:9] == ["1", "ReLU", "2×4", "0", "0.75", "2", "0.829", "50%", "1"]
    assert lines[4].split()[:3] == ["(root)", "Sequential", "2×4"] and len(lines) == 5


def test_a_call_is_a_line() -> None:
    model, args, _ = build("shared_relu")
    with inspector.capture(model, keep=True) as cap:
        model(*args)
    text = repr(cap["relu", 1])
    assert text.startswith("<relu#1 ReLU: float32 2×4, min ") and text.endswith(" ms>") and len(text) < 120
    with inspector.capture(model) as cap:
        pass
    assert repr(cap) == "0 calls of SharedRelu in 0.0 ms: the model was not called in the block"


def test_only_the_first_and_last_of_many_calls_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    model = nn.Linear(2, 2)
    with inspector.capture(model) as cap:
        for _ in range(5000):
            model(torch.zeros(1, 2))
    lines = repr(cap).splitlines()
    assert len(lines) == 28 and lines[22].split()[:3] == ["…", "4,975", "more"] and lines[-1].startswith("(root)@4999")
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, repr(cap).splitlines())) <= 80


def test_what_is_no_float_tensor_or_did_not_return() -> None:
    model, args, _ = build("raises_midway")
    with pytest.raises(RuntimeError), inspector.capture(model) as cap:
        model(*args)
    assert [line.split()[2] for line in repr(cap).splitlines()[3:]] == ["raised"] * 3
    assert repr(cap["bad"]).split(":")[1].startswith(" raised,")
    strange = Returns(lambda x: {"a": None, "b": (x.long(), x / 0)})
    with inspector.capture(strange) as cap:
        strange(torch.zeros(2))
    assert "2 +1 int64" in repr(cap) and repr(cap[""]).startswith("<(root) Returns: int64 2 +1, min 0")


def test_nan_is_said_and_names_are_shown_as_text() -> None:
    model = nn.Sequential()
    model.add_module("\x1b]0;x\x07", Returns(lambda x: x / 0))
    with inspector.capture(model) as cap:
        model(torch.tensor([0.0, 1.0]))
    assert "1 NaN, 1 Inf" in repr(cap) and "1 NaN, 1 Inf" in repr(cap.calls[1])
    assert "\x1b" not in repr(cap) + repr(cap.calls[1]) and "\x07" not in repr(cap)


@pytest.mark.parametrize("width", [30, 80, 200])
def test_lines_fit(width: int) -> None:
    row = CapturedRow("a" * 200, "b" * 200, 3, 1, "ok", None, 1e6)
    assert max(map(len, render_captured([row] * 40, width).splitlines())) <= width


def test_zeros_are_a_share_only_of_what_the_shape_says() -> None:
    """Under vmap statistics are of the whole batch, and the shape is of one of it."""
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    with inspector.capture(model, "1") as cap:
        torch.func.vmap(model)(torch.randn(50, 3))
    assert "%" not in repr(cap)
    with inspector.capture(model, "1") as cap:
        out = model(torch.randn(50, 3))
    assert f"{int((out == 0).sum()) / out.numel():.0%}" in repr(cap)
