"""Conditions of hooks: one vocabulary with that of stops, against plain PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import inspector
from inspector.engine.hooks.conditions import parse_condition
from inspector.engine.session import Session
from inspector.errors import UsageError
from inspector.records import AnyEvent, Note


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2)).eval()


X = torch.arange(8.0).reshape(2, 4) - 3


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("shape[1] == 6", True),
        ("shape == (2, 6)", True),
        ("shape[1] != 6", False),
        ("shape[7] > 0", False),
        ("ndim == 2 and numel == 12", True),
        ("abs(min) > 0 or nan > 0", True),
        ("max - min < 0", False),
        ("abs(mean) * 2 > abs(mean)", True),
    ],
)
def test_a_hook_acts_where_its_condition_holds(model: nn.Module, when: str, holds: bool) -> None:
    with torch.no_grad():
        plain = model(X)
        zeroed = model[1:](torch.zeros(2, 6))  # type: ignore[index]
        with warnings.catch_warnings(), inspector.hooks(model, {"0": inspector.zero(when=when)}) as on:
            warnings.simplefilter("ignore", inspector.HookWarning)  # that it never fired
            assert torch.equal(model(X), zeroed if holds else plain)
    assert not any(outcome.fault for outcome in on.outcomes)


def adopt(model: nn.Module, emit: Callable[[AnyEvent], None] = lambda event: None) -> Session:
    session = Session(emit)
    session.adopt(model, (X,), {}, "net")
    return session


@pytest.mark.parametrize("kind", ["print", "zero", "observe"])
def test_a_hook_acts_where_an_output_differs_from_the_baseline(model: nn.Module, kind: str) -> None:
    told: list[AnyEvent] = []
    session = adopt(model, told.append)
    session.add_hook("2", f"{kind}(when='abs(mean - baseline) > 1e-3', on='output')")

    def fired() -> int:
        assert session.run().problem is None
        return next(each.fired for each in session.runner.hooks.outcomes if each.path == ("2",))

    assert fired() == 0  # nothing was changed: it is its own baseline
    session.add_hook("0", "scale(3)")
    assert fired() == 1
    assert not [event for event in told if isinstance(event, Note) and event.level == "error"]


def test_what_the_baseline_is_not_known_of_is_refused(model: nn.Module, tmp_path: Path) -> None:
    when = "mean != baseline"
    for options in ({"on": "input"}, {"on": "grad"}, {"where": "[0]"}):
        with pytest.raises(UsageError, match="known of whole outputs alone"):
            inspector.zero(when=when, **options)
    with pytest.raises(UsageError, match="compared with one measure of values"):
        inspector.zero(when="shape != baseline")
    for made in (inspector.zero(when=when), inspector.observe(on="output", when=when)):
        with pytest.raises(UsageError, match="no baseline here"):
            inspector.hooks(model, {"0": made})
    with pytest.raises(UsageError, match="no baseline here"):
        inspector.sweep(model, X, over="0", hook=inspector.zero(when=when), metric="norm")
    session = adopt(model)
    session.add_hook("0", f"zero(when={when!r})")
    with pytest.raises(UsageError, match="a script has none"):
        session.save(str(tmp_path / "script.py"))
    session.save(str(tmp_path / "recipe.toml"))
    assert "baseline" in (tmp_path / "recipe.toml").read_text()


def test_counts_of_a_part_that_was_kept_are_those_of_all() -> None:
    condition = parse_condition("zeros - baseline > 10", baseline=True)
    assert condition is not None
    now, kept = torch.zeros(1000), torch.zeros(100)
    assert not condition.holds(now, kept) and condition.holds(now, torch.ones(100))


def test_a_shape_is_compared_without_looking_at_values() -> None:
    condition = parse_condition("shape[0] == 3")
    assert condition is not None and condition.holds(torch.empty(3, device="meta"))
