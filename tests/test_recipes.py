"""The recipes of CONTRIBUTING, carried out to the letter on a copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.documents import read_document

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / ".github" / "CONTRIBUTING.md"

_RECIPE = re.compile(r"^### (?P<title>[^:\n]+): (?P<files>at most four|two) files$", re.MULTILINE)
_STEP = re.compile(
    r"^(?:New, `(?P<new>[^`]+)`|In `(?P<old>[^`]+)`, (?P<side>after|before) `(?P<line>[^`]+)`):\n\n"
    r"```python\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
COUNTS = {"two": 2, "at most four": 4}


@dataclass(frozen=True)
class Step:
    """A new file, or lines that are written after or before the one `line` of a file that is there."""

    file: str
    text: str
    line: str = ""
    after: bool = True

    def carry_out(self, folder: Path) -> None:
        path = folder / self.file
        if not self.line:
            path.write_text(self.text)
            return
        lines = path.read_text().splitlines(keepends=True)
        assert lines.count(f"{self.line}\n") == 1, f"{self.file} has no line {self.line!r} of its own any more"
        lines.insert(lines.index(f"{self.line}\n") + self.after, self.text)
        path.write_text("".join(lines))


@dataclass(frozen=True)
class Recipe:
    """`files` is how many of them it may touch."""

    files: int
    steps: tuple[Step, ...]

    def carry_out(self, folder: Path) -> None:
        for step in self.steps:
            step.carry_out(folder)


def read_recipes() -> dict[str, Recipe]:
    guide = GUIDE.read_text()
    heads = list(_RECIPE.finditer(guide))
    ends = [*(head.start() for head in heads[1:]), len(guide)]
    found = {}
    for head, end in zip(heads, ends, strict=True):
        steps = _STEP.finditer(guide, head.end(), end)
        told = (Step(s["new"] or s["old"], s["text"], s["line"] or "", s["side"] != "before") for s in steps)
        found[head["title"]] = Recipe(COUNTS[head["files"]], tuple(told))
    return found


RECIPES = read_recipes()


@pytest.fixture
def kitchen(tmp_path: Path) -> Path:
    """A copy of the package to change."""
    shutil.copytree(ROOT / "inspector", tmp_path / "inspector", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def run(kitchen: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(kitchen)}
    ran = subprocess.run(command, cwd=kitchen, env=environment, capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_there_are_three_recipes_and_each_is_as_short_as_it_says() -> None:
    assert list(RECIPES) == ["A kind of hook", "A kind of target", "A panel with new data"]
    for recipe in RECIPES.values():
        assert recipe.steps and len({step.file for step in recipe.steps}) <= recipe.files


def test_a_kind_of_hook(kitchen: Path) -> None:
    RECIPES["A kind of hook"].carry_out(kitchen)
    acts = """
import inspector, torch
model, x = torch.nn.Linear(3, 2), torch.randn(1, 3)
before = model(x)
with inspector.hooks(model, {"": inspector.negate()}) as on:
    assert torch.equal(model(x), -before) and on.fired == {"(root): negate()": 1} and not on.faults
"""
    run(kitchen, sys.executable, "-c", acts)
    printed = run(kitchen, sys.executable, "-m", "inspector", "resnet18", "--hook", "fc:negate()", "--print", "json")
    moved = {call["path"] for call in read_document(printed)["calls"] if call["delta"]["rel_l2"] > 0}
    assert moved == {"fc", ""}


def test_a_kind_of_target(kitchen: Path) -> None:
    RECIPES["A kind of target"].carry_out(kitchen)
    printed = run(kitchen, sys.executable, "-m", "inspector", "stack:4x3", "--print", "json")
    report = read_document(printed)
    assert report["model"]["modules"] == 4 and report["output"]["shape"] == [1, 4]
    assert "stack:WIDTHxDEPTH" in run(kitchen, sys.executable, "-m", "inspector", "--help")
    script = """
from inspector.engine.session import Session
from inspector.records import Target
session = Session(lambda event: None)
session.open(Target("stack:4x3"))
session.run()
session.save("stack.py")
"""
    run(kitchen, sys.executable, "-c", script)
    run(kitchen, sys.executable, "stack.py")


def test_a_panel_with_new_data(kitchen: Path) -> None:
    RECIPES["A panel with new data"].carry_out(kitchen)
    if find_spec("mypy") is not None:
        rooms = ("inspector/records", "inspector/engine/views", "inspector/tui/panels")
        run(kitchen, sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", *rooms)
    shown = """
import asyncio, torch, msgspec
from pathlib import Path
from inspector.records import Target

async def main():
    from inspector.client.process import start_engine
    from inspector.tui.app.app import InspectorApp
    from inspector.tui.engine_client import make_client
    from inspector.tui.options import AppOptions
    from inspector.tui.panels.norms import NormsPanel
    from inspector.tui.saved_state import SavedState

    target = msgspec.to_builtins(Target("small.py:Net"))
    options = AppOptions(target=target, select="1")
    app = InspectorApp(options, lambda post: make_client(start_engine(), post), SavedState(Path("state")))
    async with app.run_test(size=(120, 36)) as pilot:
        panel = app.screen.query_one(NormsPanel)
        await pilot.press("8")
        for _ in range(600):
            if panel.norms:
                break
            await pilot.pause(0.1)
        print(panel.copy_text())
    await app.engine.close()

asyncio.run(main())
"""
    (kitchen / "small.py").write_text(
        "import torch\n"
        "def Net():\n"
        "    net = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(1, 4))\n"
        "    torch.nn.init.ones_(net[1].weight)\n"
        "    return net, (torch.ones(1, 1),)\n"
    )
    assert "weight  2\n" in run(kitchen, sys.executable, "-c", shown)
