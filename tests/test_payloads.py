"""A model full of payloads, through the engine, the reports and a real terminal: nothing in it does anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import inspector
from tests.documents import read_document

from .evil import TEXTS, evil
from .payloads import hidden
from .terminal.escapes import foreign
from .terminal.harness import Terminal

ROOT = Path(__file__).parents[1]
PASTED = "b\x1b[200~\x1b]52;c;eA==\x07\x1b[201~\r"
"""Into the filter, as a terminal pastes."""


def run(form: str, name: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "inspector", f"tests.evil:{name}", "--print", form]
    return subprocess.run(command, capture_output=True, cwd=ROOT, timeout=200, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize(("form", "name"), [("tree", "evil"), ("calls", "raising"), ("json", "raising")])
def test_reports_are_plain(form: str, name: str) -> None:
    ran = run(form, name)
    assert ran.returncode == (0 if name == "evil" else 1), ran.stderr[-2000:]
    for text in (ran.stdout.decode(), ran.stderr.decode()):
        assert not [c for c in hidden(text) if c not in "\n\r\t"]
    assert len(ran.stdout) < 3_000_000
    if form == "json":
        found = read_document(ran.stdout)
        assert len(found["calls"]) == len(TEXTS) + 1
        assert found["error"]["type"].startswith("E\x1b[2J") and found["error"]["path"] == ""


def test_the_library_says_it_plainly(capfd: pytest.CaptureFixture[str]) -> None:
    model, args = evil()
    with pytest.warns():
        text = inspector.summary(model, *args)
        with inspector.capture(model) as captured:
            model(*args)
        capfd.readouterr()
        captured.view()
    shown = text + capfd.readouterr().out
    assert not [c for c in hidden(shown) if c != "\n"]


def test_no_escape_of_a_model_reaches_the_terminal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "inspector", "tests.evil:raising"]
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    with Terminal(command, columns=120, lines=36, environment=environment, folder=ROOT) as terminal:
        terminal.wait_for_text("pass 1")
        for keys in (*"12345678", "8G", "H", "q", "t", "?", "q", "f", PASTED):
            terminal.send(keys)
            while terminal.read(0.1):
                pass
        terminal.process.terminate()
        terminal.wait_for_end()
        assert foreign(terminal.written) == []


ACTS = ("\x1b]52;c;eA==\x07", "\x1b]0;x\x1b\\", "\x9b31m", "\x1bP+q\x1b\\", "\x07", "\x1b[6n", "\x1bc", "\x00")


def test_the_scanner_sees_what_it_is_for() -> None:
    """Or else it proves nothing."""
    for text in ACTS:
        assert foreign(f"before{text}after".encode()), repr(text)
    assert not foreign(b"\x1b[?1049h\x1b[1;31mred\x1b[0m\r\n\x1b[3;4H")
