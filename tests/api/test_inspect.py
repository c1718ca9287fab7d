"""`inspector.inspect` where nobody sits at a terminal; with one, see `tests/terminal`."""

from __future__ import annotations

import pytest

import inspector
from tests.models import build


def test_inspect_without_a_terminal_prints_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    model, args, _ = build("mlp")
    with pytest.warns(RuntimeWarning, match="no terminal"):
        assert inspector.inspect(model, *args) is None
    assert "Linear" in capsys.readouterr().out
