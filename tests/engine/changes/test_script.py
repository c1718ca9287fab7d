"""A script of every kind of hook, run in a process without this package, gives what the session gave, bit for bit."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from inspector.engine.answers import answer
from inspector.engine.changes import carry
from inspector.engine.hooks import kinds
from inspector.engine.hooks.kinds import BY_NAME
from inspector.engine.session import Session
from inspector.errors import UsageError
from inspector.records import AddHook, EditParameters, HookSpec, Target, Undo

from .results import output_of

MODEL = """
from collections import OrderedDict, deque
from types import SimpleNamespace

import torch
from torch import nn


class Split(nn.Module):
    def forward(self, x):
        return {"z": x, "pair": (x + 1, [x * 2]), "queue": deque([x - 1]), "object": SimpleNamespace(x=x * 3)}


class Join(nn.Module):
    def forward(self, parts, *, bias):
        return parts["z"] + parts["pair"][0] + parts["pair"][1][0] + parts["queue"][0] + parts["object"].x + bias


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.split, self.join = nn.Conv2d(3, 4, 3), Split(), Join()

    def forward(self, x):
        x = self.conv(x)
        return self.join(self.split(x), bias=x.mean())
"""
EXAMPLES = {
    "observe": ("split", "observe()"),
    "print": ("split", "print()"),
    "record": ("split", "record('kept')"),
    "scale": ("split", "scale(1.5)"),
    "add": ("join", "add(0.25, on='input')"),
    "zero": ("split", "zero(where='[\"pair\"]')"),
    "noise": ("split", "noise(0.3, seed=4)"),
    "clamp": ("split", "clamp(-0.5, 0.5, when='max > 0.5')"),
    "dropout": ("join", "dropout(0.5, seed=4, on='input')"),
    "round": ("split", "round('bfloat16')"),
    "mean": ("split", "mean(1)"),
    "permute": ("split", "permute(seed=4)"),
    "replace": ("conv", "replace('FILE')"),
    "patch": ("split", "patch('clean')"),
    "prune": ("split", "prune(0.4, on='output')"),
    "assign": ("conv", "assign(0.5, '0, 1', on='output')"),
    "clip": ("split", "clip(0.5, on='output')"),
    "rename": ("conv", "rename('weight', 'w')"),
    "filter": ("conv", "filter('*.bias')"),
    "python": ("join", "python()"),
}  # fmt: skip
OWN = "def hook(module, args, kwargs, output):\n    return output * 2\n"
DRIVER = """
import runpy, sys
from pathlib import Path

sys.modules["inspector"] = None  # as where this package is not installed
import torch

for script in sorted(Path.cwd().glob("script_*.py")):
    space = runpy.run_path(str(script))
    output = space["run"]()
    model = space["build"]()
    space["add_hooks"](model)
    torch.save({"output": output, "keys": list(model.state_dict()),
                "kept": space.get("RECORDED", {})}, script.with_suffix(".result"))
"""


def opened(folder: Path) -> Session:
    (folder / "net.py").write_text(MODEL)
    session = Session(lambda event: None)
    session.open(Target(f"{folder / 'net.py'}:Net", inputs=("2x3x8x8",)))
    return session


def run_scripts(folder: Path) -> str:
    """All scripts of the folder, in one process: importing torch is what takes the time."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        [sys.executable, "-c", DRIVER], cwd=folder, env=environment, capture_output=True, text=True, timeout=200
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_every_kind_is_computed_by_its_script_as_by_the_session(tmp_path: Path) -> None:
    assert set(EXAMPLES) == set(BY_NAME)
    torch.save(torch.linspace(0, 1, 2 * 4 * 6 * 6).reshape(2, 4, 6, 6), tmp_path / "saved.pt")
    session = opened(tmp_path)
    answer(session, AddHook(1, "split", "record('clean')"))
    plain = output_of(session)
    answer(session, Undo(1))
    expected: dict[str, Any] = {}
    own = HookSpec("python", code=OWN)
    for name, (where, hook) in EXAMPLES.items():
        text = hook.replace("FILE", str(tmp_path / "saved.pt"))
        if name == "patch":  # what was recorded is put in at another input
            answer(session, AddHook(1, "conv", "scale(3)"))
        answer(session, AddHook(1, where, own if name == "python" else text))
        expected[name] = output_of(session), list(session.subject.tree.root.state_dict())
        session.save(str(tmp_path / f"script_{name}.py"))
        while any(not change.undone for change in session.subject.changes().changes):
            answer(session, Undo(1))
    kept = session.subject.change_log.hook_state.recordings["kept"]
    session.close()
    said = run_scripts(tmp_path)
    for name, (output, keys) in expected.items():
        result = torch.load(tmp_path / f"script_{name}.result")
        assert torch.equal(result["output"], output) and result["keys"] == keys, name
        alters = BY_NAME[name].group not in ("Look", "State dict")
        assert torch.equal(output, plain) != alters, name
    assert "split call 0: output 2×4×6×6 float32" in said
    again = torch.load(tmp_path / "script_record.result")["kept"]["kept"]
    assert list(again) == list(kept) and all(map(torch.equal, again.values(), kept.values()))


def test_an_edit_and_all_kinds_in_one_script(tmp_path: Path) -> None:
    session = opened(tmp_path)
    answer(session, EditParameters(1, "conv", "noise(0.1, seed=3)"))
    own = HookSpec("python", code=OWN)
    for name, (where, hook) in EXAMPLES.items():
        if name not in ("replace", "patch", "mean"):
            answer(session, AddHook(1, where, own if name == "python" else hook))
    output = output_of(session)
    session.save(str(tmp_path / "script_all.py"))
    session.close()
    run_scripts(tmp_path)
    assert torch.equal(torch.load(tmp_path / "script_all.result")["output"], output)


KIND = '''
from __future__ import annotations

import math
import statistics as stats
from fractions import Fraction

from torch import Tensor

from ..conditions import measure as look
from ..kind import VALUES, OnTensor, kind

HALF = Fraction(1, 2)


def print(value: float) -> float:
    return math.floor(stats.mean([value, float(HALF)]) * 64)


@kind("Alter values", on=VALUES)
def stranger(factor: float = 3.0) -> OnTensor:
    """Scale by a number that much arithmetic goes into.

    Args:
        factor: Of the arithmetic.
    """
    return lambda tensor: tensor * print(factor) + look(tensor, names=("max",))["max"]
'''


def add_kind(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A kind of somebody else's, in the room of the kinds."""
    room = folder / "room"
    room.mkdir()
    (room / "stranger.py").write_text(text)
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(room)])
    found = importlib.import_module("inspector.engine.hooks.kinds.stranger").stranger
    monkeypatch.setitem(BY_NAME, "stranger", found)
    monkeypatch.delitem(sys.modules, "inspector.engine.hooks.kinds.stranger")


def test_a_script_carries_what_a_kind_imports_and_defines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_kind(tmp_path, monkeypatch, KIND)
    session = opened(tmp_path)
    for hook in ("stranger(5)", "print()", "clamp(0, 1, when='max > 0')"):
        answer(session, AddHook(1, "split", hook))
    output = output_of(session)
    session.save(str(tmp_path / "script_stranger.py"))
    session.close()
    assert "split call 0" in run_scripts(tmp_path)
    assert torch.equal(torch.load(tmp_path / "script_stranger.result")["output"], output)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("from ..conditions import measure as look", "from .. import conditions", "import its names"),
        ("    return math", "    from ..conditions import measure\n    return math", "inside a function"),
    ],
)
def test_what_cannot_be_carried_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, said: str
) -> None:
    text = KIND.replace(old, new).replace("look(", "conditions.measure(" if "conditions" in new else "look(")
    add_kind(tmp_path, monkeypatch, text)
    monkeypatch.setattr(carry.Source, "_known", {})
    session = opened(tmp_path)
    answer(session, AddHook(1, "split", "stranger(5)"))
    with pytest.raises(UsageError, match=said):
        session.save(str(tmp_path / "script.py"))
    assert not (tmp_path / "script.py").exists()
    session.close()


def test_a_model_whose_hook_is_wrong_raises_in_a_script(tmp_path: Path) -> None:
    """There is nobody to tell of a fault, so it is not passed over."""
    session = opened(tmp_path)
    answer(session, AddHook(1, "split", "mean(9)"))
    session.save(str(tmp_path / "script_wrong.py"))
    session.close()
    with pytest.raises(AssertionError, match="Dimension out of range"):
        run_scripts(tmp_path)
