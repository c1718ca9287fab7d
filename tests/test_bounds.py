"""What CI installs as the oldest and the newest is what pyproject admits."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tomlkit

ROOT = Path(__file__).parents[1]
BOUNDS = ROOT / ".ci" / "bounds.py"
PROJECT: dict[str, Any] = tomlkit.parse((ROOT / "pyproject.toml").read_text()).unwrap()["project"]


def run(what: str) -> list[str]:
    return subprocess.run([sys.executable, BOUNDS, what], capture_output=True, text=True, check=True).stdout.split()


def test_the_oldest_of_every_dependency_is_its_bound() -> None:
    constraints = run("constraints")
    extras = PROJECT["optional-dependencies"].values()
    written = [*PROJECT["dependencies"], *(each for extra in extras for each in extra if "[" not in each)]
    assert [line.replace("==", ">=") for line in constraints] == written
    assert {"torch", "torchvision", "textual", "transformers"} <= {line.partition("==")[0] for line in constraints}


def test_a_dependency_without_a_bound_is_refused() -> None:
    list_constraints = runpy.run_path(str(BOUNDS))["list_constraints"]
    with pytest.raises(ValueError, match="without a lower bound: rich"):
        list(list_constraints({**PROJECT, "dependencies": ["rich"]}))


def test_the_readme_names_the_pythons() -> None:
    oldest, newest = run("pythons")
    assert f">={oldest}" == PROJECT["requires-python"]
    assert f"Python {oldest} to {newest}" in (ROOT / "README.md").read_text()
