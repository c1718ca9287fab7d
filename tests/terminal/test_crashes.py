"""However a bug ends the app: the terminal comes back, a line says so, and the exit code is neither that of
a failed pass nor 0."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from inspector.errors import BUG

from .crashes import WAYS
from .harness import Terminal
from .test_session import assert_restored

CRASHES = Path(__file__).with_name("crashes.py")


@pytest.mark.parametrize("way", WAYS)
def test_a_bug_has_an_exit_code_of_its_own(way: str, tmp_path: Path) -> None:
    with Terminal([sys.executable, str(CRASHES), way], environment={"XDG_STATE_HOME": str(tmp_path)}) as terminal:
        if way == "input":
            terminal.wait_for_text("Quit")
            terminal.send("j")
        assert terminal.wait_for_end() == BUG
        if b"\x1b[?1049h" in terminal.written:
            assert_restored(terminal)
        assert b"a bug of ours" in terminal.written
        assert b"inspector: the app itself failed" in terminal.written
