"""The lines of chosen code, told by each backend that this Python has, and by those of the Pythons beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .scenarios import BACKENDS, SCENARIOS

ROOT = Path(__file__).parents[3]
VERSIONS = ("3.10", "3.11", "3.12", "3.13")


def python(version: str) -> str | None:
    """Of pyenv, whose command on the path may refuse, else of the path."""
    beside = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return str(beside[-1]) if beside else shutil.which(f"python{version}")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(scenario: Callable[[object], None], backend: object) -> None:
    scenario(backend)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_backend_of_a_python_beside_this_one(version: str) -> None:
    found = python(version)
    if found is None or sys.version.startswith(version):
        pytest.skip(f"no other Python {version} is here")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [found, "-m", "tests.engine.stepping.scenarios"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    if "No module named" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.returncode == 0, done.stderr
    assert ("Monitoring" in done.stdout) == (version >= "3.12")
