"""A model that was opened to be looked at only."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from inspector.engine.session import Session
from inspector.errors import UsageError
from inspector.records import Target


def test_a_model_of_the_caller_is_looked_at_only_too() -> None:
    session = Session(lambda event: None)
    session.terms = Target("", readonly=True)
    session.adopt(nn.Sequential(nn.Linear(2, 2)), (torch.ones(1, 2),), {}, "net")
    try:
        with pytest.raises(UsageError, match="read-only") as refused:
            session.add_hook("*", "zero()")
        assert "readonly=True" in refused.value.problem.hint and session.run().problem is None
    finally:
        session.close()


def test_nothing_is_changed_and_all_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text("from torch import nn\n\ndef build():\n    return nn.Sequential(nn.Linear(2, 2))\n")
    session = Session(lambda event: None)
    session.open(Target(f"{file}:build", inputs=("1x2",), readonly=True))
    try:
        for change in (
            lambda: session.add_hook("*", "zero()"),
            lambda: session.edit_parameters("*", "zero()"),
            lambda: session.load_recipe("x.toml"),
            lambda: session.load_state_dict("w.pt", (), False),
            lambda: session.set_hook((), "forward", 99, False),
        ):
            with pytest.raises(UsageError, match="read-only"):
                change()
        session.observe(((),), subtree=True, on=False)
        assert session.run().problem is None
    finally:
        session.close()
