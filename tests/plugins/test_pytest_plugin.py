"""`pytest --inspect`, in a pytest of its own."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.terminal.harness import Terminal

ROOT = Path(__file__).parents[2]
_FOUND = any(each.name == "inspector" for each in entry_points(group="pytest11"))
"""Whether this environment was installed with the plugin: pytest takes it once, by itself or as it is told."""
_TOLD = [] if _FOUND else ["-p", "inspector.plugins.pytest_plugin"]
COMMAND = [sys.executable, "-m", "pytest", *_TOLD, "-p", "no:cacheprovider", "-p", "no:asyncio", "-q"]

TESTS = """
def test_fails():
    import torch
    assert torch is not None  # which pytest rewrites
    model = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(9, 2))
    model(torch.ones(2, 8))

def test_of_no_model():
    assert {"a": 1} == {"a": 2}

def test_fixture(inspect_model, request):
    import torch
    seen = inspect_model(torch.nn.ReLU(), torch.ones(2))
    assert seen is None or seen.summary.number == 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_net.py").write_text(TESTS)
    return tmp_path


def run(folder: Path, *arguments: str) -> str:
    ran = subprocess.run(
        [*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)},
    )  # fmt: skip
    assert ran.stderr == "", ran.stderr
    return ran.stdout


def test_without_a_terminal_the_failure_has_a_report(folder: Path) -> None:
    told = run(folder, "--inspect")
    assert told.count("inspector: where the model was") == 1
    assert "module: 1" in told and "model(torch.ones(2, 8))" in told
    assert "2 failed, 1 passed" in told


def test_where_it_is_not_asked_for_nothing_is_done(folder: Path) -> None:
    told = run(folder)
    assert "where the model was" not in told and "2 failed, 1 passed" in told


def test_to_load_it_costs_nothing(folder: Path) -> None:
    (folder / "test_net.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    ours = sorted(name for name in sys.modules if name.startswith('inspector'))\n"
        "    assert ours == ['inspector', 'inspector.plugins', 'inspector.plugins.pytest_plugin']\n"
        "    assert 'torch' not in sys.modules and 'textual' not in sys.modules\n"
    )
    assert "1 passed" in run(folder, "--inspect")


def test_it_is_found_by_pytest() -> None:
    assert 'inspector = "inspector.plugins.pytest_plugin"' in (ROOT / "pyproject.toml").read_text()


STOPS = """
import torch, inspector
def test_stops():
    model, x = torch.nn.Linear(4, 2), torch.ones(1, 4)
    inspector.breakpoint(model, x)
    print("printed in a step")
    y = model(x)
    assert y.shape == (1, 3)
"""


def test_a_breakpoint_in_a_test_has_the_terminal_and_what_the_test_prints_stays_captured(folder: Path) -> None:
    file = folder / "test_stops.py"
    file.write_text(STOPS)
    environment = {"XDG_STATE_HOME": str(folder), "PYTHONPATH": str(ROOT)}
    with Terminal([*COMMAND, "--inspect", "--rootdir", str(folder), str(file)], environment=environment) as terminal:
        terminal.wait_for_text("your program stopped test_stops.py:5")
        terminal.send("oo")
        terminal.wait_for_text("your program stopped test_stops.py:7")
        terminal.send("c")
        assert terminal.wait_for_end() == 1
        left = terminal.written.rpartition(b"\x1b[?1049l")[2]
        assert left.count(b"printed in a step") == 2, "in the source of the test, and in what was captured"
        assert b"Captured stdout call" in left and terminal.attributes == terminal.before


def test_at_a_terminal_the_app_opens_where_the_test_failed(folder: Path) -> None:
    environment = {"XDG_STATE_HOME": str(folder), "PYTHONPATH": str(ROOT)}
    command = [*COMMAND, "--inspect", "--rootdir", str(folder), str(folder / "test_net.py")]
    with Terminal(command, columns=120, lines=36, environment=environment) as terminal:
        terminal.wait_for_text("Stack  RuntimeError")
        terminal.wait_for_text("model(torch.ones(2, 8))")
        terminal.send("q")
        terminal.send("q")
        terminal.wait_for_text("pass 1")  # of the fixture
        terminal.send("q")
        assert terminal.wait_for_end() == 1
        assert "2 failed" in terminal.text and "1 passed" in terminal.text
        assert terminal.attributes == terminal.before
