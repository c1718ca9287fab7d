"""The module that is looked at: its histograms, and any part of its tensors."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from inspector.engine.passes import last_pass
from inspector.engine.session import Session
from inspector.engine.subject import runner
from inspector.engine.values import watch
from inspector.engine.values.preview import preview
from inspector.engine.views.queries import MAX_CALLS_SHOWN
from inspector.records import MappingValue, Preview, SequenceValue, TensorValue, Value, Window

X = torch.arange(2 * 3 * 10 * 12).reshape(2, 3, 10, 12).float()


def opened(model: nn.Module | None = None) -> Session:
    session = Session(lambda event: None)
    session.adopt(model or nn.Sequential(nn.Identity(), nn.ReLU()), (X - 100,), {}, "m")
    session.run()
    return session


def output(session: Session, path: str, window: Window | None = None) -> TensorValue:
    found = session.calls_of((path,), values=True, window=window or Window()).calls[0].output
    assert isinstance(found, TensorValue)
    return found


@pytest.mark.parametrize(
    ("window", "start", "part"),
    [
        (Window(), (0, 0, 0, 0), X[0, 0, :6, :8]),
        (Window(plane=4, row=6, column=8), (1, 1, 6, 8), X[1, 1, 6:, 8:]),
        (Window(plane=99, row=99, column=99), (1, 2, 9, 11), X[1, 2, 9:, 11:]),
        (Window(rows=2, columns=3, column=1), (0, 0, 0, 1), X[0, 0, :2, 1:4]),
    ],
)
def test_any_part_is_shown(window: Window, start: tuple[int, ...], part: torch.Tensor) -> None:
    assert preview(X, window) == Preview(start, tuple(map(tuple, part.tolist())))
    moved = output(opened(), "0", window).preview
    assert moved == Preview(start, tuple(map(tuple, (part - 100).tolist())), movable=True)


def test_what_is_shown_is_what_the_hook_saw() -> None:
    session = opened(nn.Sequential(nn.Identity(), nn.ReLU(inplace=True)))
    output(session, "0")
    assert output(session, "0", Window(column=1)).preview.rows[0][:3] == (-99.0, -98.0, -97.0)
    assert session.runner.last.number == 1  # and no pass was needed


@pytest.mark.parametrize("name", ["BUDGET", "KEPT"])
def test_what_is_too_large_to_copy_shows_its_first_elements(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch if name == "BUDGET" else last_pass, name, 0)
    session = opened()
    for path in ("0", "1", "0"):
        found = output(session, path, Window(column=1)).preview
        assert found is not None and found.movable == (name == "KEPT")


def test_why_there_are_no_values_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    session = opened()
    assert not session.calls_of(("0",), values=True).missing
    monkeypatch.setattr(runner, "BACKGROUND_MS", 0)
    assert session.calls_of(("1",), values=True).missing == "slow"
    assert not session.calls_of(("1",), values=True, force=True).missing
    session.add_hook("0", "scale(2)")
    assert not session.calls_of(("1",), values=True).missing  # they are there
    assert session.calls_of((), values=True).missing == "changed"


def test_after_a_slow_first_pass_the_next_ones_are_timed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    session = opened()
    session.runner._ms = 10 * runner.BACKGROUND_MS
    assert session.calls_of(("1",), values=True).missing == "slow"
    session.calls_of(("1",), values=True, force=True)
    assert not session.calls_of(("0",), values=True).missing


def test_zeros_are_counted_apart() -> None:
    found = output(opened(), "1").histogram
    assert found is not None and found.zeros == 101 and sum(found.counts) == X.numel() - 101
    assert (found.low, found.high) == (0.0, X.numel() - 101.0) and max(found.counts) == min(found.counts) + 1


class Several(nn.Module):
    """Gives its input, whole numbers, and its input again with something beside it."""

    def forward(self, x: torch.Tensor) -> object:
        return {"x": x, "ids": torch.arange(3), "more": (x.double() + 1,)}


def leaves(value: Value | None) -> list[TensorValue]:
    if isinstance(value, SequenceValue | MappingValue):
        return [leaf for item in value.items for leaf in leaves(item)]
    assert isinstance(value, TensorValue)
    return [value]


@pytest.mark.parametrize("nested", [False, True])
def test_baseline_and_now_share_a_range_and_a_window(nested: bool) -> None:
    session = opened(nn.Sequential(nn.Identity(), Several()))
    session.add_hook("0", "scale(2)")
    session.run()
    detail = session.calls_of(("1" if nested else "0",), values=True, window=Window(plane=1, column=2)).calls[0]
    new, old = leaves(detail.output), leaves(detail.baseline)
    assert [value.dtype for value in new] == (["float32", "int64", "float64"] if nested else ["float32"])
    then, now = old[0].histogram, new[0].histogram
    assert then is not None and now is not None
    assert (then.low, then.high) == (now.low, now.high) == (-200.0, 2 * (X.numel() - 101.0))
    assert sum(then.counts) == sum(now.counts) == X.numel() - 1 and then.zeros == now.zeros == 1
    for shift, at in ((0, 0), (1, -1)) if nested else ((0, 0),):
        past, present = old[at].preview, new[at].preview
        assert past is not None and present is not None and past.movable and present.movable
        assert past.start == present.start == (0, 1, 0, 2)
        doubled = tuple(tuple(2 * (value - shift) + shift for value in row) for row in past.rows)
        assert present.rows == doubled


def test_tensors_that_cannot_be_told_apart_keep_their_own_histograms() -> None:
    class Twice(nn.Module):
        def forward(self, x: torch.Tensor) -> object:
            return x, x, x + 1

    session = opened(nn.Sequential(nn.Identity(), Twice()))
    session.add_hook("0", "scale(2)")
    session.run()
    detail = session.calls_of(("1",), values=True).calls[0]
    assert [value.histogram is not None for value in leaves(detail.output)] == [True] * 3
    assert [value.histogram for value in leaves(detail.baseline)] == [None] * 3


class Loop(nn.Module):
    """Calls one cell from two lines, again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(MAX_CALLS_SHOWN + 10):
            x = self.cell(x)
        return self.cell(x + 1)


def test_a_call_past_those_that_are_shown_and_its_own_site() -> None:
    session = opened(Loop())
    assert len(session.calls_of(("cell",)).calls) == MAX_CALLS_SHOWN
    found = session.calls_of(("cell",), values=True, call=MAX_CALLS_SHOWN + 10)
    assert found.total == MAX_CALLS_SHOWN + 11 and len(found.calls) == MAX_CALLS_SHOWN + 1
    last = found.calls[-1]
    assert last.row.in_step == MAX_CALLS_SHOWN + 10 and isinstance(last.output, TensorValue)
    assert last.output.statistics is not None and last.output.statistics.max == X.max() - 99
    first, last_site, none = (session.queries.source(("cell",), "site", call) for call in (0, last.row.in_step, 9_999))
    assert last_site.focus == first.focus + 1 and none.focus == first.focus
    assert first.runs_in == () and session.queries.source((), "site").runs_in is None
    root = session.runner.last.calls[-1]
    assert {call.caller for call in session.runner.last.calls[:-1]} == {root.start} and root.caller == -1
