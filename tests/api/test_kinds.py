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


USE = """
import inspector
import torch
from inspector import Capture, capture
from torch import nn

model, x = nn.Linear(2, 2), torch.zeros(1, 2)
with capture(model, "0, ~class:ReLU", statistics=False, keep=True, backward=False) as cap:
    model(x)
reveal_type(cap["0", 1])
reveal_type(cap.gradients)
with inspector.hooks(model, {"0": inspector.scale(2), "*": ["zero()", inspector.noise(0.1, seed=1)]}) as on:
    model(x)
reveal_type(on)
reveal_type(inspector.scale(2))
printed = inspector.print()
seen = inspector.inspect(model, x, select="0")
reveal_type(seen)
def count(cap: Capture) -> int:
    return len(cap)
inspector.captur
inspector.capture(model, statistic=True)
"""

TOLD = [
    'Revealed type is "inspector.api.captured.CapturedCall"',
    'Revealed type is "dict[str, inspector.records.values.TensorValue]"',
    'Revealed type is "inspector.api.hooks.Hooks"',
    'Revealed type is "inspector.engine.hooks.hook.Hook"',
    'Revealed type is "inspector.api.inspect.Inspected | None"',
    'Module has no attribute "captur"',
    'Unexpected keyword argument "statistic" for "capture"',
]


def test_a_type_checker_knows_them(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "use.py").write_text(USE)
    (tmp_path / "mypy.ini").write_text(f"[mypy]\nstrict = True\nmypy_path = {ROOT}\nfollow_imports = silent\n")
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "use.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250)
    lines = [line for line in ran.stdout.splitlines()[:-1] if " defined in " not in line]
    assert len(lines) == len(TOLD), ran.stdout + ran.stderr
    assert all(told in line for told, line in zip(TOLD, lines, strict=True)), ran.stdout


def test_the_package_says_that_it_has_types() -> None:
    assert (Path(inspector.__file__).parent / "py.typed").is_file()
