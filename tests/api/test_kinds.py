"""The kinds of hooks as names of the package: derived from their files, without importing them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import inspector
from inspector.engine.hooks.kinds import BY_NAME, HOOK_KINDS

ROOT = Path(__file__).parents[2]


def test_every_kind_is_a_name_of_the_package() -> None:
    assert set(BY_NAME) <= set(dir(inspector)) and len(BY_NAME) == len(HOOK_KINDS)
    for name, kind in BY_NAME.items():
        assert getattr(inspector, name) is kind or name == "python"
    assert str(inspector.python(lambda module: None, on="parameters")) == "python(on='parameters')"


def test_a_kind_that_is_in_no_list_is_no_name() -> None:
    for name in ("kind", "base", "KINDS", "HOOK_KINDS", "nope"):
        with pytest.raises(AttributeError, match=name):
            getattr(inspector, name)


def test_the_names_are_known_without_torch() -> None:
    code = "import sys, inspector; assert 'scale' in dir(inspector); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_type_checker_knows_them(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "use.py").write_text(
        "import inspector\n\nhook = inspector.scale(2)\nprinted = inspector.print()\nreveal_type(hook)\n"
    )
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nmypy_path = {ROOT}\nfollow_imports = silent\n")
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "use.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250)
    assert ran.returncode == 0 and "inspector.engine.hooks.hook.Hook" in ran.stdout, ran.stdout + ran.stderr
