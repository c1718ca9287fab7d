"""`inspector.post_mortem` where nobody sits at a terminal: a report, and the program goes on."""

from __future__ import annotations

import gc
import sys
import weakref

import pytest
import torch
from torch import Tensor, nn

import inspector
from inspector.shown_path import shown_path
from tests.fingerprint import fingerprint


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(3, 8), nn.Linear(9, 2)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.stem(x)
        hidden[0] = float("nan")
        return self.head(hidden)  # type: ignore[no-any-return]


def fail(model: nn.Module) -> BaseException:
    try:
        model(torch.ones(2, 3))
    except RuntimeError as error:
        return error
    raise AssertionError("nothing was raised")


def test_a_report_says_where_and_with_what_values(capsys: pytest.CaptureFixture[str]) -> None:
    model = Net()
    before = fingerprint(model)
    try:
        model(torch.ones(2, 3))
    except RuntimeError:
        inspector.post_mortem()
    printed = capsys.readouterr()
    assert printed.out == "" and fingerprint(model) == before
    text = printed.err
    assert "mat1 and mat2 shapes cannot be multiplied" in text and "module: head" in text
    assert f"{shown_path(__file__)}:" in text
    assert "in Net.forward, in (root)" in text.replace("in forward", "in Net.forward")
    assert "return self.head(hidden)" in text
    row = next(line for line in text.splitlines() if line.startswith("hidden"))
    assert "2×8" in row and "8 NaN" in row


def test_nothing_of_the_error_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    model = Net()
    error = fail(model)
    inspector.post_mortem(error)
    kept = weakref.ref(model)
    del model, error
    gc.collect()
    assert kept() is None


def test_the_last_error_of_a_prompt_is_the_default(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "last_value", fail(Net()), raising=False)
    inspector.post_mortem()
    assert "module: head" in capsys.readouterr().err


def test_without_an_error_it_says_how_to_call_it() -> None:
    with pytest.raises(inspector.UsageError, match="needs an error"):
        inspector.post_mortem()
    with pytest.raises(inspector.UsageError, match="needs an error"):
        inspector.post_mortem("x")  # type: ignore[arg-type]


def test_an_error_of_no_model_is_refused() -> None:
    with pytest.raises(inspector.UsageError, match="no forward or backward"):
        inspector.post_mortem(KeyError("x"))


def test_a_recursion_is_one_line_of_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    class Deep(nn.Module):
        def forward(self, x: Tensor, left: int) -> Tensor:
            return self(x, left - 1) if left else x[99]  # type: ignore[no-any-return]

    with pytest.raises(IndexError) as raised:
        Deep()(torch.ones(2), 40)
    inspector.post_mortem(raised.value)
    text = capsys.readouterr().err
    assert text.count("self(x, left - 1)") == 1 and " times\n" in text
