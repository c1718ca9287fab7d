"""Every request has an answer, and whoever adds one without is told so by the type checker."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from inspector.records import AnyEvent, AnyRequest, Event, Look, ModelRequest, Request

ROOT = Path(__file__).parents[2]


def concrete(base: type) -> set[type]:
    """The records below `base` that are not themselves a base."""
    below = base.__subclasses__()
    return {found for each in below for found in concrete(each)} if below else {base}


@pytest.mark.parametrize(("base", "union"), [(Request, AnyRequest), (Event, AnyEvent)])
def test_every_record_that_is_declared_can_cross_the_channel(base: type, union: object) -> None:
    assert set(get_args(union)) == concrete(base)


def test_what_only_reads_is_of_a_model() -> None:
    assert all(issubclass(request, ModelRequest) for request in concrete(Look))
    assert {request for request in get_args(AnyRequest) if "generation" in request.__struct_fields__} == concrete(
        ModelRequest
    )


CONFIG = """
[mypy]
strict = true
warn_return_any = false
[mypy-inspector.api.*,inspector.engine.hooks.*,inspector.engine.session,inspector.errors,inspector.report.*]
ignore_missing_imports = true
"""


def test_a_request_without_a_handler_is_a_type_error(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    package = tmp_path / "inspector"
    shutil.copytree(ROOT / "inspector" / "records", package / "records")
    (package / "engine").mkdir()
    for name in ("__init__.py", "engine/__init__.py", "engine/answers.py"):
        shutil.copy(ROOT / "inspector" / name, package / name)
    requests = package / "records" / "requests.py"
    text = requests.read_text().replace("AnyRequest: TypeAlias = (", "AnyRequest: TypeAlias = (\n    Rewind |", 1)
    requests.write_text(f"{text}\n\nclass Rewind(Request, frozen=True):\n    pass\n")
    (tmp_path / "mypy.ini").write_text(CONFIG)
    command = [sys.executable, "-m", "mypy", "inspector/engine/answers.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "answers.py" in ran.stdout and "Missing return statement" in ran.stdout, ran.stdout
