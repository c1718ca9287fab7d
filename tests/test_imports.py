"""The walls, proven where they count: what is in `sys.modules` after each room was imported."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "torchvision", "numpy")
SCREEN = ("textual",)


def loaded_by(code: str) -> set[str]:
    """The top-level packages and rooms of ours that are loaded once `code` has run."""
    tail = "; import json, sys; sys.stderr.write(json.dumps(list(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, cwd=ROOT, timeout=100)
    assert ran.returncode == 0, ran.stderr
    names = json.loads(ran.stderr[ran.stderr.index("[") :])
    return {name if name.startswith("inspector") else name.split(".")[0] for name in names}


def rooms(loaded: set[str], room: str) -> set[str]:
    return {name for name in loaded if name == room or name.startswith(room + ".")}


def test_the_package_and_its_vocabulary_are_light() -> None:
    loaded = loaded_by("import inspector; from inspector import records, text, errors, channel")
    assert not loaded & {*HEAVY, *SCREEN, "rich"}
    assert not rooms(loaded, "inspector.engine") and not rooms(loaded, "inspector.tui")


def test_public_names_are_listed_without_being_loaded() -> None:
    loaded = loaded_by("import inspector; assert {'inspect', 'capture', 'summary'} <= set(dir(inspector))")
    assert not loaded & {*HEAVY, *SCREEN}


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_the_command_answers_at_once(argument: str) -> None:
    quiet = "with contextlib.suppress(SystemExit): main"
    loaded = loaded_by(f"import contextlib\nfrom inspector.cli.main import main\n{quiet}(['{argument}'])\npass")
    assert not loaded & {*HEAVY, *SCREEN, "rich"}


def test_reports_are_made_without_torch() -> None:
    loaded = loaded_by("import inspector.report.tree, inspector.report.json_report, inspector.cli.headless")
    assert not loaded & {*HEAVY, *SCREEN} and not rooms(loaded, "inspector.engine")


def test_the_app_knows_no_torch() -> None:
    loaded = loaded_by("import inspector.tui.app.app, inspector.tui.start.run, inspector.tui.start.launcher")
    assert "textual" in loaded
    assert not loaded & {*HEAVY} and not rooms(loaded, "inspector.engine")


def test_the_engine_knows_no_screen() -> None:
    loaded = loaded_by("import inspector.engine.server, inspector.engine.session")
    assert "torch" in loaded
    assert not loaded & {*SCREEN, "rich"} and not rooms(loaded, "inspector.tui")


def test_the_engine_greets_before_torch_is_there() -> None:
    loaded = loaded_by("import inspector.engine.server")
    assert not loaded & {*HEAVY, *SCREEN}


def test_a_model_that_is_none_of_torchvision_s_needs_none_of_it() -> None:
    """It takes as long to import as all else together, and brings the compiler."""
    session = "from inspector.engine.session import Session; from inspector.records import Run, Target"
    opened = "s = Session(lambda event: None); o = s.open(Target('inspector.tour:model')); s.run(Run(o.generation))"
    loaded = loaded_by(f"{session}; {opened}; s.close(); import sys; assert 'torch._dynamo' not in sys.modules")
    assert "torch" in loaded and not loaded & {"torchvision", "sympy"}


def test_the_library_needs_no_screen() -> None:
    loaded = loaded_by("import inspector; inspector.capture; inspector.summary")
    assert "torch" in loaded and not loaded & {*SCREEN}


@pytest.mark.parametrize("room", ["tui", "client", "report", "cli"])
def test_what_the_engine_says_is_not_parsed_as_python(room: str) -> None:
    """Structure crosses the channel as records; what a person types in Python the engine alone reads."""
    sources = {path.name: path.read_text("utf-8") for path in (ROOT / "inspector" / room).rglob("*.py")}
    assert [name for name, text in sources.items() if re.search(r"^\s*(import ast|from ast )", text, re.M)] == []
